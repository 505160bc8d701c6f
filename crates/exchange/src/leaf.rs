//! What the root commits to: one leaf an account, a position, an order, an instrument, a withdrawal, a shareholding in a
//! vault, a convicted validator, a recent commit's receipts.
//!
//! Invariant: a leaf's key is of fixed size for its kind and begins with the kind, so that no two things
//! share a key; a leaf that is empty is absent.

use commonware_codec::{Encode, Write};
use num::Cash;
use tree::Path;
use wire::{AccountId, Author, InstrumentId, OrderId};

use crate::{
    account::Health,
    holding::Holding,
    instrument::Listing,
    ledger::{AccountIndex, PoolId, Purse},
    state::{State, Touched},
    vault::Shareholding,
    withdrawals::Withdrawal,
};

/// What most leaves and keys take at the most.
const BYTES_USUAL: usize = 96;

/// A key of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafKey {
    Account(AccountId),
    Position(AccountId, InstrumentId),
    Order(OrderId),
    Instrument(InstrumentId),
    /// A validator of an epoch with a proof of equivocation against it; the leaf is the proof.
    Equivocator(u64, Author),
    /// Money on its way out, by its number.
    Withdrawal(AccountId, u64),
    /// What an account has of a pool's vault.
    Shareholding(AccountId, PoolId),
    /// The receipts of a commit; the leaf is the root of the map of them.
    Receipts(u64),
}

/// An account's leaf: its balance and whether it is being liquidated (1) or not (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLeaf {
    pub balance: Cash,
    pub liquidating: u8,
}

impl LeafKey {
    /// Where the leaf lies in the tree: orders of neighbouring numbers beside each other, for they come and go together,
    /// and commits; all else anywhere.
    pub fn path(&self) -> Path {
        match self {
            Self::Order(OrderId(number)) => Path::numbered(2, *number),
            Self::Receipts(commit) => Path::numbered(7, *commit),
            _ => Path::of(&self.encode()),
        }
    }

    /// The kind and what it is of: the bytes that the tree hashes, but for orders and commits, which lie by their numbers.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Account(account) => bytes(&(0u8, *account)),
            Self::Position(account, instrument) => bytes(&(1u8, *account, *instrument)),
            Self::Order(order) => bytes(&(2u8, *order)),
            Self::Instrument(instrument) => bytes(&(3u8, *instrument)),
            Self::Equivocator(epoch, author) => bytes(&(4u8, *epoch, *author)),
            Self::Withdrawal(account, number) => bytes(&(5u8, *account, *number)),
            Self::Shareholding(account, pool) => bytes(&(6u8, *account, *pool)),
            Self::Receipts(commit) => bytes(&(7u8, *commit)),
        }
    }
}

impl AccountLeaf {
    pub fn encode(&self) -> Vec<u8> {
        bytes(&(self.balance, self.liquidating))
    }
}

/// Fields one after the other.
fn bytes(fields: &impl Write) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES_USUAL);
    fields.write(&mut bytes);
    bytes
}

/// Position, entry, and how far its funding is paid: 32 bytes.
pub fn encode_position(it: &Holding) -> Vec<u8> {
    bytes(&(it.position, it.entry, it.funded))
}

/// What has not been paid, when it can be, and where it goes.
fn encode_withdrawal(it: &Withdrawal) -> Vec<u8> {
    let mut leaf = bytes(&(it.left, it.ready_at));
    leaf.extend_from_slice(&it.to);
    leaf
}

/// The shares, and from when on they can be given back.
fn encode_shareholding(it: &Shareholding) -> Vec<u8> {
    bytes(&(it.shares, it.unlocks_at))
}

impl State {
    /// Hands over every leaf that changed since the last call: `None` means the leaf is gone.
    pub fn take_changes(&mut self, mut change: impl FnMut(LeafKey, Option<Vec<u8>>)) {
        let touched = core::mem::take(&mut self.touched);
        for index in touched.accounts.rising() {
            let id = self.account(index).id;
            change(LeafKey::Account(id), Some(self.account_leaf(index).encode()));
        }
        for (index, instrument) in touched.positions.rising() {
            let account = self.account(index);
            let held = account.holdings.get(&instrument);
            change(LeafKey::Position(account.id, instrument), held.map(encode_position));
        }
        for id in touched.orders.rising() {
            change(LeafKey::Order(id), self.order(id).map(|order| self.order_leaf(order)));
        }
        for (index, number) in touched.withdrawals {
            let waits = self.withdrawals.waiting.get(&(index, number));
            change(LeafKey::Withdrawal(self.account(index).id, number), waits.map(encode_withdrawal));
        }
        for (pool, index) in touched.shareholdings {
            let shareholding = self.shareholding(pool, index).map(encode_shareholding);
            change(LeafKey::Shareholding(self.account(index).id, pool), shareholding);
        }
        for id in touched.instruments.rising() {
            change(LeafKey::Instrument(id), Some(self.instrument_leaf(id)));
        }
        for (epoch, author) in touched.equivocators {
            let proof = self.equivocation(epoch, author).map(|proof| proof.encode().to_vec());
            change(LeafKey::Equivocator(epoch, author), proof);
        }
        for commit in touched.receipts {
            let root = self.receipts_of(commit);
            change(LeafKey::Receipts(commit), root.map(|root| root.0.to_vec()));
        }
    }

    /// Forgets which leaves changed. Who follows the exchange without a tree calls it after every commit: what nobody
    /// takes is kept, and grows.
    pub fn forget_changes(&mut self) {
        self.touched = Touched::default();
    }

    /// Hands over every leaf there is.
    pub fn leaves(&self, mut leaf: impl FnMut(LeafKey, Vec<u8>)) {
        for (place, account) in self.accounts.iter().enumerate() {
            let index = AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX);
            leaf(LeafKey::Account(account.id), self.account_leaf(index).encode());
            for (instrument, held) in &account.holdings {
                let key = LeafKey::Position(account.id, *instrument);
                leaf(key, encode_position(held));
            }
        }
        for order in self.orders.rising() {
            leaf(LeafKey::Order(order.id), self.order_leaf(order));
        }
        for ((index, number), it) in &self.withdrawals.waiting {
            leaf(LeafKey::Withdrawal(self.account(*index).id, *number), encode_withdrawal(it));
        }
        for ((pool, index), it) in &self.vaults.shareholdings {
            leaf(LeafKey::Shareholding(self.account(*index).id, *pool), encode_shareholding(it));
        }
        for it in &self.instruments {
            leaf(LeafKey::Instrument(it.id), self.instrument_leaf(it.id));
        }
        for proof in self.equivocations() {
            leaf(LeafKey::Equivocator(proof.epoch(), proof.author()), proof.encode().to_vec());
        }
        for (commit, root) in &self.receipts {
            leaf(LeafKey::Receipts(*commit), root.0.to_vec());
        }
    }

    pub fn account_leaf(&self, index: AccountIndex) -> AccountLeaf {
        let liquidating = u8::from(self.account(index).health == Health::Liquidating);
        AccountLeaf { balance: self.ledger.balance(Purse::Account(index)), liquidating }
    }

    fn order_leaf(&self, order: &crate::order::Order) -> Vec<u8> {
        let account = self.account(order.account).id;
        bytes(&(account, order.instrument, order.side, order.price, order.lots, order.filled))
    }

    /// How it is listed, its delivery price, open interest, funding and name; of an exotic a zero byte, the price that met
    /// its level, and the sum and number of its fixings as well.
    fn instrument_leaf(&self, id: InstrumentId) -> Vec<u8> {
        let it = self.instrument_at(id);
        let (state, price) = match it.listing {
            Listing::Open => (0u8, Cash::ZERO),
            Listing::Expired => (1, Cash::ZERO),
            Listing::Settled { price } => (2, price),
            Listing::Delisted => (3, Cash::ZERO),
        };
        let mut leaf = bytes(&(state, price, it.open_interest, it.funding.paid));
        leaf.extend_from_slice(it.name.as_bytes());
        if let Some(life) = &it.exotic {
            // Names have no zero byte.
            leaf.extend(bytes(&(0u8, life.touched, life.fixed, life.made)));
        }
        leaf
    }
}
