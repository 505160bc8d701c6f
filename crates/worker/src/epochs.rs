//! One worker through the epochs of its validator: in a process of its own it outlives committees.
//!
//! Its primary says how the committee changed and when it takes part in an epoch. The worker checks the changes from the
//! genesis on, leaves the epoch before with what of its own is not ordered, and carries that on in the new one.
//!
//! Invariant: epochs only go up. Orders and words are of the epoch in which the primary has seated this worker: the present
//! one, or the one before for a primary that was killed and has to come to its end again. Of the one before questions of
//! others are answered too, and of an earlier one nothing.
//! Left out on purpose: logs and links. The log of an epoch goes when that of the next one is cut. Whoever reads logs again
//! begins the epochs that it has logs of, in order, and restores each after it has begun.

use crypto::{Digest, PublicKey};
use num::Timestamp;
use wire::{AgreedChange, ChangeError, Committee, Transaction, WorkerMessage, WorkerOrder, WorkerWord};

use crate::{Busy, Held, Input, Output, Settings, Unordered, Worker};

/// What can happen to a worker that goes through epochs.
#[derive(Clone, Debug)]
pub enum Event {
    /// As [`Input::Submit`].
    Submit {
        client: u64,
        ticket: u64,
        transaction: Transaction,
    },
    /// A letter of the worker of this number of another validator, by its key.
    Message {
        epoch: u64,
        from: PublicKey,
        message: WorkerMessage,
    },
    Order(WorkerOrder),
}

/// What such a worker does.
#[derive(Clone, Debug)]
pub enum Effect {
    /// For the committee and the log of that epoch.
    Worker { epoch: u64, output: Output },
    /// There is a committee to be linked with, and what led to it.
    Linked { committee: Committee, changes: Vec<AgreedChange> },
}

/// One worker of a validator, whatever the epoch.
#[derive(Debug)]
pub struct Epochs {
    network: Digest,
    key: PublicKey,
    /// But for the epoch and the place in its committee.
    settings: Settings,
    /// From that of the genesis on, as far as is known.
    committees: Vec<Committee>,
    /// What led from each to the next.
    changes: Vec<AgreedChange>,
    present: Option<Seat>,
    ended: Option<Seat>,
    /// What the epoch before has left.
    left: Unordered,
    /// The epoch of the primary.
    seated: u64,
}

/// A worker in one epoch.
#[derive(Debug)]
struct Seat {
    committee: Committee,
    worker: Worker,
}

impl Epochs {
    /// A worker of the validator with that key, before any epoch.
    pub fn new(network: Digest, genesis: Committee, key: PublicKey, settings: Settings) -> Self {
        let (committees, changes) = (vec![genesis], Vec::new());
        let left = Unordered::default();
        Self { network, key, settings, committees, changes, present: None, ended: None, left, seated: 0 }
    }

    /// The epoch that this worker is in.
    pub fn epoch(&self) -> Option<u64> {
        self.present.as_ref().map(|seat| seat.committee.epoch())
    }

    /// Takes the changes among what the primary says; those known before are skipped.
    ///
    /// # Errors
    /// At the first change that does not follow from the genesis.
    pub fn follow(&mut self, changes: &[AgreedChange]) -> Result<(), ChangeError> {
        for agreed in changes {
            let Some(last) = self.committees.last() else { continue };
            if agreed.change.epoch > last.epoch() {
                let next = agreed.committee_after(self.network, last)?;
                self.committees.push(next);
                self.changes.push(agreed.clone());
            }
        }
        Ok(())
    }

    /// Goes on to an epoch; false, and nothing happens, if it is not later than the present one, or its committee is not
    /// known to have this validator.
    pub fn begin(&mut self, epoch: u64) -> bool {
        let known = self.committees.iter().find(|committee| committee.epoch() == epoch);
        let Some(committee) = known.filter(|_| self.epoch().is_none_or(|present| epoch > present)) else {
            return false;
        };
        let Some(author) = committee.author_of(&self.key) else { return false };
        let settings = Settings { epoch, author, committee_size: committee.size(), ..self.settings };
        let begun = Seat { committee: committee.clone(), worker: Worker::new(settings) };
        self.inherit();
        self.ended = self.present.replace(begun);
        if let Some(ended) = &mut self.ended {
            // What is here was not ordered, or the word of it was lost: then whoever reads the order takes it once.
            self.left = ended.worker.leave(|_| true);
        }
        true
    }

    /// Goes on with what the epoch before has left, unless the log of this one has it.
    fn inherit(&mut self) {
        if let Some(Seat { worker, .. }) = &mut self.present {
            let left = core::mem::take(&mut self.left);
            if !worker.has_inheritance() {
                worker.inherit(left);
            }
        }
    }

    /// Takes a batch from a section of the log of the present epoch.
    pub fn restore(&mut self, section: u64, digest: Digest, held: Held) {
        if let Some(seat) = &mut self.present {
            seat.worker.restore(section, digest, held);
        }
    }

    /// Links with the committee of the epoch that has begun, and writes what goes on from before.
    pub fn settle_in(&mut self, out: &mut Vec<Effect>) {
        self.inherit();
        let Some(Seat { committee, worker }) = &mut self.present else { return };
        let (epoch, mut outputs) = (committee.epoch(), Vec::new());
        let led = self.changes.iter().filter(|agreed| agreed.change.epoch <= epoch);
        out.push(Effect::Linked { committee: committee.clone(), changes: led.cloned().collect() });
        worker.write_inherited(&mut outputs);
        put_out(epoch, outputs, out);
    }

    /// Takes one event. What it makes due waits for `settle`, as in [`Worker::take`].
    pub fn take(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Submit { client, ticket, transaction } => {
                let input = Input::Submit { client, ticket, transaction };
                if !pass(self.present.as_mut(), now, input, out) {
                    let output = Output::Refused { ticket, busy: Busy { have: 0, need: 0 } };
                    put_out(0, vec![output], out);
                }
            }
            Event::Message { epoch, from, message } => self.take_message(now, epoch, (from, message), out),
            Event::Order(WorkerOrder::Changes { changes }) => {
                // The primary has checked the same: what does not hold is of another network, and leads nowhere.
                let _of_another = self.follow(&changes);
            }
            Event::Order(WorkerOrder::Seated { epoch }) => {
                if self.begin(epoch) {
                    self.settle_in(out);
                }
                self.seated = epoch;
                self.introduce(out);
            }
            Event::Order(order) => {
                let epoch = self.seated;
                pass(self.seat(epoch), now, Input::Order(order), out);
            }
        }
    }

    /// As [`Worker::settle`].
    pub fn settle(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if let Some(seat) = &mut self.present {
            let mut outputs = Vec::new();
            seat.worker.settle(now, &mut outputs);
            put_out(seat.committee.epoch(), outputs, out);
        }
    }

    /// As [`Worker::wake_at`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.present.as_ref().and_then(|seat| seat.worker.wake_at())
    }

    fn take_message(
        &mut self,
        now: Timestamp,
        epoch: u64,
        (from, message): (PublicKey, WorkerMessage),
        out: &mut Vec<Effect>,
    ) {
        let is_over = self.epoch().is_none_or(|present| epoch < present) && self.seated != epoch;
        if is_over && !matches!(message, WorkerMessage::Fetch { .. }) {
            return;
        }
        let seat = self.seat(epoch);
        let author = seat.as_ref().and_then(|seat| seat.committee.author_of(&from));
        if let Some(from) = author {
            pass(seat, now, Input::Message { from, message }, out);
        }
    }

    /// The worker in an epoch that is at hand.
    fn seat(&mut self, epoch: u64) -> Option<&mut Seat> {
        let seats = [&mut self.present, &mut self.ended];
        seats.into_iter().flatten().find(|seat| seat.committee.epoch() == epoch)
    }

    /// Tells the primary everything it may not know of its epoch. One in an epoch that is over for long comes to a later one
    /// by a snapshot, without workers.
    fn introduce(&mut self, out: &mut Vec<Effect>) {
        let epoch = self.seated;
        let Some(seat) = self.seat(epoch) else { return };
        let (epoch, mut outputs) = (seat.committee.epoch(), Vec::new());
        seat.worker.take(Timestamp::ZERO, Input::Met, &mut outputs);
        let after = outputs.iter().position(|it| matches!(it, Output::Introduction)).map_or(0, |at| at + 1);
        outputs.insert(after, Output::Word(WorkerWord::Seated { epoch }));
        put_out(epoch, outputs, out);
    }
}

/// Whether there was somebody to take it.
fn pass(seat: Option<&mut Seat>, now: Timestamp, input: Input, out: &mut Vec<Effect>) -> bool {
    let Some(seat) = seat else { return false };
    let mut outputs = Vec::new();
    seat.worker.take(now, input, &mut outputs);
    put_out(seat.committee.epoch(), outputs, out);
    true
}

fn put_out(epoch: u64, outputs: Vec<Output>, out: &mut Vec<Effect>) {
    out.extend(outputs.into_iter().map(|output| Effect::Worker { epoch, output }));
}
