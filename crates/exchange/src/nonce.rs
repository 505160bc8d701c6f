//! Numbers used once, in any order, within a window.
//!
//! Invariant: a number is accepted at most once for ever. The window follows the highest number accepted;
//! what has fallen out of it below counts as used.

/// How far below the highest accepted number an unused one is still accepted.
pub const WINDOW: u64 = 1_024;
const WORDS: usize = 16;

/// The numbers one key has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceWindow {
    /// One above the highest accepted number.
    next: u64,
    /// Bit `n % WINDOW` tells about number `n` of the window.
    used: [u64; WORDS],
}

saved!(NonceWindow { next, used });

/// Why a number is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceError {
    /// Below the window, whose lowest number is `need`.
    TooOld {
        need: u64,
    },
    Used,
    /// The largest number of all is never used, so that the window can always move.
    TooLarge,
}

impl Default for NonceWindow {
    fn default() -> Self {
        Self { next: 0, used: [0; WORDS] }
    }
}

impl NonceWindow {
    /// The lowest number that can still be accepted.
    pub const fn lowest(&self) -> u64 {
        self.next.saturating_sub(WINDOW)
    }

    /// Whether `nonce` would be accepted.
    pub fn check(&self, nonce: u64) -> Result<(), NonceError> {
        if nonce == u64::MAX {
            return Err(NonceError::TooLarge);
        }
        if nonce < self.lowest() {
            return Err(NonceError::TooOld { need: self.lowest() });
        }
        if nonce < self.next && self.bit(nonce) {
            return Err(NonceError::Used);
        }
        Ok(())
    }

    /// Marks a number that `check` accepts.
    pub fn accept(&mut self, nonce: u64) {
        if nonce >= self.next {
            if nonce - self.next >= WINDOW {
                self.used = [0; WORDS];
            } else {
                (self.next..nonce).for_each(|skipped| self.clear(skipped));
            }
            self.next = nonce.saturating_add(1);
        }
        let (word, mask) = place(nonce);
        self.used[word] |= mask;
    }

    fn bit(&self, nonce: u64) -> bool {
        let (word, mask) = place(nonce);
        self.used[word] & mask != 0
    }

    fn clear(&mut self, nonce: u64) {
        let (word, mask) = place(nonce);
        self.used[word] &= !mask;
    }
}

fn place(nonce: u64) -> (usize, u64) {
    let bit = nonce % WINDOW;
    (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_window_agrees_with_a_set_of_everything_used(
            nonces in proptest::collection::vec(prop_oneof![0..3_000u64, 0..60u64, any::<u64>()], 0..300),
        ) {
            let (mut window, mut used) = (NonceWindow::default(), BTreeSet::new());
            for nonce in nonces {
                let lowest = used.last().map_or(0, |highest: &u64| (highest + 1).saturating_sub(WINDOW));
                let want = if nonce == u64::MAX {
                    Err(NonceError::TooLarge)
                } else if nonce < lowest {
                    Err(NonceError::TooOld { need: lowest })
                } else if used.contains(&nonce) {
                    Err(NonceError::Used)
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.check(nonce), want);
                if want.is_ok() {
                    window.accept(nonce);
                    used.insert(nonce);
                }
            }
        }
    }

    #[test]
    fn a_full_window_takes_only_what_is_above_it() {
        let mut window = NonceWindow::default();
        for nonce in 0..WINDOW {
            window.accept(nonce);
        }
        assert!((0..WINDOW).all(|nonce| window.check(nonce) == Err(NonceError::Used)));
        window.accept(WINDOW);
        assert_eq!(window.check(0), Err(NonceError::TooOld { need: 1 }));
        assert_eq!(window.check(WINDOW + 5), Ok(()));
    }
}
