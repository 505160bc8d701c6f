//! When margin fails: orders go, a part of the worst position is closed through the book, then there is an auction,
//! then the fund pays, and last whoever holds the other side gives up what still lacks.

use num::{Side, Timestamp};
use wire::{
    AccountId, Event, InstrumentId, NewOrder, OrderEnd, OrderKind, PostOnly, ReduceOnly, TimeInForce,
    TradeKind,
};

use super::{Marks, ONE, Reference, assets::in_ticks, auction::Mark, cash, ceil, lots, placing::Planned};

/// How far an account's liquidation has come: since when, and since when it is auctioned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Distress {
    pub since: Timestamp,
    pub auction: Option<Timestamp>,
}

impl Reference {
    /// Accounts in the order in which they are looked at: from behind the one that took the last step.
    fn in_turn(&self) -> Vec<AccountId> {
        let mut all: Vec<(bool, usize, AccountId)> =
            self.holders.iter().map(|(id, it)| (it.opened <= self.last_step, it.opened, *id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, _, id)| id).collect()
    }

    pub(super) fn liquidate(&mut self, state: &Marks) {
        let rules = self.genesis.liquidation;
        let (mut steps, mut deleverages) = (rules.accounts_max, rules.deleverages_max);
        for account in self.in_turn() {
            if self.needs_liquidation(state, account) {
                if steps > 0 {
                    steps -= 1;
                    self.last_step = self.holders[&account].opened;
                    self.step(state, account);
                }
                if deleverages > 0 && self.is_beyond_help(state, account) {
                    deleverages -= 1;
                    self.deleverage(state, account);
                    self.finish_step(state, account);
                }
            }
            self.note_debt(account);
        }
        self.in_turn().into_iter().for_each(|account| self.note_debt(account));
        self.pay_debtors();
    }

    fn holds_nothing(&self, account: AccountId) -> bool {
        self.holders[&account].holdings.is_empty() && !self.orders.iter().any(|it| it.account == account)
    }

    fn is_sound(&self, state: &Marks, account: AccountId) -> bool {
        let judged = self.judge(state, account, (&[], &[]));
        judged.equity >= judged.maintenance
    }

    fn needs_liquidation(&self, state: &Marks, account: AccountId) -> bool {
        self.holders[&account].distress.is_some()
            || !(self.holds_nothing(account) || self.is_sound(state, account))
    }

    fn step(&mut self, state: &Marks, account: AccountId) {
        if self.holders[&account].distress.is_none() {
            let judged = self.judge(state, account, (&[], &[]));
            let (equity, maintenance) = (cash(judged.equity), cash(judged.maintenance));
            self.holder(account).distress = Some(Distress { since: self.now, auction: None });
            self.tell(Event::LiquidationStarted { account, equity, maintenance });
        }
        self.recall_withdrawals(account);
        let all = self.open_where(account, |_| true, |_| true);
        all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Liquidation));
        if !self.is_sound(state, account) {
            if let Some(worst) = self.worst_position(state, account) {
                self.close_part(state, account, worst);
            }
            if !self.is_sound(state, account) {
                self.begin_auction(state, account);
            }
        }
        self.finish_step(state, account);
    }

    fn finish_step(&mut self, state: &Marks, account: AccountId) {
        if self.is_sound(state, account) || self.holders[&account].holdings.is_empty() {
            self.holder(account).distress = None;
            let judged = self.judge(state, account, (&[], &[]));
            let (equity, maintenance) = (cash(judged.equity), cash(judged.maintenance));
            self.tell(Event::LiquidationEnded { account, equity, maintenance });
        }
    }

    fn begin_auction(&mut self, state: &Marks, account: AccountId) {
        let (now, book_ms) = (self.now, self.genesis.liquidation.book_ms);
        let distress = self.holder(account).distress.as_mut().expect("it is being liquidated");
        if distress.auction.is_some() || now.since(distress.since).millis() < book_ms {
            return;
        }
        distress.auction = Some(now);
        let judged = self.judge(state, account, (&[], &[]));
        let (equity, maintenance) = (cash(judged.equity), cash(judged.maintenance));
        self.tell(Event::AuctionStarted { account, equity, maintenance });
    }

    /// Of the positions that somebody will take the one that loses most in its underlying's worst scenario.
    fn worst_position(&self, state: &Marks, account: AccountId) -> Option<(InstrumentId, i128)> {
        let holdings = &self.holders[&account].holdings;
        let profits = |id: InstrumentId| {
            let it = self.asset(state, id).expect("listed");
            (it.underlying, it.profits(), it.lot)
        };
        let loss = |id: InstrumentId, position: i128| {
            let (underlying, own, lot) = profits(id);
            let sum = |scenario: usize| -> i128 {
                let of = holdings.iter().map(|(id, held)| (profits(*id), held.position));
                let of = of.filter(|((on, ..), _)| *on == underlying);
                of.map(|((_, all, lot), position)| position * lot * all[scenario]).sum()
            };
            let worst = (0..own.len()).min_by_key(|scenario| (sum(*scenario), *scenario));
            let worst = worst.filter(|scenario| sum(*scenario) < 0);
            worst.map_or(0, |scenario| position * lot * own[scenario])
        };
        let held = holdings.iter().map(|(id, held)| (*id, held.position));
        let open = held.filter(|(id, _)| !self.closed.contains(id));
        let trading = open.filter(|(id, _)| self.check_trading(*id).is_ok());
        let can_close = trading.filter(|(id, position)| {
            let side = if *position > 0 { Side::Sell } else { Side::Buy };
            let edge = self.closing_edge(state, *id, side);
            self.front(*id, side.opposite()).is_some_and(|it| (edge - it.price) * side.sign() >= 0)
        });
        can_close.min_by_key(|(id, position)| (loss(*id, *position), *id))
    }

    /// The last price at which a side of an instrument is closed.
    fn closing_edge(&self, state: &Marks, id: InstrumentId, side: Side) -> i64 {
        let it = self.asset(state, id).expect("listed");
        let width =
            ceil(self.indices[&it.underlying] * i128::from(self.genesis.liquidation.band_billionths), ONE);
        let (low, high) = in_ticks((it.mark() - width, it.mark() + width), it.tick);
        if side == Side::Buy { high.max(1) } else { low.max(1) }
    }

    fn close_part(
        &mut self,
        state: &Marks,
        account: AccountId,
        (instrument, position): (InstrumentId, i128),
    ) {
        let side = if position > 0 { Side::Sell } else { Side::Buy };
        let step = ceil(position.abs() * i128::from(self.genesis.liquidation.step_billionths), ONE);
        let step = u64::try_from(step).expect("counted");
        let limit = self.closing_edge(state, instrument, side);
        let terms = NewOrder {
            instrument,
            side,
            lots: lots(step),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::ImmediateOrCancel,
            post_only: PostOnly::Off,
            reduce_only: ReduceOnly::On,
            label: wire::Label::default(),
        };
        let (id, conditions) = (self.number(), wire::Conditions::default());
        let (order, asked) = (wire::OrderId(id), (&terms, &conditions));
        self.tell(Event::OrderPlaced { order, account, terms: terms.clone() });
        let order = self.as_order((account, id), asked, &Planned { limit, lots: step });
        self.enter(state, super::Resting { kind: TradeKind::Liquidation, ..order }, false);
    }

    /// Bankrupt, and nobody took it while the reward grew.
    fn is_beyond_help(&self, state: &Marks, account: AccountId) -> bool {
        let auction = self.holders[&account].distress.and_then(|it| it.auction);
        let is_over =
            |began: Timestamp| self.now.since(began).millis() >= self.genesis.liquidation.auction_ms;
        let trade = self.holders[&account].holdings.keys().all(|id| self.check_trading(*id).is_ok());
        trade && auction.is_some_and(is_over) && self.judge(state, account, (&[], &[])).equity < 0
    }

    /// The fund pays what it can; the rest is spread over positions by notional, and over who holds the other side of
    /// each by lots.
    fn deleverage(&mut self, state: &Marks, account: AccountId) {
        let lacks = -self.judge(state, account, (&[], &[])).equity;
        self.pay_from_fund(account, lacks);
        let shortfall = (-self.judge(state, account, (&[], &[])).equity).max(0);
        let held: Vec<(InstrumentId, i128)> =
            self.holders[&account].holdings.iter().map(|(id, it)| (*id, it.position)).collect();
        let held: Vec<(InstrumentId, i128)> =
            held.into_iter().filter(|(id, _)| !self.closed.contains(id)).collect();
        let notional = |(id, position): (InstrumentId, i128)| {
            let it = self.asset(state, id).expect("listed");
            (self.indices[&it.underlying] * position.abs() * it.lot).div_euclid(ONE)
        };
        let whole: i128 = held.iter().copied().map(notional).sum();
        let parts: Vec<i128> = held.iter().map(|it| shortfall * notional(*it) / whole.max(1)).collect();
        for ((id, position), part) in held.into_iter().zip(parts) {
            self.close_against_others(state, (account, id, position), part);
        }
    }

    fn close_against_others(
        &mut self,
        state: &Marks,
        (account, id, position): (AccountId, InstrumentId, i128),
        shortfall: i128,
    ) {
        let mut others: Vec<(usize, AccountId, i128)> = Vec::new();
        for (other, it) in &self.holders {
            let held = it.holdings.get(&id).map_or(0, |held| held.position);
            let is_other = *other != account && it.distress.is_none() && held * position < 0;
            if is_other && self.judge(state, *other, (&[], &[])).equity > 0 {
                others.push((it.opened, *other, held.abs()));
            }
        }
        others.sort_unstable();
        let mut left: i128 = others.iter().map(|(.., held)| held).sum();
        let (mut open, mut owed) = (position.abs().min(left), shortfall);
        for (_, other, held) in others {
            let share = open * held / left.max(1);
            left -= held;
            let taken = owed * share / open.max(1);
            let moved = (id, share * position.signum());
            if share > 0 && self.transfer_position(state, (account, other), (moved, Mark::And(taken))).is_ok()
            {
                owed -= taken;
                let (lots, taken) = (lots(u64::try_from(share).expect("counted")), cash(taken));
                self.tell(Event::Deleveraged { account, counterparty: other, instrument: id, lots, taken });
            }
            open -= share;
        }
    }

    /// Pays an account so much out of its pool's fund, as far as that goes.
    fn pay_from_fund(&mut self, account: AccountId, lacks: i128) {
        let pool = self.holders[&account].pool;
        let amount = lacks.min(self.funds[&pool]);
        if amount <= 0 {
            return;
        }
        *self.funds.get_mut(&pool).expect("of genesis") -= amount;
        self.holder(account).balance += amount;
        let (amount, fund) = (cash(amount), cash(self.funds[&pool]));
        self.tell(Event::InsurancePaid { account, amount, fund });
    }

    fn note_debt(&mut self, account: AccountId) {
        let (balance, pool) = (self.holders[&account].balance, self.holders[&account].pool);
        if balance >= 0 || !self.holds_nothing(account) {
            self.debtors.remove(&account);
        } else if self.debtors.insert(account) && self.funds[&pool] <= 0 {
            self.tell(Event::ShortfallLeft { account, amount: cash(-balance) });
        }
    }

    fn pay_debtors(&mut self) {
        let mut all: Vec<AccountId> = self.debtors.iter().copied().collect();
        all.sort_by_key(|account| self.holders[account].opened);
        for account in all {
            let (owes, pool) = (-self.holders[&account].balance, self.holders[&account].pool);
            if owes.min(self.funds[&pool]) <= 0 {
                continue;
            }
            self.pay_from_fund(account, owes);
            let left = -self.holders[&account].balance;
            if left > 0 {
                self.tell(Event::ShortfallLeft { account, amount: cash(left) });
            } else {
                self.debtors.remove(&account);
            }
        }
    }
}
