//! How submissions become batches, and how long batches stay at hand.

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use num::{Duration, Timestamp};
use wire::{
    Author, Batch, List, Transaction,
    limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX},
};
use worker::{Builder, BuilderLimits, Busy, Held, Sealed, Shelf};

const DELAY_MS: u64 = 10;

fn builder(batch_bytes: usize, open_bytes_max: usize) -> Builder {
    let limits = BuilderLimits { batch_bytes, delay: Duration::from_millis(DELAY_MS), open_bytes_max };
    Builder::new(7, Author(2), 0, limits)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn transaction(bytes: usize) -> Transaction {
    Transaction::new(vec![9; bytes]).expect("a small transaction")
}

/// Seals whenever something is due.
fn submit_all(builder: &mut Builder, transactions: impl Iterator<Item = Transaction>) -> Vec<Sealed> {
    let mut sealed = Vec::new();
    for (ticket, transaction) in (0..).zip(transactions) {
        builder.submit(at(0), 1, (ticket, transaction)).expect("there is room");
        while builder.is_due(at(0)) {
            sealed.extend(builder.seal());
        }
    }
    sealed
}

#[test]
fn the_first_transaction_waits_no_longer_than_the_delay_whoever_comes_after_it() {
    let mut builder = builder(1_000_000, usize::MAX);
    assert!(!builder.is_due(at(u64::MAX)), "nothing waits");
    assert!(builder.seal().is_none());
    builder.submit(at(100), 1, (1, transaction(10))).unwrap();
    builder.submit(at(109), 1, (2, transaction(10))).unwrap();
    assert_eq!(builder.due(), at(100 + DELAY_MS));
    assert!(!builder.is_due(at(109)));
    assert!(builder.is_due(at(110)));
    assert_eq!(builder.seal().unwrap().tickets, [1, 2]);
    assert!(builder.is_empty());
    builder.submit(at(200), 1, (3, transaction(10))).unwrap();
    assert!(!builder.is_due(at(209)), "the next one waits on its own account");
}

#[test]
fn a_full_batch_does_not_wait() {
    let sealed = submit_all(&mut builder(1_000, usize::MAX), (0..7).map(|_| transaction(295)));
    let counts: Vec<usize> = sealed.iter().map(|it| it.tickets.len()).collect();
    assert_eq!(counts, [4], "four times 300 bytes are over the limit, the rest is waiting");
}

#[test]
fn a_batch_has_no_more_transactions_than_the_wire_allows() {
    let mut builder = builder(usize::MAX, usize::MAX);
    for ticket in 0..u64::try_from(BATCH_TRANSACTIONS_MAX).unwrap() + 5 {
        builder.submit(at(0), 1, (ticket, transaction(0))).unwrap();
    }
    assert_eq!(builder.seal().unwrap().tickets.len(), BATCH_TRANSACTIONS_MAX);
    assert_eq!(builder.seal().unwrap().tickets.len(), 5);
    assert!(builder.seal().is_none());
}

#[test]
fn whatever_is_sealed_when_due_can_be_read_by_a_peer() {
    for size in [0, 1, 500, TRANSACTION_BYTES_MAX - 1, TRANSACTION_BYTES_MAX] {
        let count = 2 * BATCH_BYTES_MAX / (size + 50);
        let sealed = submit_all(&mut builder(usize::MAX, usize::MAX), (0..count).map(|_| transaction(size)));
        assert!(!sealed.is_empty(), "{size}");
        for it in sealed {
            assert!(it.encoded.len() <= BATCH_BYTES_MAX, "{} bytes of {size}", it.encoded.len());
            assert_eq!(Batch::decode(it.encoded.clone()).unwrap(), it.batch);
            assert_eq!(Batch::digest_of(&it.encoded), it.reference.digest);
        }
    }
}

#[test]
fn transactions_keep_their_order_and_batches_are_numbered_on_across_lives() {
    let mut builder = builder(100, usize::MAX);
    builder.resume_after(41);
    builder.resume_after(7);
    let bytes = |place: u8| Transaction::new(vec![place; 40]).unwrap();
    let sealed = submit_all(&mut builder, (0..6).map(bytes));
    let numbers: Vec<u64> = sealed.iter().map(|it| it.batch.sequence).collect();
    assert_eq!(numbers, [42, 43]);
    let tickets: Vec<u64> = sealed.iter().flat_map(|it| it.tickets.clone()).collect();
    assert_eq!(tickets, [0, 1, 2, 3, 4, 5]);
    let order: Vec<u8> =
        sealed.iter().flat_map(|it| it.batch.transactions.iter().map(|it| it.bytes()[0])).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
    assert!(sealed.iter().all(|it| (it.batch.epoch, it.batch.author) == (7, Author(2))));
}

#[test]
fn a_client_is_told_to_wait_until_something_is_ordered() {
    let mut builder = builder(100, 400);
    for ticket in 0..2 {
        builder.submit(at(0), 1, (ticket, transaction(95))).unwrap();
    }
    assert_eq!(builder.submit(at(0), 1, (2, transaction(0))), Err(Busy { have: 200, need: 200 }));
    let sealed = builder.seal().unwrap();
    assert!(builder.submit(at(0), 1, (3, transaction(0))).is_err(), "sealed is still on its way");
    builder.ordered(&sealed.shares);
    assert_eq!(builder.open_bytes(), 0);
    assert!(builder.submit(at(0), 1, (4, transaction(0))).is_ok());
}

#[test]
fn a_client_that_takes_all_it_can_leaves_room_for_the_next() {
    let mut builder = builder(1_000_000, 12_000);
    let mut fill = |client: u64| {
        let taken =
            (0..).take_while(|ticket| builder.submit(at(0), client, (*ticket, transaction(95))).is_ok());
        taken.count()
    };
    assert_eq!([fill(1), fill(2), fill(3)], [60, 30, 15], "each as much as is left then");
    let sealed = builder.seal().unwrap();
    assert_eq!(sealed.shares, [(1, 6_000), (2, 3_000), (3, 1_500)]);
    builder.ordered(&sealed.shares);
    // In turns they come to the same.
    let mut taken = [0; 3];
    for ticket in 0..200 {
        for (client, taken) in (0..).zip(&mut taken) {
            *taken += u64::from(builder.submit(at(0), client, (ticket, transaction(95))).is_ok());
        }
    }
    assert_eq!(taken, [30; 3]);
}

fn held(author: u16, sequence: u64, bytes: usize) -> (Digest, Held) {
    let transactions = List::new(Vec::new()).expect("none");
    let batch = Batch { epoch: 7, author: Author(author), worker: 0, sequence, transactions };
    let name = [author.to_be_bytes().as_slice(), &sequence.to_be_bytes()].concat();
    // The shelf counts what came, whatever it means.
    (Digest::of("test batch", &name), Held { batch, encoded: Bytes::from(vec![0; bytes]) })
}

const PART: usize = 16 * 1024 * 1024;

#[test]
fn a_batch_is_known_by_the_digest_of_its_bytes() {
    let mut builder = builder(100, usize::MAX);
    builder.submit(at(0), 1, (1, transaction(5))).unwrap();
    let sealed = builder.seal().unwrap();
    let (digest, read) = Shelf::read(sealed.encoded.clone()).unwrap();
    assert_eq!((digest, &read.batch), (sealed.reference.digest, &sealed.batch));
    assert!(Shelf::read(sealed.encoded.slice(1..)).is_none());
    assert!(Shelf::read(Bytes::new()).is_none());
    let mut shelf = Shelf::new(4 * PART);
    let mut gone = Vec::new();
    assert!(shelf.add(digest, read.clone(), &mut gone) && !shelf.add(digest, read, &mut gone));
    assert!(gone.is_empty());
    assert_eq!(shelf.get(&digest).unwrap().encoded, sealed.encoded);
    shelf.forget(&digest);
    assert!(!shelf.contains(&digest) && shelf.is_empty());
}

#[test]
fn one_author_cannot_fill_the_shelf_and_crowds_out_only_its_own() {
    let mut shelf = Shelf::new(4 * PART);
    let (quiet, batch) = held(1, 0, PART);
    shelf.add(quiet, batch, &mut Vec::new());
    let mut gone = Vec::new();
    let digests: Vec<Digest> = (0..6)
        .map(|sequence| {
            let (digest, batch) = held(2, sequence, PART);
            shelf.add(digest, batch, &mut gone);
            digest
        })
        .collect();
    assert_eq!(gone, digests[..2]);
    let kept: Vec<bool> = digests.iter().map(|digest| shelf.contains(digest)).collect();
    assert_eq!(kept, [false, false, true, true, true, true], "64 MiB: the oldest made room");
    assert!(shelf.contains(&quiet));
}

#[test]
fn who_floods_is_not_heard_until_the_next_section_of_the_log() {
    let mut shelf = Shelf::new(4 * PART);
    let send = |shelf: &mut Shelf, sequence| {
        let (digest, batch) = held(2, sequence, PART);
        shelf.add(digest, batch, &mut Vec::new());
    };
    (0..20).for_each(|sequence| send(&mut shelf, sequence));
    assert!(!shelf.is_flooded_by(Author(2)), "four are held, sixteen made room: four times the part");
    send(&mut shelf, 20);
    assert!(shelf.is_flooded_by(Author(2)) && !shelf.is_flooded_by(Author(1)));
    shelf.begin_section();
    assert!(!shelf.is_flooded_by(Author(2)));
}

#[test]
fn many_small_transactions_take_more_memory_than_bytes() {
    let mut builder = builder(1_000_000, usize::MAX);
    (0..1_000).for_each(|ticket| builder.submit(at(0), 1, (ticket, transaction(8))).unwrap());
    let (_, held) = Shelf::read(builder.seal().unwrap().encoded).unwrap();
    assert!(held.bytes() > 3 * held.encoded.len(), "{} of {}", held.bytes(), held.encoded.len());
}

#[test]
fn what_an_accepted_block_refers_to_stays_until_it_is_forgotten() {
    let mut shelf = Shelf::new(4 * PART);
    let (first, batch) = held(2, 0, PART);
    shelf.add(first, batch, &mut Vec::new());
    shelf.refer(&first);
    shelf.refer(&first);
    for sequence in 1..20 {
        let (digest, batch) = held(2, sequence, PART);
        shelf.add(digest, batch, &mut Vec::new());
    }
    assert!(shelf.contains(&first));
    assert_eq!(shelf.len(), 5);
    shelf.forget(&first);
    assert!(!shelf.contains(&first));
}
