//! Whatever bytes come in, reading them gives an error or a value, and the value writes the very bytes that were
//! read: there is one encoding of everything, and nothing in between.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode, EncodeSize, Read, ReadExt};
use proptest::prelude::*;
use wire::{
    AccountId, Action, AgreedChange, Attestation, Batch, BatchRef, Blob, Block, BlockRef, Certificate,
    Commit, CommittedBlock, CommittedPayload, CommitteeVote, Conditions, Event, Exercise, ExoticTerms,
    Intent, Letter, Lineage, List, Message, NewOrder, OrderFilter, OrderKind, OrderTarget, Outcome,
    ProtectionLimits, QuoteSide, Record, Reject, RootSignature, SignedBlock, SignedCeremonyMessage,
    SignedIntent, TradeEvent, Transaction, Trigger, WorkerMessage, WorkerOrder, WorkerWord,
};

/// How a type read one stream of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    /// It took these many bytes and writes them again.
    Same(usize),
    /// It writes other bytes than it read.
    Other {
        read: Vec<u8>,
        written: Vec<u8>,
    },
}

fn judge<T: Read<Cfg = ()> + EncodeSize + Encode>(stream: &Bytes) -> Verdict {
    let mut rest = stream.clone();
    let Ok(value) = T::read(&mut rest) else { return Verdict::Refused };
    let read = stream.slice(..stream.len() - rest.len());
    let written = value.encode();
    if written == read && value.encode_size() == read.len() {
        Verdict::Same(read.len())
    } else {
        Verdict::Other { read: read.to_vec(), written: written.to_vec() }
    }
}

/// Every type that is hashed, signed, sent or stored, and those they are made of.
fn judge_all(stream: &Bytes) -> Vec<(&'static str, Verdict)> {
    macro_rules! all {
        ($($type:ty),* $(,)?) => { vec![$((stringify!($type), judge::<$type>(stream))),*] };
    }
    all![
        AccountId,
        Action,
        AgreedChange,
        Attestation,
        Batch,
        BatchRef,
        Block,
        BlockRef,
        Certificate,
        Commit,
        CommitteeVote,
        CommittedBlock,
        CommittedPayload,
        Conditions,
        Event,
        Exercise,
        ExoticTerms,
        Intent,
        Letter,
        Lineage,
        Message,
        NewOrder,
        OrderFilter,
        OrderKind,
        OrderTarget,
        Outcome,
        ProtectionLimits,
        QuoteSide,
        Record,
        Reject,
        RootSignature,
        SignedBlock,
        SignedCeremonyMessage,
        SignedIntent,
        TradeEvent,
        Transaction,
        Trigger,
        WorkerMessage,
        WorkerOrder,
        WorkerWord,
    ]
}

/// Bytes that are often a tag, a flag or a length that fits.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![12 => 0_u8..2, 3 => 0_u8..20, 1 => any::<u8>()];
    prop::collection::vec(byte, 0..3_000)
}

fn holds(stream: Vec<u8>) -> Result<(), TestCaseError> {
    for (name, verdict) in judge_all(&Bytes::from(stream)) {
        if let Verdict::Other { read, written } = verdict {
            return Err(TestCaseError::fail(format!("{name} read {read:02x?} and writes {written:02x?}")));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn likely_bytes_have_one_reading(stream in likely()) {
        holds(stream)?;
    }

    #[test]
    fn any_bytes_have_one_reading(stream in prop::collection::vec(any::<u8>(), 0..600)) {
        holds(stream)?;
    }

    #[test]
    fn a_value_is_whole_or_refused(stream in likely(), cut in 1_usize..40) {
        let mut rest = Bytes::from(stream);
        if let Ok(message) = Message::read(&mut rest) {
            let whole = message.encode();
            prop_assert_eq!(Message::decode(whole.clone()).ok(), Some(message));
            prop_assert!(Message::decode(whole.slice(..whole.len().saturating_sub(cut))).is_err());
            prop_assert!(Message::decode(Bytes::from([&whole[..], &[0]].concat())).is_err());
        }
    }
}

#[test]
fn likely_bytes_reach_every_type() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..2_000 {
        let stream = likely().new_tree(&mut runner).expect("a strategy that never gives up").current();
        for (name, verdict) in judge_all(&Bytes::from(stream)) {
            *reached.entry(name).or_default() += usize::from(matches!(verdict, Verdict::Same(1..)));
        }
    }
    for (name, count) in reached {
        assert!(count >= 20, "{name} was read {count} times: the properties say little about it");
    }
}

#[test]
fn a_promise_of_more_than_the_limit_is_refused_before_anything_is_read() {
    for (length, fits) in [(0_u8, true), (4, true), (5, false), (127, false)] {
        let stream = Bytes::from([vec![length], vec![0; 400]].concat());
        assert_eq!(judge::<Blob<4>>(&stream) != Verdict::Refused, fits, "{length} bytes");
        assert_eq!(judge::<List<u8, 4>>(&stream) != Verdict::Refused, fits, "{length} items");
    }
    let endless = Bytes::from_static(&[0xff; 64]);
    assert_eq!(judge::<Blob<4>>(&endless), Verdict::Refused);
    assert!(Blob::<4>::new(vec![0; 5]).is_none() && List::<u8, 4>::new(vec![0; 5]).is_none());
}

#[test]
fn a_length_has_one_way_to_be_written() {
    for stream in [&[0x80_u8, 0x00][..], &[0x81, 0x00, 7], &[0x80, 0x80, 0x00]] {
        assert_eq!(judge::<Transaction>(&Bytes::from_static(stream)), Verdict::Refused, "{stream:02x?}");
    }
}
