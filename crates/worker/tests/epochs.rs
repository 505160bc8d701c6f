//! A worker that outlives committees.

use bytes::Bytes;
use crypto::{Digest, PublicKey, SealingKey, SigningKey};
use num::{Duration, Timestamp};
use wire::{
    AgreedChange, Author, ChangeSignature, Committee, CommitteeChange, List, Member, Successor, Transaction,
    WantedBatch, WorkerMessage, WorkerOrder, WorkerWord,
};
use worker::{Effect, Epochs, Event, Output, Settings, Shelf};

const NOW: Timestamp = Timestamp::from_millis(1_000);
const NETWORK: Digest = Digest([1; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes([seed; 32])
}

fn public(seed: u8) -> PublicKey {
    key(seed).public_key()
}

fn genesis() -> Committee {
    let members = (0..4).map(|seed| Member { key: public(seed), stake: 1 }).collect();
    Committee::new(1, members).expect("a committee")
}

/// The way to epoch 2: validator 0 leaves and 4 joins, so that 2 has another place.
fn change() -> AgreedChange {
    let member = |seed: u8| Successor {
        key: public(seed),
        sealing: SealingKey([7; 48]),
        stake: 1,
        endpoint: None,
        workers: List::default(),
    };
    let members = List::new([1, 2, 3, 4].map(member).to_vec()).expect("four");
    let change = CommitteeChange { network: NETWORK, epoch: 2, members };
    let sign = |author: u8| ChangeSignature {
        author: Author(author.into()),
        signature: change.clone().vote(&key(author)).signature,
    };
    let signatures = List::new([1, 2, 3].map(sign).to_vec()).expect("three");
    AgreedChange { change, signatures }
}

fn settings() -> Settings {
    Settings {
        epoch: 0,
        author: Author(0),
        committee_size: 0,
        number: 0,
        batch_bytes: 100,
        batch_delay: Duration::from_millis(10),
        retry: Duration::from_millis(100),
        open_bytes_max: 10_000,
        unreferenced_bytes_max: 10_000,
    }
}

/// The worker of validator 2, before any epoch, that knows of both.
fn unseated() -> Epochs {
    let mut epochs = Epochs::new(NETWORK, genesis(), public(2), settings());
    epochs.follow(&[change()]).expect("an agreed change");
    epochs
}

fn take(epochs: &mut Epochs, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    epochs.take(NOW, event, &mut out);
    out
}

fn order(epochs: &mut Epochs, order: WorkerOrder) -> Vec<Effect> {
    take(epochs, Event::Order(order))
}

fn seat(epochs: &mut Epochs, epoch: u64) -> Vec<Effect> {
    let mut out = order(epochs, WorkerOrder::Seated { epoch });
    out.extend(order(epochs, WorkerOrder::Welcome { after: 0, section: 1 }));
    out
}

/// A client's transaction that fills a batch.
fn submit(epochs: &mut Epochs, ticket: u64) -> Vec<Effect> {
    let transaction = Transaction::new(vec![u8::try_from(ticket).expect("few"); 100]).expect("a small one");
    take(epochs, Event::Submit { client: 1, ticket, transaction })
}

fn outputs(effects: &[Effect], of: u64) -> Vec<Output> {
    let output = |effect: &Effect| match effect {
        Effect::Worker { epoch, output } if *epoch == of => Some(output.clone()),
        _ => None,
    };
    effects.iter().filter_map(output).collect()
}

fn written(effects: &[Effect], epoch: u64) -> Vec<Bytes> {
    let bytes = |output: Output| match output {
        Output::Persist { batch, .. } => Some(batch.into_bytes()),
        _ => None,
    };
    outputs(effects, epoch).into_iter().filter_map(bytes).collect()
}

fn sealed(effects: &[Effect], epoch: u64) -> Vec<(u64, Digest)> {
    let notes = |output: Output| match output {
        Output::Word(WorkerWord::Sealed { batches }) => batches.into_vec(),
        _ => Vec::new(),
    };
    let notes = outputs(effects, epoch).into_iter().flat_map(notes);
    notes.map(|note| (note.sequence, note.reference.digest)).collect()
}

fn digest_of(encoded: &Bytes) -> Digest {
    Shelf::read(encoded.clone()).expect("a batch").0
}

/// What a batch carries, by the byte that fills it.
fn contents_of(encoded: &Bytes) -> Vec<u8> {
    let (_, held) = Shelf::read(encoded.clone()).expect("a batch");
    held.batch.transactions.iter().map(|it| it.bytes()[0]).collect()
}

fn restore(epochs: &mut Epochs, log: &[Bytes]) {
    for encoded in log {
        let (digest, held) = Shelf::read(encoded.clone()).expect("a batch");
        epochs.restore(1, digest, held);
    }
}

#[test]
fn what_is_not_ordered_goes_on_in_the_next_epoch_and_is_written_before_the_primary_hears_of_it() {
    let mut epochs = unseated();
    seat(&mut epochs, 1);
    let first = written(&submit(&mut epochs, 7), 1);
    submit(&mut epochs, 8);
    submit(&mut epochs, 9);
    let batches = List::new(vec![digest_of(&first[0])]).expect("one");
    let told = order(&mut epochs, WorkerOrder::Ordered { commit: 5, batches });
    assert!(matches!(outputs(&told, 1)[..], [Output::Final { ticket: 7, commit: 5 }]), "{told:?}");

    let out = order(&mut epochs, WorkerOrder::Seated { epoch: 2 });
    let Some(Effect::Linked { committee, changes }) = out.first() else { panic!("{out:?}") };
    assert_eq!((committee.epoch(), changes.len()), (2, 1));
    let mut carried = written(&out, 2);
    carried.reverse();
    assert_eq!(carried.iter().map(contents_of).collect::<Vec<_>>(), [[8], [9]], "the first is written last");
    let digests: Vec<(u64, Digest)> = (1..).zip(carried.iter().map(digest_of)).collect();
    assert_eq!(sealed(&out, 2), digests);
    let place = |wanted: fn(&Output) -> bool| outputs(&out, 2).iter().position(wanted).expect("it is there");
    let introduced = place(|it| matches!(it, Output::Introduction));
    let seated = place(|it| matches!(it, Output::Word(WorkerWord::Seated { epoch: 2 })));
    let told = place(|it| matches!(it, Output::Word(WorkerWord::Sealed { .. })));
    assert!(1 < introduced && introduced < seated && seated < told, "{out:?}");

    // Its clients hear of what goes on under their old tickets.
    order(&mut epochs, WorkerOrder::Welcome { after: 0, section: 1 });
    let batches = List::new(vec![digests[1].1]).expect("one");
    let told = order(&mut epochs, WorkerOrder::Ordered { commit: 6, batches });
    assert!(matches!(outputs(&told, 2)[..], [Output::Final { ticket: 9, commit: 6 }]), "{told:?}");
}

#[test]
fn a_primary_that_comes_back_to_the_epoch_before_is_served_in_it() {
    let mut epochs = unseated();
    seat(&mut epochs, 1);
    let batch = written(&submit(&mut epochs, 7), 1)[0].clone();
    seat(&mut epochs, 2);
    let wanted = |digest| WantedBatch { digest, holder: Author(2) };
    let give = || WorkerOrder::Give { batches: List::new(vec![wanted(digest_of(&batch))]).expect("one") };
    let out = order(&mut epochs, give());
    assert!(outputs(&out, 1).is_empty(), "it is of another epoch: {out:?}");

    let out = order(&mut epochs, WorkerOrder::Seated { epoch: 1 });
    let words = outputs(&out, 1);
    assert!(words.iter().any(|it| matches!(it, Output::Word(WorkerWord::Seated { epoch: 1 }))), "{out:?}");
    let out = order(&mut epochs, give());
    let given = outputs(&out, 1);
    let [Output::Word(WorkerWord::Contents { batch: given })] = &given[..] else { panic!("{out:?}") };
    assert_eq!(*given.bytes(), batch);
    assert_eq!(epochs.epoch(), Some(2));
    let again = order(&mut epochs, WorkerOrder::Seated { epoch: 2 });
    assert_eq!(sealed(&again, 2).len(), 1, "what goes on is told again");
    assert!(written(&again, 2).is_empty(), "and was written");
}

#[test]
fn logs_that_are_read_again_give_each_batch_once() {
    let mut epochs = unseated();
    seat(&mut epochs, 1);
    let mut first = written(&submit(&mut epochs, 7), 1);
    first.extend(written(&submit(&mut epochs, 8), 1));
    let second = written(&seat(&mut epochs, 2), 2);
    assert_eq!(second.len(), 2);

    let mut again = unseated();
    assert!(again.begin(1));
    restore(&mut again, &first);
    assert!(again.begin(2));
    restore(&mut again, &second);
    let mut out = Vec::new();
    again.settle_in(&mut out);
    out.extend(order(&mut again, WorkerOrder::Seated { epoch: 2 }));
    assert!(written(&out, 2).is_empty(), "the log has it: {out:?}");
    let sequences: Vec<u64> = sealed(&out, 2).iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [1, 2]);

    // The power went while what goes on was being written: all of it goes on, some of it perhaps twice.
    let mut again = unseated();
    again.begin(1);
    restore(&mut again, &first);
    again.begin(2);
    restore(&mut again, &second[..1]);
    let mut out = Vec::new();
    again.settle_in(&mut out);
    let mut carried: Vec<u8> = second[..1].iter().chain(&written(&out, 2)).flat_map(contents_of).collect();
    carried.sort_unstable();
    carried.dedup();
    assert_eq!(carried, [7, 8]);
}

#[test]
fn of_the_epoch_before_only_questions_are_answered_and_strangers_are_not_heard() {
    let mut epochs = unseated();
    seat(&mut epochs, 1);
    let batch = written(&submit(&mut epochs, 7), 1)[0].clone();
    seat(&mut epochs, 2);
    let fetch = || WorkerMessage::Fetch { batches: List::new(vec![digest_of(&batch)]).expect("one") };
    let ask = |epochs: &mut Epochs, epoch, seed| {
        let out = take(epochs, Event::Message { epoch, from: public(seed), message: fetch() });
        outputs(&out, epoch)
    };
    let answer = ask(&mut epochs, 1, 0);
    assert!(matches!(answer[..], [Output::Send { to: Author(0), .. }]), "{answer:?}");
    assert!(ask(&mut epochs, 1, 4).is_empty(), "no member of that epoch");
    assert!(ask(&mut epochs, 2, 0).is_empty(), "a member no more");
    assert!(ask(&mut epochs, 3, 1).is_empty());
    let message = WorkerMessage::Batch { batch: wire::Blob::new(batch).expect("it was one") };
    let out = take(&mut epochs, Event::Message { epoch: 1, from: public(2), message });
    assert!(out.is_empty(), "{out:?}");
}

#[test]
fn a_change_that_no_quorum_signed_leads_nowhere() {
    let mut agreed = change();
    agreed.signatures = List::new(agreed.signatures[..2].to_vec()).expect("two");
    let mut epochs = Epochs::new(NETWORK, genesis(), public(2), settings());
    assert!(epochs.follow(&[agreed]).is_err());
    assert!(!epochs.begin(2));
    assert!(epochs.begin(1) && !epochs.begin(1));
    let stranger = &mut Epochs::new(NETWORK, genesis(), public(9), settings());
    assert!(!stranger.begin(1));
    let out = submit(stranger, 1);
    assert!(matches!(outputs(&out, 0)[..], [Output::Refused { ticket: 1, .. }]), "{out:?}");
}
