//! Intents that only look drawn: whatever users may ask for, near enough to what is possible that much of it happens.

mod exotics;
mod governance;
pub mod orders;
pub mod rules;
mod together;

use num::{Cash, Duration, Fix, Timestamp};
use wire::{
    Action, Atomicity, InstrumentId, MarginModel, OrderId, OrderTarget, Permission, ProtectionLimits,
    SignedIntent, UnderlyingId,
};

use crate::support::*;
use orders::{any_conditions, any_filter, any_label, any_lots, any_order, any_price, any_quote};

/// Numbers that only look drawn.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(high.abs_diff(low) + 1)).unwrap()
    }

    pub fn one_in(&mut self, chance: u64) -> bool {
        self.below(chance) == 0
    }

    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap()].clone()
    }

    pub fn maybe<T>(&mut self, chance: u64, it: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(chance).then(|| it(self))
    }
}

/// What is drawn from, and what was drawn.
pub struct Drawing<'a> {
    pub bench: &'a Bench,
    pub draw: &'a mut Draw,
    pub user: u8,
    /// The last order's number.
    pub orders: u64,
    /// A number that no intent has.
    pub nonce: u64,
}

impl Drawing<'_> {
    /// One that there is, mostly: some are traded more than others.
    pub fn instrument(&mut self) -> InstrumentId {
        let listed = u64::try_from(self.bench.state.instruments().len()).unwrap();
        let halted = self.bench.state.instruments().iter().filter(|it| it.halt.is_some());
        let halted: Vec<InstrumentId> = halted.map(|it| it.id).collect();
        if !halted.is_empty() && self.draw.one_in(2) {
            return self.draw.of(&halted);
        }
        let id = match self.draw.below(8) {
            0..3 => self.draw.below(3),
            3 | 4 if listed > 7 => 7 + self.draw.below(listed - 7),
            _ => self.draw.below(7),
        };
        let is_exotic = self.exotics().iter().any(|it| u64::from(it.0) == id);
        let id = if is_exotic && !self.draw.one_in(9) { self.draw.below(7) } else { id };
        InstrumentId(if self.draw.one_in(60) { 99 } else { u32::try_from(id).unwrap() })
    }

    /// One of the user's own orders, mostly, or one of late, or one by its label.
    pub fn target(&mut self) -> OrderTarget {
        let index = self.bench.state.account_index(&account(self.user));
        let own = index.into_iter().flat_map(|it| self.bench.state.open_orders(it)).map(|it| it.id);
        let own: Vec<OrderId> = own.collect();
        match any_label(self.draw) {
            label if !label.is_empty() && self.draw.one_in(2) => OrderTarget::Label { label },
            _ if !own.is_empty() && !self.draw.one_in(4) => OrderTarget::Id { order: self.draw.of(&own) },
            _ => OrderTarget::Id { order: OrderId(self.orders.saturating_sub(self.draw.below(20))) },
        }
    }

    /// Before and behind the time of the next commit.
    pub fn time(&mut self) -> Timestamp {
        let now = i64::try_from(self.bench.now_ms).unwrap();
        Timestamp::from_millis(u64::try_from(now + self.draw.between(-10, 300)).unwrap())
    }

    fn amend(&mut self) -> Action {
        let target = self.target();
        let of = match &target {
            OrderTarget::Id { order } => self.bench.state.find_order(*order).map(|it| it.instrument),
            OrderTarget::Label { .. } => None,
        };
        Action::Amend { target, lots: any_lots(self.draw), price: any_price(self, of.unwrap_or(PERPETUAL)) }
    }

    fn protection(&mut self) -> Action {
        let group = u16::try_from(self.draw.below(3)).unwrap();
        match self.draw.below(8) {
            0 => Action::SetProtection { group, limits: None },
            1..4 => Action::ResetProtection { group },
            _ => Action::SetProtection { group, limits: Some(any_limits(self.draw)) },
        }
    }

    fn money(&mut self) -> Action {
        let amount = Cash::from_micros(self.draw.between(-1, 3_000_000) * 100);
        match self.draw.below(11) {
            8 => Action::EnterVault { pool: u16::try_from(self.draw.below(2)).unwrap(), amount },
            9 | 10 => self.leave(),
            0 => Action::Faucet { amount },
            1 => Action::Transfer { subaccount: u16::try_from(self.draw.below(3)).unwrap(), amount },
            2 | 3 => Action::Withdraw { amount, to: label("out") },
            4 => Action::CancelWithdrawal { withdrawal: self.draw.below(6) },
            5 => Action::SetMarginModel {
                model: self.draw.of(&[MarginModel::Portfolio, MarginModel::Portfolio, MarginModel::Standard]),
            },
            6 => Action::RegisterKey {
                key: account(self.draw.of(&[1, 70, 71, 72, 73, 74])).owner,
                permission: self.draw.of(&[Permission::Trade, Permission::Trade, Permission::Read]),
                valid_until: self.time(),
            },
            _ => Action::RevokeKey { key: account(self.draw.of(&[70, 71, 72, 73, 74])).owner },
        }
    }

    fn is_failing(&self, user: u8) -> bool {
        let index = self.bench.state.account_index(&account(user));
        index.is_some_and(|index| self.bench.state.account_leaf(index).liquidating == 1)
    }

    /// Gives back a part of what the user has of a vault, or more.
    fn leave(&mut self) -> Action {
        let (pool, state) = (u16::try_from(self.draw.below(2)).unwrap(), &self.bench.state);
        let index = state.account_index(&account(self.user));
        let held = index.and_then(|index| state.shareholding(pool, index)).map_or(0, |it| it.shares);
        Action::LeaveVault { pool, shares: held / 4 * self.draw.below(6) }
    }

    /// Takes a part of an account, of one that fails if there is any.
    fn bid(&mut self) -> Action {
        let failing: Vec<u8> = (1..=5).filter(|user| self.is_failing(*user)).collect();
        let any = [failing, vec![u8::try_from(1 + self.draw.below(5)).unwrap()]].concat();
        let account = account(any[0]);
        let part = Fix::from_raw(self.draw.between(-1, 1_050) * (Fix::SCALE / 1_000));
        Action::TakeAuction {
            account,
            part,
            reward_min: Cash::from_micros(self.draw.between(0, 2) * 1_000_000),
        }
    }

    fn cancel(&mut self) -> Action {
        match self.draw.below(8) {
            0 => Action::CancelAll { instrument: None },
            1 => Action::CancelAll { instrument: Some(self.instrument()) },
            2 => Action::CancelMatching { filter: any_filter(self) },
            _ => Action::Cancel { target: self.target() },
        }
    }

    pub fn action(&mut self) -> Action {
        let bids = if (1..=5).any(|user| self.is_failing(user)) { 6 } else { 1 };
        match self.draw.below(49 + bids) {
            49.. => self.bid(),
            47 | 48 => self.governance(),
            44 => self.exotic(),
            45 | 46 => self.exercise(),
            40 => self.combo(),
            41..44 => self.block(),
            0..6 => self.cancel(),
            6..12 => self.amend(),
            12..16 => any_quote(self),
            16 => self.protection(),
            17 | 18 | 30 => self.money(),
            19 => Action::SetSwitch { at: self.draw.maybe(4, |_| ()).map(|()| self.time()) },
            20..30 => Action::PlaceWith { order: any_order(self), conditions: any_conditions(self) },
            31..40 => Action::Place { order: any_order(self) },
        }
    }
}

fn any_limits(draw: &mut Draw) -> ProtectionLimits {
    let limit = |draw: &mut Draw| Fix::from_raw(draw.between(1, 200) * (Fix::SCALE / 1_000));
    ProtectionLimits {
        interval: Duration::from_millis(draw.of(&[0, 1, 50, 1_000, 20_000])),
        frozen: Duration::from_millis(draw.of(&[0, 20, 200])),
        quantity: draw.maybe(2, limit),
        delta: draw.maybe(3, limit),
        vega: draw.maybe(3, |draw| Fix::from_raw(draw.between(1, 900) * Fix::SCALE)),
    }
}

/// What a market maker sets up before he trades.
pub fn any_beginning(draw: &mut Draw) -> Vec<Action> {
    let group = |group| Action::SetProtection { group, limits: Some(any_limits(draw)) };
    (0..2).map(group).collect()
}

/// What one user asks for, most of the time under his own key.
pub fn any_intent(bench: &mut Bench, draw: &mut Draw, orders: u64) -> SignedIntent {
    let user = u8::try_from(1 + draw.below(5)).unwrap();
    let is_group = draw.one_in(4);
    let atomicity = if is_group { Atomicity::AllOrNothing } else { Atomicity::Independent };
    let nonce = bench.next_nonce();
    let mut drawing = Drawing { bench, draw, user, orders, nonce };
    let most = if is_group { 2 } else { 4 };
    let mut actions: Vec<Action> = (0..=drawing.draw.below(most)).map(|_| drawing.action()).collect();
    if drawing.draw.one_in(20) {
        // Whoever heard no answer asks again.
        actions.extend(actions.clone());
    }
    let until = drawing.time();
    let signed = bench.intent_of(user, actions, atomicity);
    let mut intent = signed.intent.clone();
    match draw.below(60) {
        0 => intent.nonce = draw.below(intent.nonce),
        1 => intent.valid_until = until,
        2 | 3 => {
            let session = draw.of(&[70, 71, 72, 73, 74]);
            intent.key = account(session).owner;
            return intent.sign(&key(session));
        }
        _ => return signed,
    }
    intent.sign(&key(user))
}

/// Reporters say where the index has gone, one time of so many as far as so many thousandths of a percent; one of them may be far off, one may say nothing, and a user may join in.
pub fn any_words(bench: &mut Bench, draw: &mut Draw, (chance, far): (u64, i64)) -> Vec<SignedIntent> {
    let underlying = UnderlyingId(u16::try_from(draw.below(2)).unwrap());
    let last = bench.state.underlying_of(underlying).unwrap().index.micros();
    let step = if draw.one_in(chance) { far } else { 60 };
    let next = last + last / 100_000 * draw.between(-step, step);
    let observed_at = Timestamp::from_millis(bench.now_ms - draw.below(12));
    let mut said = Vec::new();
    for reporter in (201..=204).chain(draw.maybe(9, |_| 1)) {
        let price = match draw.below(20) {
            0 => continue,
            1 => next + next / 50,
            2 if draw.one_in(9) => Cash::MAX.micros(),
            _ => next + next / 1_000_000 * draw.between(-40, 40),
        };
        let price = Cash::from_micros(price);
        said.push(bench.intent(reporter, vec![Action::Observe { underlying, price, observed_at }]));
    }
    said
}
