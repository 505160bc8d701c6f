//! The workers as the primary sees them: those of its own process, and those that are processes of their own.
//!
//! Invariant: the agreement reads no batch; it hears of references and hands out orders. A worker of this process
//! shares the agreement's log, so that what it persists stands before what is said of it; one that is away has a log
//! of its own and says nothing before it is durable. An order to a worker that is not there is dropped: it is told
//! everything when it is met.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use crypto::Digest;
use dag::Fault;
use num::{Duration, Timestamp};
use wire::{
    Author, BatchNote, BatchRef, List, Message, Transaction, WantedBatch, WorkerMessage, WorkerOrder,
    WorkerWord,
    limits::{NOTES_MAX, WORKERS_MAX},
};
use worker::{Settings, Shelf, Unordered, Worker};

use super::{Config, Output, Record, WorkerPlaces};

/// A list of batches in an order.
type Digests = List<Digest, NOTES_MAX>;

#[derive(Debug)]
enum Place {
    Here(Box<Worker>),
    Away { met: bool },
}

#[derive(Debug)]
pub(super) struct Crew {
    places: Vec<Place>,
    /// What workers of this process said and the agreement has not heard yet.
    words: VecDeque<WorkerWord>,
    now: Timestamp,
    /// The log is being read: nothing is to be written to it.
    restoring: bool,
}

impl Crew {
    pub(super) fn new(config: &Config) -> Self {
        let pacing = &config.pacing;
        let count = usize::from(pacing.workers).clamp(1, WORKERS_MAX);
        let settings = |number| Settings {
            epoch: config.committee.epoch(),
            author: config.author,
            committee_size: config.committee.size(),
            number,
            batch_bytes: pacing.batch_bytes,
            batch_delay: Duration::from_millis(pacing.batch_delay_ms),
            retry: Duration::from_millis(pacing.retry_ms),
            open_bytes_max: pacing.open_bytes_max / count,
            unreferenced_bytes_max: UNREFERENCED_BYTES_MAX / count,
        };
        let place = |number| match pacing.worker_places {
            WorkerPlaces::Here => Place::Here(Box::new(Worker::new(settings(number)))),
            WorkerPlaces::Away => Place::Away { met: false },
        };
        let places = (0..u8::MAX).take(count).map(place).collect();
        Self { places, words: VecDeque::new(), now: Timestamp::ZERO, restoring: false }
    }

    pub(super) fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(super) fn set_restoring(&mut self, restoring: Restoring) {
        self.restoring = restoring == Restoring::Begins;
    }

    /// The worker here that keeps the batches which others' workers of this number make.
    fn place_of(&self, worker: u8) -> usize {
        usize::from(worker) % self.places.len()
    }

    /// Workers by their numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u8> + use<> {
        (0..u8::MAX).take(self.places.len())
    }

    /// The next word of a worker of this process.
    pub(super) fn next_word(&mut self) -> Option<WorkerWord> {
        self.words.pop_front()
    }

    /// Takes a batch from the log.
    pub(super) fn restore(&mut self, section: u64, encoded: Bytes) {
        let Some((digest, held)) = Shelf::read(encoded) else { return };
        let place = self.place_of(held.batch.worker);
        if let Some(Place::Here(worker)) = self.places.get_mut(place) {
            worker.restore(section, digest, held);
        }
    }

    /// What the workers of this process have of own transactions that are not ordered, by their places.
    pub(super) fn leave(&mut self, is_open: impl Fn(&BatchNote) -> bool) -> Vec<Unordered> {
        let leave = |place: &mut Place| match place {
            Place::Here(worker) => worker.leave(&is_open),
            Place::Away { .. } => Unordered::default(),
        };
        self.places.iter_mut().map(leave).collect()
    }

    /// Hands out what the workers of another epoch have left.
    pub(super) fn inherit(&mut self, unordered: Vec<Unordered>) {
        for (place, unordered) in self.places.iter_mut().zip(unordered) {
            if let Place::Here(worker) = place {
                worker.inherit(unordered);
            }
        }
    }

    /// A client's transaction; `client` picks the worker. One that is away hears of the validator's own ones in this way,
    /// and answers its clients itself.
    pub(super) fn submit(
        &mut self,
        client: u64,
        (ticket, transaction): (u64, Transaction),
        out: &mut Vec<Output>,
    ) {
        let count = u64::try_from(self.places.len()).unwrap_or(1);
        let number = u8::try_from(client % count).unwrap_or(0);
        match self.places.get(usize::from(number)) {
            Some(Place::Here(_)) => {
                self.put(number, worker::Input::Submit { client, ticket, transaction }, out);
            }
            Some(Place::Away { met: true }) => {
                self.order(number, WorkerOrder::Submit { transaction }, out);
            }
            _ => out.push(Output::Refused { ticket, busy: worker::Busy { have: 0, need: 0 } }),
        }
    }

    pub(super) fn message(
        &mut self,
        from: Author,
        (number, message): (u8, WorkerMessage),
        out: &mut Vec<Output>,
    ) {
        self.put(number, worker::Input::Message { from, message }, out);
    }

    /// A worker is there, or there again.
    pub(super) fn meet(&mut self, number: u8, welcome: WorkerOrder, out: &mut Vec<Output>) {
        let place = self.place_of(number);
        if let Some(Place::Away { met }) = self.places.get_mut(place) {
            *met = true;
        }
        self.order(number, welcome, out);
        self.put(number, worker::Input::Met, out);
    }

    /// A worker that is away cannot be reached.
    pub(super) fn part(&mut self, number: u8) {
        let place = self.place_of(number);
        if let Some(Place::Away { met }) = self.places.get_mut(place) {
            *met = false;
        }
    }

    pub(super) fn order(&mut self, number: u8, order: WorkerOrder, out: &mut Vec<Output>) {
        let place = self.place_of(number);
        match self.places.get(place) {
            Some(Place::Here(_)) => self.put(number, worker::Input::Order(order), out),
            Some(Place::Away { met: true }) => {
                let worker = u8::try_from(place).unwrap_or(0);
                out.push(Output::Order { worker, order });
            }
            _ => {}
        }
    }

    pub(super) fn order_all(&mut self, order: &WorkerOrder, out: &mut Vec<Output>) {
        self.numbers().for_each(|number| self.order(number, order.clone(), out));
    }

    /// Orders something about batches, of the worker of each.
    pub(super) fn order_about(
        &mut self,
        batches: &[BatchRef],
        order: impl Fn(Digests) -> WorkerOrder,
        out: &mut Vec<Output>,
    ) {
        for number in self.numbers() {
            let of_place = |batch: &&BatchRef| self.place_of(batch.worker) == usize::from(number);
            let digests: Vec<Digest> = batches.iter().filter(of_place).map(|batch| batch.digest).collect();
            for part in digests.chunks(NOTES_MAX) {
                let order = List::new(part.to_vec()).map(&order);
                order.into_iter().for_each(|order| self.order(number, order, out));
            }
        }
    }

    /// Orders batches that are missing; with each whom to ask first.
    pub(super) fn order_wanted(
        &mut self,
        batches: &[(BatchRef, Author)],
        order: impl Fn(List<WantedBatch, NOTES_MAX>) -> WorkerOrder,
        out: &mut Vec<Output>,
    ) {
        let mut of_place: BTreeMap<usize, Vec<WantedBatch>> = BTreeMap::new();
        for (batch, holder) in batches {
            let wanted = WantedBatch { digest: batch.digest, holder: *holder };
            of_place.entry(self.place_of(batch.worker)).or_default().push(wanted);
        }
        for (place, wanted) in of_place {
            for part in wanted.chunks(NOTES_MAX) {
                let order = List::new(part.to_vec()).map(&order).zip(u8::try_from(place).ok());
                order.into_iter().for_each(|(order, number)| self.order(number, order, out));
            }
        }
    }

    /// Does what is due here.
    pub(super) fn settle(&mut self, out: &mut Vec<Output>) {
        let now = self.now;
        self.each_here(out, |worker, out| worker.settle(now, out));
    }

    /// Seals what waits here: a block is about to be made.
    pub(super) fn seal(&mut self, out: &mut Vec<Output>) {
        self.each_here(out, Worker::seal);
    }

    /// The transactions of a batch that is held here.
    pub(super) fn contents(&self, batch: &BatchRef) -> Option<&[Transaction]> {
        match self.places.get(self.place_of(batch.worker))? {
            Place::Here(worker) => worker.held(&batch.digest).map(|held| &held.batch.transactions[..]),
            Place::Away { .. } => None,
        }
    }

    /// Whether transactions wait to be sealed here.
    pub(super) fn has_waiting(&self) -> bool {
        self.here().any(Worker::has_waiting)
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.here().filter_map(Worker::wake_at).min()
    }

    /// Bytes of own transactions on their way here.
    pub(super) fn open_bytes(&self) -> usize {
        self.here().map(Worker::open_bytes).sum()
    }

    fn here(&self) -> impl Iterator<Item = &Worker> {
        self.places.iter().filter_map(|place| match place {
            Place::Here(worker) => Some(&**worker),
            Place::Away { .. } => None,
        })
    }

    fn each_here(&mut self, out: &mut Vec<Output>, act: impl Fn(&mut Worker, &mut Vec<worker::Output>)) {
        for number in self.numbers() {
            let mut outputs = Vec::new();
            if let Some(Place::Here(worker)) = self.places.get_mut(usize::from(number)) {
                act(worker, &mut outputs);
            }
            self.pass_on(number, outputs, out);
        }
    }

    fn put(&mut self, number: u8, input: worker::Input, out: &mut Vec<Output>) {
        let (place, now) = (self.place_of(number), self.now);
        let mut outputs = Vec::new();
        if let Some(Place::Here(worker)) = self.places.get_mut(place) {
            worker.take(now, input, &mut outputs);
        }
        self.pass_on(u8::try_from(place).unwrap_or(0), outputs, out);
    }

    fn pass_on(&mut self, worker: u8, outputs: Vec<worker::Output>, out: &mut Vec<Output>) {
        for output in outputs {
            out.extend(match output {
                worker::Output::Persist { .. } if self.restoring => None,
                worker::Output::Persist { section, batch } => {
                    Some(Output::Persist { section, record: Record::Batch { batch } })
                }
                worker::Output::Send { to, message } => {
                    Some(Output::Send { to, message: Message::Worker { worker, message } })
                }
                worker::Output::Broadcast { message } => {
                    Some(Output::Broadcast { message: Message::Worker { worker, message } })
                }
                // In one process words come in the order in which they were said.
                worker::Output::Introduction => None,
                worker::Output::Word(word) => {
                    self.words.push_back(word);
                    None
                }
                worker::Output::Accepted { ticket } => Some(Output::Accepted { ticket }),
                worker::Output::Final { ticket, commit } => Some(Output::Final { ticket, commit }),
                worker::Output::Refused { ticket, busy } => Some(Output::Refused { ticket, busy }),
                worker::Output::Fault { peer } => Some(Output::Fault { peer, fault: Fault::Batch }),
                // The log is the agreement's, and cut by it.
                worker::Output::Cut { .. } => None,
            });
        }
    }
}

/// Whether the log is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restoring {
    Begins,
    Ends,
}

/// Bytes of one author's batches that no accepted block refers to, over all workers.
pub const UNREFERENCED_BYTES_MAX: usize = 64 * 1024 * 1024;
