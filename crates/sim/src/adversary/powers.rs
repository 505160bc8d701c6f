//! What an adversary behind validators can do: read, change and sign blocks of its own validators.
//!
//! Invariant: nothing is signed for a validator whose key the adversary does not hold.

use std::collections::BTreeMap;

use commonware_codec::{DecodeExt, Encode};
use crypto::SigningKey;
use wire::{Author, Blob, Block, Message, SignedBlock};

use crate::{adversary::InFlight, random::Random};

/// The keys of the faulty validators, and chance.
#[derive(Debug)]
pub struct Powers {
    keys: BTreeMap<Author, SigningKey>,
    pub members: u16,
    pub random: Random,
}

impl Powers {
    pub fn new(keys: BTreeMap<Author, SigningKey>, members: u16, random: Random) -> Self {
        Self { keys, members, random }
    }

    pub fn is_faulty(&self, author: Author) -> bool {
        self.keys.contains_key(&author)
    }

    pub fn faulty(&self) -> impl Iterator<Item = Author> {
        self.keys.keys().copied()
    }

    /// Everybody but `from`.
    pub fn others(&self, from: Author) -> impl Iterator<Item = Author> + use<> {
        (0..self.members).map(Author).filter(move |author| *author != from)
    }

    /// The block in a message of `from` when it is `from`'s own.
    pub fn own_block(message: &InFlight) -> Option<Block> {
        let Message::Block { block } = &message.message else { return None };
        let SignedBlock { block, .. } = SignedBlock::decode(block.bytes().clone()).ok()?;
        (block.author == message.from).then_some(block)
    }

    /// A message with this block, signed by its author; `None` when that key is not the adversary's.
    pub fn sign(&self, block: Block) -> Option<Message> {
        let key = self.keys.get(&block.author)?;
        Blob::new(block.sign(key).encode()).map(|block| Message::Block { block })
    }
}
