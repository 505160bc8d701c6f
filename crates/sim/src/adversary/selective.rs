//! Speaks to some and never to others, so that those others know of it by hearsay only.
//!
//! Invariant: whom it speaks to does not change, and everything that it says is true.

use crate::adversary::{Byzantine, InFlight, Powers};

/// Leaves out some of the validators.
#[derive(Debug)]
pub struct Selective {
    salt: u64,
}

impl Selective {
    pub const fn new(seed: u64) -> Self {
        Self { salt: seed / 16 }
    }
}

impl Byzantine for Selective {
    fn speak(&mut self, message: InFlight, _: &mut Powers, out: &mut Vec<InFlight>) {
        let pair = u64::from(message.from.0) + u64::from(message.to.0) + self.salt;
        if !pair.is_multiple_of(2) {
            out.push(message);
        }
    }
}
