//! A validator that finds no word of its own in its log: it is new, or has lost its disk.
//!
//! Invariant: it makes no block before validators with f + 1 stake have answered what they hold of it, and then
//! only above all of that. Where messages are lost they can all have missed a block that another holds: a validator
//! without its memory is one of the f, and the order does not suffer. It goes no higher than it must: the others may
//! wait for its word in their round.

use bytes::Bytes;
use dag::{Fault, ReadBlock};
use num::Timestamp;
use wire::{Author, Blob, BlockRef, Message, Tally};

use super::{Agreement, Output};

#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// Who has answered; `None` when nothing was lost, or everything is known again.
    answered: Option<Tally>,
    /// The log holds a word of this validator's own.
    remembers: bool,
}

impl Recovery {
    /// Whether it is not known yet what this validator has said.
    pub(super) const fn is_open(&self) -> bool {
        self.answered.is_some()
    }

    pub(super) const fn remember(&mut self) {
        self.remembers = true;
    }
}

impl Agreement {
    /// Begins to ask, unless the log holds something of this validator's own.
    pub(super) fn recover(&mut self, out: &mut Vec<Output>) {
        let committee = &self.config.committee;
        let others = committee.total_stake() - committee.stake(self.config.author);
        let spoke = self.dag.own_latest() != BlockRef::genesis(self.config.author);
        if spoke || self.recovery.remembers || others < committee.validity() {
            self.mark(out);
            return;
        }
        self.recovery.answered = Some(Tally::new());
        self.ask_latest(out);
    }

    pub(super) fn ask_latest(&self, out: &mut Vec<Output>) {
        if self.recovery.is_open() {
            out.push(Output::Broadcast { message: Message::FetchLatest });
        }
    }

    /// Tells a peer what its highest block here is.
    pub(super) fn answer_latest(&self, to: Author, out: &mut Vec<Output>) {
        let block = self.dag.accepted().latest(to).and_then(|latest| self.dag.accepted().get(&latest));
        let block = block.and_then(|it| Blob::new(it.encoded.clone()));
        out.push(Output::Send { to, message: Message::Latest { block } });
    }

    pub(super) fn take_latest(
        &mut self,
        now: Timestamp,
        from: Author,
        block: Option<Bytes>,
        out: &mut Vec<Output>,
    ) {
        let Some(answered) = &mut self.recovery.answered else { return };
        if let Some(encoded) = block {
            let read = ReadBlock::read(encoded.clone()).and_then(|read| self.dag.rules().verify(read));
            match read {
                Ok(block) if block.reference.author == self.config.author => {
                    self.dag.resume_after(block.reference);
                    answered.add(&self.config.committee, from);
                    self.take_block(now, from, encoded, out);
                }
                Ok(_) => out.push(Output::Fault { peer: from, fault: Fault::Latest }),
                Err(fault) => out.push(Output::Fault { peer: from, fault }),
            }
        } else {
            answered.add(&self.config.committee, from);
        }
        self.end_recovery(out);
    }

    fn end_recovery(&mut self, out: &mut Vec<Output>) {
        let known = self.recovery.answered.as_ref();
        if known.is_some_and(|answered| answered.stake() >= self.config.committee.validity()) {
            self.recovery.answered = None;
            self.mark(out);
        }
    }
}
