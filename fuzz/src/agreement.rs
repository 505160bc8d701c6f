//! A validator that a peer may send anything to.
//!
//! Invariant: it answers a message with a bounded number of messages, does not halt over one faulty peer, and makes
//! no two blocks for one round.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use crypto::{Coin, CoinError, CoinShare, CoinValue, Digest, SigningKey};
use num::Timestamp;
use ordering::Parameters;
use replica::agreement::{Agreement, Config, Input, Output, Pacing};
use wire::{Author, Blob, Block, Committee, Message, Round, SignedBlock};

/// What one message may bring about, at the most: answers to a question for 256 batches, one each.
const OUTPUTS_MAX: usize = 4_096;

#[derive(Debug)]
struct PlainCoin;

impl Coin for PlainCoin {
    fn share(&self, wave: u64) -> CoinShare {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&wave.to_be_bytes());
        CoinShare(bytes)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        let wrong = shares.iter().filter(|(_, share)| *share != self.share(wave));
        let wrong: Vec<u16> = wrong.map(|(author, _)| *author).collect();
        if shares.len() - wrong.len() >= 3 {
            return Ok(CoinValue(self.share(wave).0));
        }
        Err(CoinError::WrongShares { authors: wrong })
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        value.0 == self.share(wave).0
    }
}

pub fn key(author: u16) -> SigningKey {
    SigningKey::simulated(Digest::of("clockless fuzz key", &author.to_be_bytes()).0)
}

pub fn committee() -> Committee {
    let members: Vec<_> = (0..4).map(|author| (key(author), 1)).collect();
    Committee::simulated(1, &members).expect("invariant: four members make a committee")
}

pub fn validator(author: u16) -> Agreement {
    let parameters = Parameters { wave_length: 4, leaders_per_round: 2, gc_depth: 20, checkpoint_rounds: 64 };
    let pacing = Pacing::default();
    let config = Config { committee: committee(), author: Author(author), parameters, pacing };
    Agreement::new(config, key(author), Box::new(PlainCoin)).expect("invariant: the parameters suit four")
}

/// The bytes are parts with a length of two bytes: each a message, or an unsigned block that validator 3 signs.
pub fn agreement(bytes: &[u8]) {
    let mut validator = validator(0);
    let mut out = Vec::new();
    let mut now = 1_000;
    validator.start(Timestamp::from_millis(now), &mut out);
    let mut said = BTreeMap::new();
    for part in parts(bytes) {
        let Some(message) = message_of(part) else { continue };
        now += 20;
        let before = out.len();
        let input = Input::Message { from: Author(3), message };
        validator.step(Timestamp::from_millis(now), input, &mut out);
        assert!(out.len() - before < OUTPUTS_MAX, "{} outputs for one message", out.len() - before);
    }
    out.iter().for_each(|output| judge(output, &mut said));
}

fn judge(output: &Output, said: &mut BTreeMap<Round, Digest>) {
    match output {
        Output::Halt { reason } => panic!("one faulty peer halts a validator: {reason}"),
        Output::Broadcast { message: Message::Block { block } } => {
            let signed =
                SignedBlock::decode(block.bytes().clone()).expect("invariant: an own block can be read");
            let reference = signed.block.reference();
            let first = *said.entry(reference.round).or_insert(reference.digest);
            assert_eq!(first, reference.digest, "two blocks in round {}", reference.round);
        }
        _ => {}
    }
}

fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (part, left) = after.split_at(length);
        rest = left;
        Some(part)
    })
}

fn message_of(part: &[u8]) -> Option<Message> {
    let (kind, body) = part.split_first()?;
    let body = Bytes::copy_from_slice(body);
    match kind % 2 {
        0 => Message::decode(body).ok(),
        _ => {
            let block = Block { author: Author(3), epoch: 1, ..Block::decode(body).ok()? };
            let block = Blob::new(block.sign(&key(3)).encode())?;
            Some(Message::Block { block })
        }
    }
}
