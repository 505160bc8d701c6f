//! Says again what was said before, by anybody, to anybody.
//!
//! Invariant: nothing is changed and nothing invented; a bounded part of the past is remembered.

use std::collections::VecDeque;

use wire::{Author, Message};

use crate::adversary::{Byzantine, InFlight, Powers};

/// Messages remembered.
const REMEMBERED_MAX: usize = 400;

/// Repeats blocks, batches, questions and answers.
#[derive(Debug, Default)]
pub struct Replayer {
    past: VecDeque<Message>,
}

impl Replayer {
    fn remember(&mut self, message: &Message) {
        if self.past.len() == REMEMBERED_MAX {
            self.past.pop_front();
        }
        self.past.push_back(message.clone());
    }

    fn repeat(&self, from: Author, powers: &mut Powers) -> Option<(Author, Message)> {
        let size = u64::try_from(self.past.len()).ok()?;
        let place = usize::try_from(powers.random.below(size)).ok()?;
        let to = Author(u16::try_from(powers.random.below(u64::from(powers.members))).ok()?);
        (to != from).then(|| Some((to, self.past.get(place)?.clone())))?
    }
}

impl Byzantine for Replayer {
    fn speak(&mut self, message: InFlight, powers: &mut Powers, out: &mut Vec<InFlight>) {
        self.remember(&message.message);
        if let Some((to, again)) = self.repeat(message.from, powers) {
            out.push(InFlight { to, message: again, ..message.clone() });
        }
        out.push(message);
    }

    fn hear(&mut self, message: &InFlight, _: &mut Powers, _: &mut Vec<InFlight>) {
        self.remember(&message.message);
    }
}
