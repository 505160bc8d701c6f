//! What is fuzzed: one function a target, from any bytes to nothing, that panics when a promise is broken.
//!
//! Invariant: a decoder gives a value or an error; a value writes the very bytes that it was read from. Nobody
//! outside makes a core panic, and what a peer sends costs a bounded number of answers.
//! Left out on purpose: sockets, and parsers that live in the binary (`clockless price`, the node's TOML): those
//! are tested there by `tests/bad_input.rs`.

mod agreement;
pub mod corpus;
mod json_rpc;
mod market;

use std::{hint::black_box, num::NonZeroU32};

use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode, EncodeSize, Read};

pub use agreement::agreement;
pub use json_rpc::json_rpc;

/// Reading and writing are inverse on whatever can be read.
fn one_encoding<T: Read<Cfg = ()> + Encode + EncodeSize>(bytes: &[u8]) -> Option<T> {
    let value = T::decode(Bytes::copy_from_slice(bytes)).ok()?;
    assert_eq!(value.encode_size(), bytes.len(), "the size of an encoding is its length");
    assert_eq!(value.encode(), bytes, "a value has one encoding");
    Some(value)
}

pub fn signed_block(bytes: &[u8]) {
    one_encoding::<wire::SignedBlock>(bytes);
    let rules = dag::Rules {
        committee: agreement::committee(),
        wave_length: 4,
        gc_depth: 20,
        rounds_ahead_max: 1_000,
    };
    let read = dag::ReadBlock::read(Bytes::copy_from_slice(bytes));
    let _ = black_box(read.and_then(|read| rules.verify(read)));
}

pub fn batch(bytes: &[u8]) {
    one_encoding::<wire::Batch>(bytes);
    let _ = black_box(worker::Shelf::read(Bytes::copy_from_slice(bytes)));
}

pub fn message(bytes: &[u8]) {
    one_encoding::<wire::Message>(bytes);
    one_encoding::<wire::Letter>(bytes);
    one_encoding::<wire::WorkerOrder>(bytes);
    one_encoding::<wire::WorkerWord>(bytes);
}

pub fn record(bytes: &[u8]) {
    one_encoding::<wire::Record>(bytes);
}

pub fn signed_intent(bytes: &[u8]) {
    if let Some(intent) = one_encoding::<wire::SignedIntent>(bytes) {
        let _ = black_box(intent.intent.id());
    }
}

pub fn committed_payload(bytes: &[u8]) {
    if let Some(payload) = one_encoding::<wire::CommittedPayload>(bytes) {
        let _ = black_box(payload.commit.digest());
    }
}

pub fn event(bytes: &[u8]) {
    one_encoding::<wire::Event>(bytes);
}

pub fn certificate(bytes: &[u8]) {
    if let Some(certificate) = one_encoding::<wire::Certificate>(bytes) {
        let _ = black_box(certificate.verify(&agreement::committee()));
    }
    if let Some(proof) = one_encoding::<wire::Equivocation>(bytes) {
        assert!(!proof.verify(&agreement::committee()) || proof.twins()[0] != proof.twins()[1]);
    }
}

pub fn change(bytes: &[u8]) {
    let committee = agreement::committee();
    if let Some(agreed) = one_encoding::<wire::AgreedChange>(bytes) {
        let _ = black_box(agreed.committee_after(crypto::Digest::ZERO, &committee));
    }
    if let Some(vote) = one_encoding::<wire::CommitteeVote>(bytes) {
        let _ = black_box((vote.verify(), vote.change.committee_after(crypto::Digest::ZERO, &committee)));
    }
}

pub fn snapshot(bytes: &[u8]) {
    if let Some(snapshot) = one_encoding::<wire::Snapshot>(bytes) {
        let _ = black_box(snapshot.publish());
    }
}

pub fn proof(bytes: &[u8]) {
    if let Some(proof) = one_encoding::<tree::Proof>(bytes) {
        let _ = black_box(proof.verify(&crypto::Digest::ZERO, tree::Path::of(b"key"), Some(b"value")));
        let _ = black_box(proof.verify(&crypto::Digest::ZERO, tree::Path::of(b"key"), None));
    }
}

pub fn threshold(bytes: &[u8]) {
    let _ = black_box(crypto::ThresholdShare::decode(bytes.to_vec()));
    let (size, rest) = bytes.split_first().unwrap_or((&0, &[]));
    if let Some(members) = NonZeroU32::new(u32::from(*size)) {
        let _ = black_box(crypto::ThresholdKey::decode(rest.to_vec(), members));
    }
}

pub fn genesis(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(genesis) = toml::from_str::<exchange::Genesis>(text) {
        let _ = black_box(exchange::State::new(&genesis, crypto::Digest::ZERO));
    }
}

pub fn margin_file(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = black_box(exchange::risk::file::answer(text));
    }
}

pub fn command_stream(bytes: &[u8]) {
    if let Ok(stream) = exchange::stream::Stream::parse(bytes) {
        assert_eq!(stream.to_bytes(), bytes, "a stream has one encoding");
    }
}

/// The targets by name, to replay what was found.
pub const ALL: [(&str, fn(&[u8])); 17] = [
    ("signed_block", signed_block),
    ("batch", batch),
    ("message", message),
    ("record", record),
    ("signed_intent", signed_intent),
    ("committed_payload", committed_payload),
    ("event", event),
    ("certificate", certificate),
    ("change", change),
    ("snapshot", snapshot),
    ("proof", proof),
    ("threshold", threshold),
    ("agreement", agreement),
    ("genesis", genesis),
    ("margin_file", margin_file),
    ("command_stream", command_stream),
    ("json_rpc", json_rpc),
];
