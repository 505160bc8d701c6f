//! What the root commits to: one leaf an account, a position, an order, an instrument, a withdrawal, a shareholding in a
//! vault, a convicted validator.
//!
//! Invariant: a leaf's key is of fixed size for its kind and begins with the kind, so that no two things
//! share a key; a leaf that is empty is absent.

use commonware_codec::{Encode, Write};
use num::{Cash, Lots, Side, Ticks};
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

/// About what an order's leaf takes.
const ORDER_BYTES: usize = 64;

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
}

/// An account's leaf: its balance and whether it is being liquidated (1) or not (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLeaf {
    pub balance: Cash,
    pub liquidating: u8,
}

impl LeafKey {
    /// Where the leaf lies in the tree: orders of neighbouring numbers beside each other, for they come and go together;
    /// all else anywhere.
    pub fn path(&self) -> Path {
        match self {
            Self::Order(OrderId(number)) => {
                let places = u64::from(Path::PLACES);
                let (group, place) = (number / places, u16::try_from(number % places).unwrap_or(0));
                Path::beside(&Self::Order(OrderId(group)).encode(), place)
            }
            _ => Path::of(&self.encode()),
        }
    }

    /// The bytes that the tree hashes; of an order's group the order of the group's number.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Account(account) => [&[0][..], &account.encode()].concat(),
            Self::Position(account, instrument) => {
                [&[1][..], &account.encode(), &instrument.encode()].concat()
            }
            Self::Order(order) => [&[2][..], &order.encode()].concat(),
            Self::Instrument(instrument) => [&[3][..], &instrument.encode()].concat(),
            Self::Equivocator(epoch, author) => [&[4][..], &epoch.encode(), &author.encode()].concat(),
            Self::Withdrawal(account, number) => {
                [&[5][..], &account.encode(), &number.to_be_bytes()].concat()
            }
            Self::Shareholding(account, pool) => [&[6][..], &account.encode(), &pool.to_be_bytes()].concat(),
        }
    }
}

impl AccountLeaf {
    pub fn encode(&self) -> Vec<u8> {
        [&self.balance.encode()[..], &[self.liquidating]].concat()
    }
}

/// Position, entry, and how far its funding is paid: 32 bytes.
pub fn encode_position(it: &Holding) -> Vec<u8> {
    [&it.position.encode()[..], &it.entry.encode(), &it.funded.to_be_bytes()].concat()
}

/// What has not been paid, when it can be, and where it goes.
fn encode_withdrawal(it: &Withdrawal) -> Vec<u8> {
    [&it.left.encode()[..], &it.ready_at.encode(), &it.to].concat()
}

/// The shares, and from when on they can be given back.
fn encode_shareholding(it: &Shareholding) -> Vec<u8> {
    [&it.shares.to_be_bytes()[..], &it.unlocks_at.encode()].concat()
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
    }

    pub fn account_leaf(&self, index: AccountIndex) -> AccountLeaf {
        let liquidating = u8::from(self.account(index).health == Health::Liquidating);
        AccountLeaf { balance: self.ledger.balance(Purse::Account(index)), liquidating }
    }

    fn order_leaf(&self, order: &crate::order::Order) -> Vec<u8> {
        let (side, price): (Side, Ticks) = (order.side, order.price);
        let (lots, filled): (Lots, Lots) = (order.lots, order.filled);
        let mut leaf = Vec::with_capacity(ORDER_BYTES);
        self.account(order.account).id.write(&mut leaf);
        order.instrument.write(&mut leaf);
        side.write(&mut leaf);
        price.write(&mut leaf);
        lots.write(&mut leaf);
        filled.write(&mut leaf);
        leaf
    }

    /// How it is listed, its delivery price, open interest, funding and name; of an exotic a zero byte, the price that met
    /// its level, and the sum and number of its fixings as well.
    fn instrument_leaf(&self, id: InstrumentId) -> Vec<u8> {
        let it = self.instrument_at(id);
        let (state, price) = match it.listing {
            Listing::Open => (0, Cash::ZERO),
            Listing::Expired => (1, Cash::ZERO),
            Listing::Settled { price } => (2, price),
            Listing::Delisted => (3, Cash::ZERO),
        };
        let interest = it.open_interest;
        let funding = it.funding.paid.to_be_bytes();
        let mut leaf =
            [&[state][..], &price.encode(), &interest.encode(), &funding, it.name.as_bytes()].concat();
        if let Some(life) = &it.exotic {
            // Names have no zero byte.
            leaf.push(0);
            leaf.extend(
                [&life.touched.encode()[..], &life.fixed.encode(), &life.made.to_be_bytes()].concat(),
            );
        }
        leaf
    }
}
