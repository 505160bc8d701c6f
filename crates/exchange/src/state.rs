//! The state of the exchange: everything that a commit may change.
//!
//! Invariant: same genesis and same commits give the same state. Whatever the root commits to is noted in
//! `touched` when it changes. Books, orders and accounts agree: an order is in its book, in `orders` and in
//! its account, or in none of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crypto::{Digest, PublicKey};
use num::{Cash, Fix, Market, Timestamp};
use wire::{AccountId, Author, Equivocation, Event, InstrumentId, OrderId, Permission, Rung, UnderlyingId};

use crate::{
    account::Account,
    agenda::Agenda,
    book::LadderBook,
    genesis::{
        ComboParameters, ExoticParameters, Fees, FundingParameters, Genesis, GovernanceParameters,
        HaltParameters, LadderParameters, Limits, LiquidationParameters, ListingParameters, MarginParameters,
        MarkParameters, SmileParameters, Surface, VaultParameters, WithdrawalParameters,
    },
    governance::Governance,
    halt::PriceRange,
    instrument::Instrument,
    ladder::Average,
    ledger::{AccountIndex, Ledger, PoolId, Purse},
    liquidation::Liquidations,
    nonce::NonceWindow,
    oracle::Oracle,
    order::{ActionPlace, Order},
    order_table::OrderTable,
    receipts::Roots,
    risk::Grid,
    savepoint::Savepoint,
    vault::Vaults,
    withdrawals::Withdrawals,
};

/// Ordered blocks remembered for `after`.
pub(crate) const ORDERED_BLOCKS_MAX: usize = 16 * 1024;

/// What genesis fixed for good.
#[derive(Clone, Debug)]
pub struct Parameters {
    pub network: Digest,
    pub start: Timestamp,
    /// The most an action may draw from the faucet; zero where it is closed.
    pub faucet_max: Cash,
    pub reporters: Vec<PublicKey>,
    pub fees: Fees,
    pub margin: MarginParameters,
    pub marks: MarkParameters,
    pub liquidation: LiquidationParameters,
    pub limits: Limits,
    pub halt: Option<HaltParameters>,
    pub funding: Option<FundingParameters>,
    pub smiles: Option<SmileParameters>,
    pub combos: Option<ComboParameters>,
    pub exotics: Option<ExoticParameters>,
    pub vault: Option<VaultParameters>,
    pub withdrawals: Option<WithdrawalParameters>,
    pub listing: Option<ListingParameters>,
    pub ladder: Option<LadderParameters>,
    pub grid: Grid,
    /// The grid of an underlying with a range of its own, by symbol.
    pub(crate) stretched: BTreeMap<String, Grid>,
    pub governance: Option<GovernanceParameters>,
    /// Genesis without underlyings and instruments: what changes are made to.
    pub(crate) base: Genesis,
}

/// What its instruments are on.
#[derive(Clone, Debug)]
pub struct Underlying {
    pub symbol: String,
    /// Units of its options, and of its futures and perpetuals.
    pub(crate) option: Market,
    pub(crate) future: Market,
    /// The pool whose collateral and fund answer for it.
    pub pool: PoolId,
    /// The index of genesis.
    pub(crate) first_index: Cash,
    pub(crate) average: Average,
    /// How good the index is.
    pub rung: Rung,
    /// The last index; it stays when reporters fall silent, and says since when.
    pub index: Cash,
    pub index_at: Timestamp,
    /// How far apart the middle third of the reporters' weight is, as a part of the index; as of the marks.
    pub uncertainty: Fix,
    /// The index over the window that halts look at.
    pub(crate) recent: VecDeque<PriceRange>,
    /// The index and time of the present marks.
    pub marked: Option<(Cash, Timestamp)>,
    pub surfaces: Vec<Surface>,
    /// When each expiry, by its milliseconds, last followed its quotes.
    pub(crate) followed: BTreeMap<u64, Timestamp>,
}

/// A session key's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionKey {
    pub permission: Permission,
    pub valid_until: Timestamp,
}

saved!(SessionKey { permission, valid_until });

/// Things noted in any order and any number, and read in rising order, each once.
#[derive(Clone, Debug)]
pub(crate) struct Noted<T>(Vec<T>);

impl<T> Default for Noted<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<T> for Noted<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Self(Vec::from_iter(all))
    }
}

impl<T: Copy + Ord> Noted<T> {
    pub(crate) fn note(&mut self, it: T) {
        if self.0.last() != Some(&it) {
            self.0.push(it);
        }
    }

    pub(crate) fn forget(&mut self, it: T) {
        self.0.retain(|noted| *noted != it);
    }

    pub(crate) fn rising(mut self) -> Vec<T> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

/// What changed in the present commit, as the root needs to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub accounts: Noted<AccountIndex>,
    pub positions: Noted<(AccountIndex, InstrumentId)>,
    pub orders: Noted<OrderId>,
    pub instruments: Noted<InstrumentId>,
    pub equivocators: BTreeSet<(u64, Author)>,
    pub withdrawals: BTreeSet<(AccountIndex, u64)>,
    pub shareholdings: BTreeSet<(PoolId, AccountIndex)>,
    /// Commits whose leaf came or went.
    pub receipts: Vec<u64>,
}

/// The whole exchange.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) parameters: Parameters,
    pub(crate) commit: u64,
    /// The action that has its turn.
    pub(crate) acting: ActionPlace,
    pub(crate) time: Timestamp,
    pub(crate) ledger: Ledger,
    pub(crate) oracle: Oracle,
    pub(crate) underlyings: Vec<Underlying>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) names: BTreeMap<String, InstrumentId>,
    pub(crate) books: Vec<LadderBook>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) account_index: BTreeMap<AccountId, AccountIndex>,
    pub(crate) keys: BTreeMap<(AccountIndex, PublicKey), SessionKey>,
    pub(crate) nonces: BTreeMap<(AccountIndex, PublicKey), NonceWindow>,
    pub(crate) orders: OrderTable,
    pub(crate) next_order: u64,
    pub(crate) trades: u64,
    pub(crate) governance: Governance,
    pub(crate) withdrawals: Withdrawals,
    pub(crate) vaults: Vaults,
    /// When the rule of listing is looked at again.
    pub(crate) lists_at: Timestamp,
    /// When everybody last paid the funding of perpetuals.
    pub(crate) funding_paid_at: Timestamp,
    pub(crate) ordered_blocks: BTreeSet<Digest>,
    pub(crate) ordered_queue: VecDeque<Digest>,
    /// The first proof against each validator of an epoch.
    pub(crate) equivocators: BTreeMap<(u64, Author), Equivocation>,
    pub(crate) receipts: Roots,
    pub(crate) touched: Touched,
    pub(crate) liquidations: Liquidations,
    /// Counts changes of prices and rules that margins depend on.
    pub(crate) margin_epoch: u64,
    pub(crate) agenda: Agenda,
    /// Held orders whose primary has filled, in the order in which they enter.
    pub(crate) entering: Vec<(OrderId, AccountIndex)>,
    pub(crate) savepoint: Option<Savepoint>,
    pub(crate) events: Vec<Event>,
}

impl State {
    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    pub(crate) fn instrument_ref(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn instrument_at(&self, id: InstrumentId) -> &Instrument {
        self.instrument_ref(id).expect("invariant: ids in the state are of listed instruments")
    }

    pub(crate) fn instrument_mut(&mut self, id: InstrumentId) -> &mut Instrument {
        self.keep_instrument(id);
        self.touched.instruments.note(id);
        let place = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.instruments.get_mut(place).expect("invariant: ids in the state are of listed instruments")
    }

    pub(crate) fn book(&self, id: InstrumentId) -> &LadderBook {
        let place = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.books.get(place).expect("invariant: every listed instrument has a book")
    }

    pub(crate) fn book_mut(&mut self, id: InstrumentId) -> &mut LadderBook {
        self.keep_book(id);
        let place = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.books.get_mut(place).expect("invariant: every listed instrument has a book")
    }

    pub(crate) fn account(&self, index: AccountIndex) -> &Account {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        self.accounts.get(place).expect("invariant: account indices are of opened accounts")
    }

    pub(crate) fn account_mut(&mut self, index: AccountIndex) -> &mut Account {
        self.keep_account(index);
        self.touched.accounts.note(index);
        self.liquidations.watch(index);
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        self.accounts.get_mut(place).expect("invariant: account indices are of opened accounts")
    }

    pub(crate) fn underlying(&self, id: UnderlyingId) -> &Underlying {
        self.underlyings.get(usize::from(id.0)).expect("invariant: underlyings are those of genesis")
    }

    pub(crate) fn underlying_mut(&mut self, id: UnderlyingId) -> &mut Underlying {
        self.underlyings.get_mut(usize::from(id.0)).expect("invariant: underlyings are those of genesis")
    }

    pub(crate) fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// Puts an order where the state keeps it, and notes the change.
    pub(crate) fn store_order(&mut self, order: &Order) {
        self.keep_order(order.id);
        self.touched.orders.note(order.id);
        self.orders.insert(order);
    }

    pub(crate) fn remove_order(&mut self, id: OrderId) -> Option<Order> {
        self.keep_order(id);
        self.touched.orders.note(id);
        self.orders.remove(id)
    }

    /// Moves money and notes whose. The amount was checked before.
    pub(crate) fn pay(&mut self, from: Purse, to: Purse, amount: Cash) {
        self.ledger
            .transfer(from, to, amount)
            .expect("invariant: what is paid is zero or more, between accounts that are open");
        self.keep_payment(from, to, amount);
        for purse in [from, to] {
            if let Purse::Account(index) = purse {
                self.touched.accounts.note(index);
                self.liquidations.watch(index);
            }
        }
    }

    /// Moves a signed amount between a purse and the clearing.
    pub(crate) fn clear(&mut self, purse: Purse, amount: Cash) {
        if amount.is_negative() {
            self.pay(purse, Purse::Clearing, amount.checked_neg().unwrap_or(Cash::MAX));
        } else {
            self.pay(Purse::Clearing, purse, amount);
        }
    }

    /// The account of an id, opened when it is new; `None` when no more can be opened.
    pub(crate) fn open_account(&mut self, id: AccountId) -> Option<AccountIndex> {
        if let Some(index) = self.account_index.get(&id) {
            return Some(*index);
        }
        if self.account_index.len()
            >= usize::try_from(self.parameters.limits.accounts_max).unwrap_or(usize::MAX)
        {
            return None;
        }
        let index = self.ledger.open();
        self.accounts.push(Account::new(id));
        self.account_index.insert(id, index);
        self.touched.accounts.note(index);
        Some(index)
    }

    /// Remembers that a block was ordered.
    pub(crate) fn note_ordered(&mut self, block: Digest) {
        if self.ordered_blocks.insert(block) {
            self.ordered_queue.push_back(block);
        }
        if self.ordered_queue.len() > ORDERED_BLOCKS_MAX
            && let Some(oldest) = self.ordered_queue.pop_front()
        {
            self.ordered_blocks.remove(&oldest);
        }
    }
}

impl Parameters {
    /// The scenarios of an underlying.
    pub(crate) fn grid_of(&self, symbol: &str) -> &Grid {
        self.stretched.get(symbol).unwrap_or(&self.grid)
    }

    /// These parameters with those of a changed genesis.
    pub(crate) fn with(self, genesis: &Genesis) -> Self {
        Self { base: self.base, ..Self::of(genesis, self.network, self.reporters, self.grid) }
    }

    pub(crate) fn of(genesis: &Genesis, network: Digest, reporters: Vec<PublicKey>, grid: Grid) -> Self {
        let range =
            |(symbol, range): (&String, &i64)| (symbol.clone(), grid.stretched(Fix::from_raw(*range)));
        let stretched = genesis.scan.iter().map(range);
        let faucet_max = match genesis.faucet {
            crate::genesis::Faucet::Closed => Cash::ZERO,
            crate::genesis::Faucet::Open { micros_max } => Cash::from_micros(micros_max),
        };
        Self {
            network,
            start: genesis.start(),
            faucet_max,
            reporters,
            fees: genesis.fees,
            margin: genesis.margin,
            marks: genesis.marks,
            liquidation: genesis.liquidation,
            limits: genesis.limits,
            halt: genesis.halt,
            funding: genesis.funding,
            smiles: genesis.smiles,
            combos: genesis.combos,
            exotics: genesis.exotics,
            vault: genesis.vault,
            withdrawals: genesis.withdrawals,
            listing: genesis.listing,
            ladder: genesis.ladder,
            stretched: stretched.collect(),
            grid,
            governance: genesis.governance.clone(),
            base: Genesis { underlyings: Vec::new(), instruments: Vec::new(), ..genesis.clone() },
        }
    }
}
