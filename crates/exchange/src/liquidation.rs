//! When margin fails: cancel, close in small steps through the book, then the insurance fund.
//!
//! Invariant: only an account below its maintenance margin is touched, and it is let go as soon as it is
//! above again. A commit takes at most a fixed number of steps, so that liquidation cannot feed on itself.
//! An account that is flat and owes is made whole by the insurance fund as far as that goes; what is left
//! is an event with its number, and a debt in the ledger.

use num::{Cash, Fix, Lots, Position, Rounding, Side, div_ceil};
use wire::{Event, InstrumentId, OrderEnd};

use crate::{
    account::Health,
    ledger::{AccountIndex, Purse},
    margin::Margin,
    revise::immediate,
    state::State,
};

impl State {
    /// Looks at every account and takes this commit's steps.
    pub(crate) fn liquidate(&mut self) {
        let accounts = AccountIndex::try_from(self.accounts.len()).unwrap_or(AccountIndex::MAX);
        let mut steps = self.parameters.liquidation.accounts_max;
        for account in 0..accounts {
            if steps == 0 {
                break;
            }
            if self.needs_liquidation(account) {
                self.step_liquidation(account);
                steps -= 1;
            }
        }
    }

    fn needs_liquidation(&self, account: AccountIndex) -> bool {
        let holder = self.account(account);
        if holder.holdings.is_empty() && holder.orders.is_empty() {
            let owes = self.ledger.balance(Purse::Account(account)).is_negative();
            return owes && self.ledger.balance(Purse::Insurance).is_positive();
        }
        holder.health == Health::Liquidating || !self.is_sound(account)
    }

    fn step_liquidation(&mut self, account: AccountIndex) {
        let margin = self.margin(account);
        let equity = self.equity(account, &margin);
        if self.account(account).health == Health::Sound {
            self.account_mut(account).health = Health::Liquidating;
            let (id, maintenance) = (self.account(account).id, margin.maintenance);
            self.emit(Event::LiquidationStarted { account: id, equity, maintenance });
        }
        self.end_all(account, None, OrderEnd::Liquidation);
        if self.is_sound(account) {
            return self.end_liquidation(account);
        }
        if let Some(worst) = self.worst_position(account) {
            self.close_part(account, worst);
        }
        if self.account(account).holdings.is_empty() {
            self.pay_shortfall(account);
        }
        if self.is_sound(account) || self.account(account).holdings.is_empty() {
            self.end_liquidation(account);
        }
    }

    fn is_sound(&self, account: AccountIndex) -> bool {
        let margin = self.margin(account);
        self.equity(account, &margin) >= margin.maintenance
    }

    fn end_liquidation(&mut self, account: AccountIndex) {
        let margin = self.margin(account);
        let equity = self.equity(account, &margin);
        let holder = self.account_mut(account);
        holder.health = Health::Sound;
        let (account, maintenance) = (holder.id, margin.maintenance);
        self.emit(Event::LiquidationEnded { account, equity, maintenance });
    }

    /// The position that loses most in the account's worst scenario, among those somebody will take.
    fn worst_position(&self, account: AccountIndex) -> Option<(InstrumentId, Position)> {
        let holder = self.account(account);
        let loss = |id: &InstrumentId, position: Position| -> i128 {
            let it = self.instrument_at(*id);
            let scenario = holder.risk.get(&it.underlying).and_then(|risk| {
                risk.margin(self.underlying(it.underlying).index, &self.parameters.margin).worst_scenario
            });
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
        let limit = band.ok().map(|band| if side == Side::Buy { band.high } else { band.low });
        it.is_open() && limit.is_some_and(|limit| crate::book::OrderBook::crosses(self.book(id), side, limit))
    }

    /// One step: a part of the position, at least a lot, at any price within the band.
    fn close_part(&mut self, account: AccountIndex, (id, position): (InstrumentId, Position)) {
        let Some(side) = position.side().map(Side::opposite) else { return };
        let Ok(band) = self.band(self.instrument_at(id), self.parameters.liquidation.band_billionths) else {
            return;
        };
        let limit = if side == Side::Buy { band.high } else { band.low };
        let size = i128::from(position.size().get());
        let step =
            div_ceil(size * i128::from(self.parameters.liquidation.step_billionths), i128::from(Fix::SCALE));
        let lots = step.and_then(|step| u64::try_from(step).ok()).map_or(position.size(), Lots::new);
        if self.instrument_at(id).market.notional(limit, lots, Rounding::Ceil).is_none() {
            return;
        }
        let plan = self.plan_liquidation(immediate(id, side, lots), limit);
        self.write_order(account, plan);
    }

    fn pay_shortfall(&mut self, account: AccountIndex) {
        let balance = self.ledger.balance(Purse::Account(account));
        let Some(owed) = balance.checked_neg().filter(|owed| owed.is_positive()) else { return };
        let paid = owed.min(self.ledger.balance(Purse::Insurance)).max(Cash::ZERO);
        let id = self.account(account).id;
        if paid.is_positive() {
            self.pay(Purse::Insurance, Purse::Account(account), paid);
            let fund = self.ledger.balance(Purse::Insurance);
            self.emit(Event::InsurancePaid { account: id, amount: paid, fund });
        }
        if let Some(left) = owed.checked_sub(paid).filter(|left| left.is_positive()) {
            self.emit(Event::ShortfallLeft { account: id, amount: left });
        }
    }

    /// What an account needs and has; for those who watch.
    pub fn margin_of(&self, account: AccountIndex) -> (Cash, Margin) {
        let margin = self.margin(account);
        (self.equity(account, &margin), margin)
    }
}
