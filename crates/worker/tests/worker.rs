//! What one worker keeps to: towards its peers, its primary and its log, in whatever order things happen.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::Digest;
use num::{Duration, Timestamp};
use proptest::prelude::*;
use wire::{
    Author, Batch, BatchNote, Blob, List, Transaction, WantedBatch, WorkerMessage, WorkerOrder, WorkerWord,
};
use worker::{Input, Output, Settings, Shelf, Worker};

const DELAY_MS: u64 = 10;
const RETRY_MS: u64 = 100;

fn settings() -> Settings {
    Settings {
        epoch: 7,
        author: Author(2),
        committee_size: 4,
        number: 1,
        batch_bytes: 1_000,
        batch_delay: Duration::from_millis(DELAY_MS),
        retry: Duration::from_millis(RETRY_MS),
        open_bytes_max: 4_000,
        unreferenced_bytes_max: 3_000,
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A worker with its log, which tells what it was seen to do.
struct Case {
    worker: Worker,
    log: Vec<(u64, Bytes)>,
    now: u64,
    tickets: u64,
}

impl Case {
    fn new() -> Self {
        Self { worker: Worker::new(settings()), log: Vec::new(), now: 1_000, tickets: 0 }
    }

    fn welcomed() -> Self {
        let mut case = Self::new();
        case.order(WorkerOrder::Welcome { after: 0, section: 1 });
        case
    }

    fn take(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.worker.take(at(self.now), input, &mut out);
        self.worker.settle(at(self.now), &mut out);
        self.note(&out);
        out
    }

    fn order(&mut self, order: WorkerOrder) -> Vec<Output> {
        self.take(Input::Order(order))
    }

    fn submit(&mut self, bytes: usize) -> Vec<Output> {
        self.tickets += 1;
        let mut contents = vec![0; bytes];
        contents[..8].copy_from_slice(&self.tickets.to_be_bytes());
        let transaction = Transaction::new(contents).expect("a small transaction");
        self.take(Input::Submit { client: self.tickets, ticket: self.tickets, transaction })
    }

    fn wait(&mut self, millis: u64) -> Vec<Output> {
        self.now += millis;
        let mut out = Vec::new();
        self.worker.settle(at(self.now), &mut out);
        self.note(&out);
        out
    }

    /// A new life from the log.
    fn restart(&mut self) {
        self.worker = Worker::new(settings());
        for (section, encoded) in &self.log {
            let (digest, held) = Shelf::read(encoded.clone()).expect("a batch");
            self.worker.restore(*section, digest, held);
        }
    }

    /// What is said of a batch stands in the log already.
    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            let said: Vec<Digest> = match output {
                Output::Persist { section, batch } => {
                    self.log.push((*section, batch.bytes().clone()));
                    Vec::new()
                }
                Output::Cut { keep } => {
                    self.log.retain(|(section, _)| section >= keep);
                    Vec::new()
                }
                Output::Broadcast { message: WorkerMessage::Batch { batch } } => {
                    vec![Batch::digest_of(batch.bytes())]
                }
                Output::Word(WorkerWord::Sealed { batches } | WorkerWord::Held { batches }) => {
                    batches.iter().map(|note| note.reference.digest).collect()
                }
                _ => Vec::new(),
            };
            assert!(said.iter().all(|batch| self.is_in_log(batch)), "{said:?} before it is durable");
        }
    }

    fn is_in_log(&self, batch: &Digest) -> bool {
        self.log.iter().any(|(_, it)| Batch::digest_of(it) == *batch)
    }
}

fn foreign(author: u16, sequence: u64) -> (Digest, Blob<{ wire::limits::BATCH_BYTES_MAX }>) {
    let transactions = List::new(vec![Transaction::new(vec![9; 400]).expect("small")]).expect("one");
    let batch = Batch { epoch: 7, author: Author(author), worker: 1, sequence, transactions };
    let encoded = batch.encode();
    (Batch::digest_of(&encoded), Blob::new(encoded).expect("small"))
}

fn from_peer(case: &mut Case, peer: u16, batch: &Blob<{ wire::limits::BATCH_BYTES_MAX }>) -> Vec<Output> {
    let message = WorkerMessage::Batch { batch: batch.clone() };
    case.take(Input::Message { from: Author(peer), message })
}

fn sealed(outputs: &[Output]) -> Vec<BatchNote> {
    let notes = |output: &Output| match output {
        Output::Word(WorkerWord::Sealed { batches }) => batches.to_vec(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(notes).collect()
}

fn held(outputs: &[Output]) -> Vec<Digest> {
    let notes = |output: &Output| match output {
        Output::Word(WorkerWord::Held { batches }) => batches.to_vec(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(notes).map(|note| note.reference.digest).collect()
}

fn asked(outputs: &[Output]) -> Vec<(u16, Vec<Digest>)> {
    let asked = |output: &Output| match output {
        Output::Send { to, message: WorkerMessage::Fetch { batches } } => Some((to.0, batches.to_vec())),
        _ => None,
    };
    outputs.iter().filter_map(asked).collect()
}

fn contents(outputs: &[Output]) -> Vec<Digest> {
    let given = |output: &Output| match output {
        Output::Word(WorkerWord::Contents { batch }) => Some(Batch::digest_of(batch.bytes())),
        _ => None,
    };
    outputs.iter().filter_map(given).collect()
}

fn one<const MAX: usize>(batch: Digest) -> List<Digest, MAX> {
    List::new(vec![batch]).expect("one")
}

fn wanted<const MAX: usize>(digest: Digest, holder: u16) -> List<WantedBatch, MAX> {
    List::new(vec![WantedBatch { digest, holder: Author(holder) }]).expect("one")
}

#[test]
fn nothing_is_sealed_before_the_primary_has_said_which_numbers_are_used() {
    let mut case = Case::new();
    assert!(case.submit(2_000).is_empty() && case.wait(1_000).is_empty());
    let out = case.order(WorkerOrder::Welcome { after: 41, section: 3 });
    let notes = sealed(&out);
    assert_eq!((notes.len(), notes[0].sequence, notes[0].reference.worker), (1, 42, 1));
    assert!(out.iter().any(|it| matches!(it, Output::Accepted { ticket: 1 })));
    assert!(matches!(out[0], Output::Persist { section: 3, .. }));
}

#[test]
fn a_client_hears_that_it_is_accepted_and_then_that_it_is_final_once() {
    let mut case = Case::welcomed();
    assert!(case.submit(100).is_empty(), "it waits for company");
    let batch = sealed(&case.wait(DELAY_MS))[0].reference.digest;
    let ordered = || WorkerOrder::Ordered { commit: 9, batches: one(batch) };
    let out = case.order(ordered());
    assert!(matches!(out[..], [Output::Final { ticket: 1, commit: 9 }]), "{out:?}");
    assert!(case.order(ordered()).is_empty());
    assert_eq!(case.worker.open_bytes(), 0);
}

#[test]
fn after_a_crash_the_primary_hears_of_every_own_batch_that_was_accepted() {
    let mut case = Case::welcomed();
    let notes: Vec<BatchNote> = (0..3).flat_map(|_| sealed(&case.submit(1_200))).collect();
    assert_eq!(notes.len(), 3);
    case.order(WorkerOrder::Ordered { commit: 1, batches: one(notes[0].reference.digest) });
    case.restart();
    let told = sealed(&case.take(Input::Met));
    assert_eq!(told, notes, "the log does not know what was ordered: the primary does");
    case.order(WorkerOrder::Welcome { after: 2, section: 1 });
    case.order(WorkerOrder::Ordered { commit: 0, batches: one(notes[0].reference.digest) });
    case.order(WorkerOrder::Forget { batches: one(notes[0].reference.digest) });
    let again = sealed(&case.take(Input::Met));
    assert_eq!(again, notes[1..]);
    assert_eq!(sealed(&case.submit(1_200))[0].sequence, 4, "numbers count on");
}

#[test]
fn own_batches_that_wait_outlive_the_section_they_were_written_to() {
    let mut case = Case::welcomed();
    let note = sealed(&case.submit(1_200))[0];
    for section in 2..6 {
        case.order(WorkerOrder::Begin { section });
        case.order(WorkerOrder::Cut { keep: section - 1 });
        assert!(case.is_in_log(&note.reference.digest), "in section {section}");
    }
    case.order(WorkerOrder::Ordered { commit: 1, batches: one(note.reference.digest) });
    for section in 6..9 {
        case.order(WorkerOrder::Begin { section });
        case.order(WorkerOrder::Cut { keep: section - 1 });
    }
    assert!(!case.is_in_log(&note.reference.digest), "what is ordered goes with its section");
}

#[test]
fn a_block_that_comes_late_brings_its_batch_back_into_the_log() {
    let mut case = Case::welcomed();
    let (digest, batch) = foreign(1, 1);
    assert_eq!(held(&from_peer(&mut case, 1, &batch)), [digest]);
    case.order(WorkerOrder::Begin { section: 2 });
    case.order(WorkerOrder::Begin { section: 3 });
    let out = case.order(WorkerOrder::Refer { batches: one(digest) });
    assert!(matches!(out[..], [Output::Persist { section: 3, .. }]), "{out:?}");
    assert!(case.order(WorkerOrder::Refer { batches: one(digest) }).is_empty(), "once is enough");
}

#[test]
fn a_missing_batch_is_asked_for_round_the_committee_and_taken_from_whoever_was_asked() {
    let mut case = Case::welcomed();
    let (digest, batch) = foreign(1, 1);
    assert!(held(&from_peer(&mut case, 3, &batch)).is_empty(), "unasked, from somebody else");
    assert!(asked(&case.order(WorkerOrder::Expect { batches: wanted(digest, 1) })).is_empty());
    let mut peers = Vec::new();
    for _ in 0..3 {
        let questions = asked(&case.wait(RETRY_MS));
        assert_eq!(questions.len(), 1);
        assert_eq!(questions[0].1, [digest]);
        peers.push(questions[0].0);
    }
    assert_eq!(peers, [1, 3, 3], "its holder first, the worker's own validator never");
    assert_eq!(held(&from_peer(&mut case, 3, &batch)), [digest]);
    assert!(asked(&case.wait(10 * RETRY_MS)).is_empty());
    let known = case.order(WorkerOrder::Fetch { batches: wanted(digest, 1) });
    assert_eq!(held(&known), [digest], "the word was lost");
}

#[test]
fn contents_are_given_when_they_are_there() {
    let mut case = Case::welcomed();
    let (digest, batch) = foreign(1, 1);
    let out = case.order(WorkerOrder::Give { batches: wanted(digest, 1) });
    assert_eq!((asked(&out).len(), contents(&out).len()), (1, 0));
    assert_eq!(contents(&from_peer(&mut case, 1, &batch)), [digest]);
    assert!(contents(&from_peer(&mut case, 1, &batch)).is_empty(), "once an order");
    assert_eq!(contents(&case.order(WorkerOrder::Give { batches: wanted(digest, 1) })), [digest]);
}

#[test]
fn what_is_no_batch_of_this_committee_is_its_sender_s_fault() {
    let mut case = Case::welcomed();
    let (_, batch) = foreign(4, 1);
    for batch in [batch, Blob::new(vec![7; 50]).expect("small")] {
        let out = from_peer(&mut case, 1, &batch);
        assert!(matches!(out[..], [Output::Fault { peer: Author(1) }]), "{out:?}");
    }
    assert!(case.log.is_empty());
}

#[test]
fn a_peer_that_floods_loses_its_own_batches_and_the_primary_hears_of_it() {
    let mut case = Case::welcomed();
    let own = sealed(&case.submit(1_200))[0].reference.digest;
    let (quiet, batch) = foreign(0, 1);
    from_peer(&mut case, 0, &batch);
    let mut gone = BTreeSet::new();
    let flood: Vec<Digest> = (0..20)
        .map(|sequence| {
            let (digest, batch) = foreign(1, sequence);
            for output in from_peer(&mut case, 1, &batch) {
                if let Output::Word(WorkerWord::Gone { batches }) = output {
                    gone.extend(batches.into_vec());
                }
            }
            digest
        })
        .collect();
    let kept: Vec<&Digest> = flood.iter().filter(|batch| case.worker.held(batch).is_some()).collect();
    assert!(kept.len() < 8 && !kept.is_empty());
    assert!(flood.iter().all(|batch| gone.contains(batch) == case.worker.held(batch).is_none()));
    assert!(case.worker.held(&own).is_some() && case.worker.held(&quiet).is_some());
}

/// What happens to a worker, in any order.
#[derive(Clone, Debug)]
enum Event {
    Submit(usize),
    Wait(u64),
    Peer { peer: u16, sequence: u64 },
    Order(usize),
    Section,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (8_usize..600).prop_map(Event::Submit),
        3 => (1_u64..30).prop_map(Event::Wait),
        3 => (0_u16..2, 0_u64..40).prop_map(|(peer, sequence)| Event::Peer { peer, sequence }),
        3 => any::<usize>().prop_map(Event::Order),
        1 => Just(Event::Section),
        1 => Just(Event::Restart),
    ]
}

const fn digest_of(note: &BatchNote) -> Digest {
    note.reference.digest
}

fn ordered_first(batch: Digest) -> WorkerOrder {
    WorkerOrder::Ordered { commit: 0, batches: one(batch) }
}

proptest! {
    /// A primary that remembers what it has heard carries each own batch once, and misses none that was accepted,
    /// whenever the worker crashes and whatever is cut.
    #[test]
    fn whatever_is_accepted_is_told_until_it_is_ordered(events in prop::collection::vec(event(), 1..120)) {
        let mut case = Case::welcomed();
        let (mut highest, mut section) = (0, 1);
        let mut open: BTreeMap<Digest, u64> = BTreeMap::new();
        let mut accepted = 0_usize;
        for event in events {
            let out = match event {
                Event::Submit(bytes) => case.submit(bytes),
                Event::Wait(millis) => case.wait(millis),
                Event::Peer { peer, sequence } => {
                    let (_, batch) = foreign(peer, sequence);
                    from_peer(&mut case, peer, &batch)
                }
                Event::Order(place) => {
                    let Some(batch) = open.keys().nth(place % open.len().max(1)).copied() else { continue };
                    open.remove(&batch);
                    case.order(WorkerOrder::Ordered { commit: 1, batches: one(batch) })
                }
                Event::Section => {
                    section += 1;
                    let mut out = case.order(WorkerOrder::Begin { section });
                    out.extend(case.order(WorkerOrder::Cut { keep: section - 1 }));
                    out
                }
                Event::Restart => {
                    case.restart();
                    let told: Vec<Digest> = sealed(&case.take(Input::Met)).iter().map(digest_of).collect();
                    prop_assert!(open.keys().all(|batch| told.contains(batch)), "an own batch is lost");
                    let ordered = told.into_iter().filter(|batch| !open.contains_key(batch));
                    ordered.for_each(|batch| drop(case.order(ordered_first(batch))));
                    case.order(WorkerOrder::Welcome { after: highest, section })
                }
            };
            for note in sealed(&out) {
                prop_assert_eq!(note.sequence, highest + 1);
                highest = note.sequence;
                open.insert(note.reference.digest, note.sequence);
            }
            accepted += out.iter().filter(|it| matches!(it, Output::Accepted { .. })).count();
            let in_batches: usize = open.keys().filter(|batch| case.worker.held(batch).is_none()).count();
            prop_assert_eq!(in_batches, 0, "an own batch that waits is not at hand");
        }
        prop_assert!(accepted <= usize::try_from(case.tickets).unwrap_or(usize::MAX));
        prop_assert!(case.worker.open_bytes() <= 4_000 + 700);
    }
}
