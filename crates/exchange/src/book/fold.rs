//! The running hash that command streams and books are compared by.
//!
//! Invariant: the same words in the same order give the same value on every machine. Left out on purpose:
//! resistance to forgery; roots of the state use `crypto::Digest`.

/// A 64-bit hash over a sequence of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold(u64);

const START: u64 = 0x243F_6A88_85A3_08D3;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

impl Default for Fold {
    fn default() -> Self {
        Self(START)
    }
}

impl Fold {
    pub const fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(MULTIPLIER);
        self.0 = mixed ^ (mixed >> 29);
    }

    pub const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_words_matters_and_nothing_added_is_the_start() {
        let mut forward = Fold::default();
        let mut backward = Fold::default();
        assert_eq!(forward.value(), START);
        for word in 0..3 {
            forward.add(word);
            backward.add(2 - word);
        }
        assert_ne!(forward.value(), backward.value());
    }

    #[test]
    fn one_word_mixes_as_the_format_says() {
        // Worked out by hand in wide arithmetic: h = (START ^ START) * M = 0, and (START ^ !START) * M = -M.
        let mut fold = Fold::default();
        fold.add(START);
        assert_eq!(fold.value(), 0);
        let mut fold = Fold::default();
        fold.add(!START);
        let negated = MULTIPLIER.wrapping_neg();
        assert_eq!(fold.value(), negated ^ (negated >> 29));
    }
}
