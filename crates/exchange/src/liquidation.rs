//! When margin fails: cancel, close in small steps through the book, auction what the book does not take
//! (`auction`), the insurance fund, and at the very last deleverage (`deleverage`).
//!
//! Invariant: only an account below its maintenance margin is touched, and it is let go as soon as it is
//! above again. A commit takes at most a fixed number of steps, in turn, so that liquidation cannot feed on
//! itself and nobody waits for ever. An account that is flat and owes is made whole by the insurance fund as
//! far as that goes; what is left is an event with its number, and a debt in the ledger that later money of
//! the fund pays.

use core::ops::Bound;
use std::collections::BTreeSet;

use num::{Cash, Fix, Lots, Position, Side, div_ceil};
use wire::{Conditions, Event, InstrumentId, OrderEnd, TradeKind};

use crate::{
    account::{Distress, Health},
    book::Depth,
    ladder::Use,
    ledger::{AccountIndex, Purse},
    margin::UnderlyingRisk,
    place::Plan,
    revise::immediate,
    saved::{Input, LoadError, Save},
    state::State,
};

/// Whom liquidation has to look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liquidations {
    /// Accounts whose money, positions, orders or marks changed since they were last found sound. Whoever is
    /// below maintenance is among them.
    watched: Watched,
    /// Accounts that hold nothing and owe.
    debtors: BTreeSet<AccountIndex>,
    /// The account that took the last step: the next commit goes on behind it, so that those whom nobody
    /// takes anything from never use up the steps of the rest.
    last: AccountIndex,
}

saved!(Liquidations { watched, debtors, last });

/// A set of accounts, most of which are put in many times in a row.
#[derive(Clone, Debug, Default)]
struct Watched {
    accounts: BTreeSet<AccountIndex>,
    /// One that is in it.
    recent: Option<AccountIndex>,
}

impl Watched {
    fn insert(&mut self, account: AccountIndex) {
        if self.recent != Some(account) {
            self.accounts.insert(account);
            self.recent = Some(account);
        }
    }

    fn remove(&mut self, account: AccountIndex) {
        self.accounts.remove(&account);
        self.recent = None;
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Save for Watched {
    fn save(&self, out: &mut Vec<u8>) {
        self.accounts.save(out);
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Ok(Self { accounts: Save::load(input)?, recent: None })
    }
}

impl Liquidations {
    pub(crate) fn watch(&mut self, account: AccountIndex) {
        self.watched.insert(account);
    }

    /// The highest account that it names.
    pub(crate) fn highest(&self) -> AccountIndex {
        let sets = [&self.watched.accounts, &self.debtors];
        sets.into_iter().filter_map(|set| set.last().copied()).max().unwrap_or(0).max(self.last)
    }

    /// Accounts, by rising number.
    pub(crate) fn watch_all(&mut self, accounts: Vec<AccountIndex>) {
        self.watched.accounts.append(&mut accounts.into_iter().collect());
    }

    /// The watched accounts, beginning behind the one that took the last step; nobody is watched afterwards.
    fn take_turn(&mut self) -> Vec<AccountIndex> {
        let turn = self.in_turn();
        self.watched.clear();
        turn
    }

    /// The watched accounts, beginning behind the one that took the last step.
    fn in_turn(&self) -> Vec<AccountIndex> {
        let (before, behind) = (..=self.last, (Bound::Excluded(self.last), Bound::Unbounded));
        let accounts = &self.watched.accounts;
        accounts.range(behind).chain(accounts.range(before)).copied().collect()
    }
}

impl State {
    /// Judges every account whose standing may have changed and takes this commit's steps.
    pub(crate) fn liquidate(&mut self) {
        if self.check_running().is_err() {
            return;
        }
        let mut steps = self.parameters.liquidation.accounts_max;
        let mut deleverages = self.parameters.liquidation.deleverages_max;
        for account in self.liquidations.take_turn() {
            self.refresh_ceiling(account);
            if !self.needs_liquidation(account) {
                // Somebody's step may have touched it.
                self.liquidations.watched.remove(account);
                self.note_debt(account);
                continue;
            }
            self.liquidations.watch(account);
            if self.check_rungs(account, Use::Liquidate).is_err() {
                continue;
            }
            if steps > 0 {
                steps -= 1;
                self.liquidations.last = account;
                self.step_liquidation(account);
            }
            if deleverages > 0 && self.is_beyond_help(account) {
                deleverages -= 1;
                self.deleverage(account);
                self.finish_step(account);
            }
            self.note_debt(account);
        }
        // Steps may have left others flat: debts are never put off, for paying them moves no market.
        for account in self.liquidations.in_turn() {
            self.note_debt(account);
        }
        self.pay_debtors();
    }

    fn needs_liquidation(&self, account: AccountIndex) -> bool {
        let holder = self.account(account);
        let holds_nothing = holder.holdings.is_empty() && holder.orders.is_empty();
        holder.health == Health::Liquidating || !(holds_nothing || self.is_sound(account))
    }

    fn step_liquidation(&mut self, account: AccountIndex) {
        if self.account(account).health == Health::Sound {
            let (equity, margin) = self.margin_of(account);
            let since = self.time;
            let holder = self.account_mut(account);
            (holder.health, holder.distress) = (Health::Liquidating, Distress { since, auction: None });
            let (id, maintenance) = (self.account(account).id, margin.maintenance);
            self.emit(Event::LiquidationStarted { account: id, equity, maintenance });
        }
        self.recall_withdrawals(account);
        self.end_all(account, OrderEnd::Liquidation);
        if !self.is_sound(account) {
            if let Some(worst) = self.worst_position(account) {
                self.close_part(account, worst);
            }
            if !self.is_sound(account) {
                self.begin_auction(account);
            }
        }
        self.finish_step(account);
    }

    /// An account that the book has not cured in its time, or cannot, is offered to everybody.
    fn begin_auction(&mut self, account: AccountIndex) {
        let (now, book_ms) = (self.time, self.parameters.liquidation.book_ms);
        let Distress { since, auction } = self.account(account).distress;
        if auction.is_some() || now.since(since).millis() < book_ms {
            return;
        }
        self.account_mut(account).distress.auction = Some(now);
        let (equity, margin) = self.margin_of(account);
        let (account, maintenance) = (self.account(account).id, margin.maintenance);
        self.emit(Event::AuctionStarted { account, equity, maintenance });
    }

    /// Bankrupt, and nobody took it while the auction's reward grew.
    fn is_beyond_help(&self, account: AccountIndex) -> bool {
        let holder = self.account(account);
        let auction_ms = self.parameters.liquidation.auction_ms;
        let is_over = |began| self.time.since(began).millis() >= auction_ms;
        let stands = |id: &InstrumentId| self.instrument_at(*id).halt.is_some();
        holder.health == Health::Liquidating
            && !holder.holdings.keys().any(stands)
            && holder.distress.auction.is_some_and(is_over)
            && self.margin_of(account).0.is_negative()
    }

    fn finish_step(&mut self, account: AccountIndex) {
        if self.is_sound(account) || self.account(account).holdings.is_empty() {
            self.end_liquidation(account);
        }
    }

    fn end_liquidation(&mut self, account: AccountIndex) {
        let (equity, margin) = self.margin_of(account);
        let holder = self.account_mut(account);
        (holder.health, holder.distress) = (Health::Sound, Distress::default());
        let (account, maintenance) = (holder.id, margin.maintenance);
        self.emit(Event::LiquidationEnded { account, equity, maintenance });
    }

    /// The position that loses most in the account's worst scenario, among those somebody will take.
    fn worst_position(&self, account: AccountIndex) -> Option<(InstrumentId, Position)> {
        let (holder, risks) = (self.account(account), self.risks(account));
        let loss = |id: &InstrumentId, position: Position| -> i128 {
            let it = self.instrument_at(*id);
            let scenario = risks.get(&it.underlying).and_then(UnderlyingRisk::worst_scenario);
            let profits = it.valuation.as_ref().map(|valuation| &valuation.scenarios);
            let profit = scenario.zip(profits).and_then(|(scenario, profits)| profits.get(scenario)).copied();
            let units = i128::from(position.get()) * i128::from(it.market.lot_size().raw());
            units * i128::from(profit.unwrap_or(0))
        };
        let held = holder.holdings.iter().map(|(id, holding)| (*id, holding.position));
        let tradable = held.filter(|(id, position)| self.can_close(*id, *position));
        tradable.min_by_key(|(id, position)| loss(id, *position))
    }

    fn can_close(&self, id: InstrumentId, position: Position) -> bool {
        let it = self.instrument_at(id);
        let Some(side) = position.side().map(Side::opposite) else { return false };
        let band = self.band(it, self.parameters.liquidation.band_billionths);
        it.is_open()
            && it.halt.is_none()
            && band.is_ok_and(|band| self.book(id).crosses(side, band.edge(side)))
    }

    /// One step: a part of the position, at least a lot, at any price within the band.
    fn close_part(&mut self, account: AccountIndex, (id, position): (InstrumentId, Position)) {
        let Some(side) = position.side().map(Side::opposite) else { return };
        let Ok(band) = self.band(self.instrument_at(id), self.parameters.liquidation.band_billionths) else {
            return;
        };
        let size = i128::from(position.size().get());
        let step =
            div_ceil(size * i128::from(self.parameters.liquidation.step_billionths), i128::from(Fix::SCALE));
        let lots = step.and_then(|step| u64::try_from(step).ok()).map_or(position.size(), Lots::new);
        // An order of the exchange for the account, without margin rules: it can only reduce.
        let size = (band.edge(side), lots);
        let (terms, conditions) = (immediate(id, side, lots), Conditions::default());
        let plan = Plan { order: None, terms, conditions, kind: TradeKind::Liquidation, size };
        self.write_order(account, plan);
    }

    fn note_debt(&mut self, account: AccountIndex) {
        let holder = self.account(account);
        let holds_nothing = holder.holdings.is_empty() && holder.orders.is_empty();
        let owes = holds_nothing && self.ledger.balance(Purse::Account(account)).is_negative();
        if !owes {
            self.liquidations.debtors.remove(&account);
        } else if self.liquidations.debtors.insert(account)
            && !self.ledger.balance(self.fund_of(account)).is_positive()
        {
            self.tell_shortfall(account);
        }
    }

    /// The insurance fund pays what flat accounts owe, as far as it goes.
    fn pay_debtors(&mut self) {
        for account in self.liquidations.debtors.clone() {
            let fund = self.ledger.balance(self.fund_of(account));
            let balance = self.ledger.balance(Purse::Account(account));
            let amount = balance.checked_neg().unwrap_or(Cash::MAX).min(fund);
            if !amount.is_positive() {
                continue;
            }
            self.pay(self.fund_of(account), Purse::Account(account), amount);
            let (id, fund) = (self.account(account).id, self.ledger.balance(self.fund_of(account)));
            self.emit(Event::InsurancePaid { account: id, amount, fund });
            if self.ledger.balance(Purse::Account(account)).is_negative() {
                self.tell_shortfall(account);
            } else {
                self.liquidations.debtors.remove(&account);
            }
        }
    }

    fn tell_shortfall(&mut self, account: AccountIndex) {
        let owed = self.ledger.balance(Purse::Account(account)).checked_neg();
        let (account, amount) = (self.account(account).id, owed.unwrap_or(Cash::MAX));
        self.emit(Event::ShortfallLeft { account, amount });
    }
}
