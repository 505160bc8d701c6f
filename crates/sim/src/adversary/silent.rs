//! Listens and says nothing: from the start, or from some round on.
//!
//! Invariant: what was said before the silence was honest.

use crate::adversary::{Byzantine, InFlight, Powers};

/// Falls silent after so many messages.
#[derive(Debug)]
pub struct Silent {
    words_left: u64,
}

impl Silent {
    /// Every other seed is silent from the start.
    pub const fn new(seed: u64) -> Self {
        Self { words_left: if (seed / 16).is_multiple_of(2) { 0 } else { 200 } }
    }
}

impl Byzantine for Silent {
    fn speak(&mut self, message: InFlight, _: &mut Powers, out: &mut Vec<InFlight>) {
        if self.words_left > 0 {
            self.words_left -= 1;
            out.push(message);
        }
    }
}
