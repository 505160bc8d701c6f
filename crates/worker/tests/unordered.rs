//! What a worker leaves to the one of the next epoch.

use bytes::Bytes;
use crypto::Digest;
use num::{Duration, Timestamp};
use wire::{Author, List, Transaction, WorkerOrder, WorkerWord};
use worker::{Input, Output, Settings, Shelf, Unordered, Worker};

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn worker_of(epoch: u64) -> Worker {
    Worker::new(Settings {
        epoch,
        author: Author(2),
        committee_size: 4,
        number: 0,
        batch_bytes: 100,
        batch_delay: Duration::from_millis(10),
        retry: Duration::from_millis(100),
        open_bytes_max: 1_000,
        unreferenced_bytes_max: 1_000,
    })
}

fn take(worker: &mut Worker, input: Input) -> Vec<Output> {
    let mut out = Vec::new();
    worker.take(NOW, input, &mut out);
    out
}

/// Met by its primary, whose log is in section 1: all it says.
fn meet(worker: &mut Worker) -> Vec<Output> {
    let mut out = take(worker, Input::Order(WorkerOrder::Welcome { after: 0, section: 1 }));
    out.extend(take(worker, Input::Met));
    out
}

fn submit(worker: &mut Worker, ticket: u64, bytes: u8) -> Vec<Output> {
    let transaction = Transaction::new(vec![bytes; usize::from(bytes)]).expect("a small transaction");
    take(worker, Input::Submit { client: ticket, ticket, transaction })
}

fn ordered(worker: &mut Worker, commit: u64, batch: Digest) -> Vec<u64> {
    let batches = List::new(vec![batch]).expect("one batch");
    let out = take(worker, Input::Order(WorkerOrder::Ordered { commit, batches }));
    out.into_iter()
        .filter_map(|it| if let Output::Final { ticket, .. } = it { Some(ticket) } else { None })
        .collect()
}

fn written(out: &[Output]) -> Vec<Bytes> {
    let bytes =
        |it: &Output| if let Output::Persist { batch, .. } = it { Some(batch.bytes().clone()) } else { None };
    out.iter().filter_map(bytes).collect()
}

fn sealed(out: &[Output]) -> Vec<Digest> {
    let digests = |it: &Output| match it {
        Output::Word(WorkerWord::Sealed { batches }) => {
            batches.iter().map(|note| note.reference.digest).collect()
        }
        _ => Vec::new(),
    };
    out.iter().flat_map(digests).collect()
}

fn from_log(epoch: u64, log: &[Bytes]) -> Worker {
    let mut worker = worker_of(epoch);
    for encoded in log {
        let (digest, held) = Shelf::read(encoded.clone()).expect("a batch");
        worker.restore(1, digest, held);
    }
    worker
}

/// Three batches, the second of them ordered, and a transaction that waits; what was written.
fn left() -> (Unordered, Vec<Bytes>) {
    let mut worker = worker_of(7);
    meet(&mut worker);
    let out: Vec<Output> = (1..=3).flat_map(|ticket| submit(&mut worker, ticket, 110)).collect();
    let digests = sealed(&out);
    assert_eq!(digests.len(), 3);
    assert_eq!(ordered(&mut worker, 9, digests[1]), [2]);
    assert_eq!(submit(&mut worker, 4, 20).len(), 0, "it waits for company");
    (worker.leave(|_| true), written(&out))
}

#[test]
fn what_is_not_ordered_is_written_told_and_final_in_the_next_epoch() {
    let mut next = worker_of(8);
    next.inherit(left().0);
    assert_eq!(next.open_bytes(), 2 * 115 + 25, "room that was taken stays taken");
    let out = meet(&mut next);
    let digests = sealed(&out);
    assert_eq!((written(&out).len(), digests.len()), (2, 2));
    assert!(!out.iter().any(|it| matches!(it, Output::Accepted { .. })), "that was said already");
    assert_eq!(ordered(&mut next, 12, digests[0]), [1]);
    assert_eq!(ordered(&mut next, 12, digests[1]), [3]);
    let mut out = Vec::new();
    next.seal(&mut out);
    assert_eq!(ordered(&mut next, 13, sealed(&out)[0]), [4]);
    assert_eq!(next.open_bytes(), 0);
}

#[test]
fn whoever_reads_both_logs_again_inherits_the_same_batches_and_writes_them_once() {
    let (unordered, log) = left();
    let mut first = worker_of(8);
    first.inherit(unordered);
    let out = meet(&mut first);
    // The primary knows from its own log that the second batch was ordered.
    let is_open = |note: &wire::BatchNote| note.sequence != 2;
    let again = || from_log(7, &log).leave(is_open);
    let mut second = worker_of(8);
    second.inherit(again());
    let told_again = meet(&mut second);
    assert_eq!((written(&told_again), sealed(&told_again)), (written(&out), sealed(&out)));
    // One of the two was in the log of the next epoch already.
    let mut third = worker_of(8);
    third.inherit(again());
    let (digest, held) = Shelf::read(written(&out)[0].clone()).expect("a batch");
    third.restore(1, digest, held);
    let told_again = meet(&mut third);
    assert_eq!((written(&told_again), sealed(&told_again)), (written(&out)[1..].to_vec(), sealed(&out)));
}

#[test]
fn who_may_have_sealed_in_that_epoch_before_seals_anew() {
    let mut next = worker_of(8);
    next.inherit(left().0.unsealed());
    let out = take(&mut next, Input::Order(WorkerOrder::Welcome { after: 41, section: 1 }));
    assert!(written(&out).is_empty());
    let mut out = Vec::new();
    next.seal(&mut out);
    let batch = Shelf::read(written(&out)[0].clone()).expect("a batch").1.batch;
    assert_eq!((batch.sequence, batch.transactions.len()), (42, 3));
    assert_eq!(ordered(&mut next, 12, sealed(&out)[0]), [1, 3, 4]);
}
