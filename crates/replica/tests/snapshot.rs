//! A snapshot: what goes on from one does what goes on without, and nothing else is taken for one.
#![allow(clippy::panic, reason = "a test fails with what it saw")]

use commonware_codec::Encode;
use crypto::{CoinValue, Digest, SigningKey};
use exchange::{Genesis, LoadError, LoadReason};
use num::{Cash, Lots, Side, Ticks, Timestamp};
use replica::{
    execution::{Executed, Execution},
    snapshot::{SnapshotError, digest},
};
use wire::{
    AccountId, Action, Atomicity, Attestation, Author, BlockRef, Commit, CommittedBlock, CommittedPayload,
    Committee, InstrumentId, Intent, Label, List, Member, NewOrder, OrderKind, PostOnly, ReduceOnly, Round,
    TimeInForce, Transaction,
};

const GENESIS: &str = include_str!("../../exchange/tests/data/genesis.json");
const START_MS: u64 = 1_786_147_200_000;
const ATTEST_EVERY: u64 = 2;

fn genesis() -> Genesis {
    serde_json::from_str(GENESIS).expect("the test's genesis is well formed")
}

fn network() -> Digest {
    Digest::of("clockless test network", b"snapshot")
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes([seed; 32])
}

fn committee() -> Committee {
    let member = |author: u8| Member { key: key(100 + author).public_key(), stake: 1 };
    Committee::new(3, (0..4).map(member).collect()).expect("four members")
}

fn begun() -> Execution {
    let execution = Execution::new(&genesis(), network()).expect("the test's genesis is valid");
    execution.with_committee(committee(), ATTEST_EVERY)
}

fn restored(bytes: &[u8]) -> Execution {
    let execution = Execution::restore(&genesis(), network(), bytes).expect("it was saved");
    execution.with_committee(committee(), ATTEST_EVERY)
}

fn order(side: Side, lots: u64, price: i64) -> Action {
    Action::Place {
        order: NewOrder {
            instrument: InstrumentId(0),
            side,
            lots: Lots::new(lots),
            kind: OrderKind::Limit { price: Ticks::new(price) },
            time_in_force: TimeInForce::GoodTilCancelled,
            post_only: PostOnly::Off,
            reduce_only: ReduceOnly::Off,
            label: Label::default(),
        },
    }
}

fn intent(user: u8, nonce: u64, actions: Vec<Action>) -> Transaction {
    let key = key(user);
    let intent = Intent {
        network: network(),
        account: AccountId { owner: key.public_key(), subaccount: 0 },
        key: key.public_key(),
        nonce,
        valid_until: Timestamp::MAX,
        after: None,
        atomicity: Atomicity::Independent,
        actions: List::new(actions).expect("few"),
    };
    Transaction::new(intent.sign(&key).encode()).expect("a small intent")
}

/// The commit of an index: two users trade, and every validator attests to the root of two commits ago.
fn payload(index: u64, attested: Option<(u64, Digest)>) -> CommittedPayload {
    let price = 128_000 + i64::try_from(index % 7).expect("small");
    let funds = Action::Faucet { amount: Cash::from_micros(1_000_000_000_000) };
    let mut of = [Side::Buy, Side::Sell].map(|side| vec![order(side, 3 + index % 5, price)]);
    if index == 1 {
        of.iter_mut().for_each(|actions| actions.insert(0, funds.clone()));
    }
    let [bought, sold] = of;
    let mut transactions = vec![intent(1, index, bought), intent(2, index, sold)];
    let blocks: Vec<CommittedBlock> = (0..4u8)
        .map(|author| {
            let digest = Digest::of("clockless test block", &[author, u8::try_from(index).expect("few")]);
            let sign = |(commit, root)| Attestation::sign(3, commit, root, &key(100 + author));
            // The last two validators fall silent now and then, so that votes are pending in snapshots.
            let speaks = author < 2 || index.is_multiple_of(3);
            let attestations = attested.filter(|_| speaks).map(sign).into_iter().collect();
            CommittedBlock {
                reference: BlockRef { round: Round(index), author: Author(author.into()), digest },
                parents: List::default(),
                transactions: List::new(core::mem::take(&mut transactions)).expect("few"),
                attestations: List::new(attestations).expect("one"),
                evidence: List::default(),
            }
        })
        .collect();
    let references: Vec<BlockRef> = blocks.iter().map(|block| block.reference).collect();
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: references[3],
        time: Timestamp::from_millis(START_MS + 50 * index),
        coin: CoinValue([0; 48]),
        blocks: List::new(references).expect("four"),
    };
    CommittedPayload { commit, blocks: List::new(blocks).expect("four") }
}

/// Applies a commit whose attestations are to the last root that is attested to.
fn step(execution: &mut Execution, index: u64) -> Executed {
    let due = index.saturating_sub(1) / ATTEST_EVERY * ATTEST_EVERY;
    execution.apply(&payload(index, execution.root(due).map(|root| (due, root))))
}

#[test]
fn an_execution_that_was_restored_does_what_one_does_that_never_stopped() {
    let (mut through, mut in_parts) = (begun(), begun());
    let mut certified = 0;
    for index in 1..=40 {
        let (one, other) = (step(&mut through, index), step(&mut in_parts, index));
        assert_eq!((one.root, &one.events), (other.root, &other.events), "commit {index}");
        assert_eq!(one.certificates, other.certificates, "commit {index}");
        certified += one.certificates.len();
        let bytes = through.save();
        assert!(bytes == in_parts.save(), "commit {index}: equal commits save to equal bytes");
        if index % 3 == 1 {
            in_parts = restored(&bytes);
            assert!(in_parts.save() == bytes, "commit {index}: what is restored saves to the same");
        }
        for commit in 0..=index {
            assert_eq!(through.root(commit), in_parts.root(commit));
        }
        assert_eq!(through.certificate(), in_parts.certificate());
    }
    assert!(certified > 10, "{certified} roots became certain");
}

#[test]
fn an_execution_can_be_restored_from_before_its_first_commit() {
    let mut through = begun();
    let mut other = restored(&through.save());
    assert_eq!(step(&mut through, 1).root, step(&mut other, 1).root);
    assert!(through.save() == other.save());
}

#[test]
fn bytes_that_are_no_snapshot_of_this_network_are_refused_by_name() {
    let mut execution = begun();
    (1..=5).for_each(|index| drop(step(&mut execution, index)));
    let bytes = execution.save();
    let refusal = |bytes: &[u8]| Execution::restore(&genesis(), network(), bytes).err();
    let changed = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refusal(&changed)
    };
    assert_eq!(refusal(&bytes[..73]), Some(SnapshotError::Short { have: 73 }));
    assert_eq!(changed(0), Some(SnapshotError::Magic));
    assert!(matches!(changed(9), Some(SnapshotError::Version { need: 2, .. })));
    assert!(matches!(changed(10), Some(SnapshotError::Network { .. })));
    assert!(matches!(changed(42), Some(SnapshotError::Digest { .. })));
    for at in [74, bytes.len() / 2, bytes.len() - 1] {
        assert!(matches!(changed(at), Some(SnapshotError::Digest { .. })));
        assert!(matches!(refusal(&bytes[..at]), Some(SnapshotError::Digest { .. })));
    }
    let other = Digest::of("clockless test network", b"another");
    let refused = Execution::restore(&genesis(), other, &bytes).err();
    assert_eq!(refused, Some(SnapshotError::Network { have: network(), need: other }));
    assert_eq!(digest(&bytes).map(|it| it.0.to_vec()), Some(bytes[42..74].to_vec()));
}

/// A snapshot with these contents and their digest.
fn resealed(mut snapshot: Vec<u8>) -> Vec<u8> {
    let digest = Digest::of("clockless snapshot 2026", &snapshot[74..]);
    snapshot[42..74].copy_from_slice(&digest.0);
    snapshot
}

#[test]
fn contents_that_go_on_behind_their_end_are_refused_under_a_right_digest() {
    let mut execution = begun();
    (1..=5).for_each(|index| drop(step(&mut execution, index)));
    let mut bytes = execution.save();
    let at = bytes.len() - 74;
    bytes.extend([0; 40]);
    let refused = Execution::restore(&genesis(), network(), &resealed(bytes)).err();
    let left_over = LoadError { at, reason: LoadReason::LeftOver { have: 40 } };
    assert_eq!(refused, Some(SnapshotError::Attestations(left_over)));
}

#[test]
fn contents_that_were_changed_under_a_right_digest_never_panic() {
    let mut execution = begun();
    (1..=5).for_each(|index| drop(step(&mut execution, index)));
    let bytes = execution.save();
    let mut taken = 0;
    for at in 74..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        taken += usize::from(Execution::restore(&genesis(), network(), &resealed(changed)).is_ok());
    }
    // Times, signatures and what no root covers can be anything that is well formed.
    assert!(taken < bytes.len(), "{taken} of {} changes were taken", bytes.len());
}
