//! Choices as data: a random DAG is a function of one list of numbers, so that a failing one shrinks.
//!
//! Invariant: zero is the plainest choice, and an exhausted tape answers zero for ever.

use wire::Stake;

#[derive(Clone, Debug)]
pub struct Tape {
    words: Vec<u32>,
    next: usize,
}

impl Tape {
    pub fn new(words: Vec<u32>) -> Self {
        Self { words, next: 0 }
    }

    /// A long tape from a seed (SplitMix64).
    pub fn seeded(seed: u64) -> Self {
        let mut state = seed;
        let word = |_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()
        };
        Self::new((0..20_000).map(word).collect())
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let word = self.words.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::try_from(word).unwrap() % bound
    }

    /// True in about `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    pub fn stake(&mut self, bound: usize) -> Stake {
        Stake::try_from(self.below(bound)).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for first in 0..items.len() {
            let left = items.len() - first;
            items.swap(first, first + self.below(left));
        }
    }
}
