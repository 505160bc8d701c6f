//! Says everything, late: a hundred messages behind what its program said, in order.
//!
//! Invariant: nothing is changed; whether it is slow or far away nobody can tell.

use std::collections::VecDeque;

use crate::adversary::{Byzantine, InFlight, Powers};

/// How many messages are kept back at any time.
const BEHIND: usize = 100;

/// Keeps back what its validators say.
#[derive(Debug, Default)]
pub struct Slow {
    kept: VecDeque<InFlight>,
}

impl Byzantine for Slow {
    fn speak(&mut self, message: InFlight, _: &mut Powers, out: &mut Vec<InFlight>) {
        self.kept.push_back(message);
        if self.kept.len() > BEHIND {
            out.extend(self.kept.pop_front());
        }
    }
}
