//! One commit, phase by phase. This file owns the order; every phase is a step over the result of the one
//! before.
//!
//! 1. time, proofs against validators, observations, and levels that they meet;
//! 2. expiries, of contracts and of orders, funding, switches of owners who fell silent, markets that open or
//!    stop, what governance enacts, listing, withdrawals that are due;
//! 3. money, keys, combos and exotics to be listed;
//! 4. cancels of orders that rest since before this commit, then post-only orders and amendments of such, then
//!    the rest, each in the order of the DAG; matching happens as orders are placed;
//! 5. marks, orders whose trigger has come, margin, liquidation, quotes of vaults;
//! 6. receipts, and what the root says of them.
//!
//! Invariant: same state and same commit give the same state and the same events. Within a commit a maker
//! always gets to cancel before anybody takes: the rule is consensus, not courtesy. Every action is applied
//! or rejected on its own, or with its group; the nonce of an admitted intent is used in either case.

use wire::{
    Action, Atomicity, CommittedPayload, Conditions, Event, List, OrderFilter, OrderTarget, Outcome,
    Permission, PostOnly, Reject,
};

use crate::{
    admission::{Admitted, Authority},
    lookahead::{Lookahead, named_order},
    oracle::{Observation, ObservationError},
    order::ActionPlace,
    quote::QuoteTerms,
    reading::Reading,
    state::State,
};

/// When in a commit an action has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Observation,
    Money,
    Cancel,
    PostOnly,
    Rest,
}

impl Turn {
    const fn place(self) -> usize {
        match self {
            Self::Observation => 0,
            Self::Money => 1,
            Self::Cancel => 2,
            Self::PostOnly => 3,
            Self::Rest => 4,
        }
    }
}

/// One action, or a whole all-or-nothing group, in the order of its turn.
#[derive(Clone, Copy, Debug)]
struct Step {
    intent: usize,
    /// `None` for a group.
    action: Option<usize>,
}

/// Applies a commit and appends what happened to `events`.
pub fn apply(state: &mut State, payload: &CommittedPayload, events: &mut Vec<Event>) {
    apply_read(state, (payload, Reading::of(payload)), events);
}

/// Applies a commit that has been read: `apply` without its first part, which needs no state.
pub fn apply_read(
    state: &mut State,
    (payload, reading): (&CommittedPayload, Reading),
    events: &mut Vec<Event>,
) {
    state.commit = payload.commit.index;
    state.time = state.time.max(payload.commit.time);
    state.take_evidence(payload);
    let admitted = state.admit(payload, reading);
    // Every action has a step, and every step says what became of it.
    let mut outcomes: Vec<Vec<Outcome>> =
        admitted.iter().map(|it| vec![Outcome::Done; it.intent.actions.len()]).collect();
    let Plan { observations, others } = Plan::of(state, &admitted);
    state.take_steps(&admitted, &observations, &mut outcomes);
    state.refresh_indices();
    state.refresh_rungs();
    state.watch_levels();
    state.deliver_expiries();
    state.accrue_funding();
    state.take_due();
    state.reopen();
    state.watch_indices();
    state.enact_proposals();
    state.refresh_listing();
    state.delist_idle_combos();
    state.delist_idle_exotics();
    state.pay_withdrawals();
    state.take_steps(&admitted, &others, &mut outcomes);
    state.acting = ActionPlace::default();
    state.refresh_marks();
    state.fire_triggers();
    state.liquidate();
    state.quote_vaults();
    state.write_receipts(&admitted, outcomes);
    state.note_receipts();
    if events.is_empty() {
        core::mem::swap(events, &mut state.events);
    } else {
        events.append(&mut state.events);
    }
}

/// The steps of a commit in the order in which they are taken.
struct Plan {
    observations: Vec<Step>,
    others: Vec<Step>,
}

impl Plan {
    fn of(state: &State, admitted: &[Admitted]) -> Self {
        let mut turns: [Vec<Step>; 5] = Default::default();
        let mut take = |turn: Turn, step: Step| turns[turn.place()].push(step);
        for (intent, it) in admitted.iter().enumerate() {
            let actions = state.orders.ahead(&it.intent.actions, named_order);
            let actions = actions.map(|action| state.turn_of(it, action));
            if it.intent.atomicity == Atomicity::AllOrNothing {
                // A group has the turn of its last action to have one.
                let turn = actions.max().unwrap_or(Turn::Rest).max(Turn::Money);
                take(turn, Step { intent, action: None });
                continue;
            }
            for (action, turn) in actions.enumerate() {
                let step = Step { intent, action: Some(action) };
                take(turn, step);
                let all = it.intent.actions.get(action);
                if matches!(all, Some(Action::CancelAll { .. } | Action::CancelMatching { .. })) {
                    // Once more for the orders that this commit placed before it.
                    take(Turn::Rest, step);
                }
            }
        }
        let [observations, others @ ..] = turns;
        Self { observations, others: others.concat() }
    }
}

impl State {
    fn turn_of(&self, it: &Admitted, action: &Action) -> Turn {
        let found = |target: &OrderTarget| self.find_target(it.account, target).ok();
        let post_only =
            |target: &OrderTarget| found(target).and_then(|id| self.order(id)).map(|order| order.post_only);
        match action {
            Action::Observe { .. } => Turn::Observation,
            Action::Faucet { .. }
            | Action::Transfer { .. }
            | Action::Withdraw { .. }
            | Action::CancelWithdrawal { .. }
            | Action::Propose { .. }
            | Action::Vote { .. }
            | Action::Pause { .. }
            | Action::RegisterKey { .. }
            | Action::RevokeKey { .. }
            | Action::SetSwitch { .. }
            | Action::SetMarginModel { .. }
            | Action::SetProtection { .. }
            | Action::ResetProtection { .. }
            | Action::CreateCombo { .. }
            | Action::CreateExotic { .. }
            | Action::EnterVault { .. }
            | Action::LeaveVault { .. } => Turn::Money,
            // An order that does not rest yet can only be one of this commit: its cancel waits for it.
            Action::Cancel { target } if found(target).is_none() => Turn::Rest,
            Action::Cancel { .. } | Action::CancelAll { .. } | Action::CancelMatching { .. } => Turn::Cancel,
            Action::TakeAuction { .. } | Action::TakeBlock { .. } | Action::Exercise { .. } => Turn::Rest,
            Action::Amend { target, .. } => match post_only(target) {
                Some(PostOnly::Reject | PostOnly::Reprice) => Turn::PostOnly,
                Some(PostOnly::Off) | None => Turn::Rest,
            },
            Action::Place { order } | Action::PlaceWith { order, .. } if order.post_only == PostOnly::Off => {
                Turn::Rest
            }
            Action::Place { .. } | Action::PlaceWith { .. } | Action::Quote { .. } => Turn::PostOnly,
        }
    }

    fn take_steps(&mut self, admitted: &[Admitted], steps: &[Step], outcomes: &mut [Vec<Outcome>]) {
        let mut ahead = Lookahead::default();
        let next = |place: usize| {
            let step: &Step = steps.get(place)?;
            let it = admitted.get(step.intent)?;
            Some((it, it.intent.actions.get(step.action?)?))
        };
        for (place, step) in steps.iter().enumerate() {
            self.look_ahead(&mut ahead, place, next);
            let (Some(it), Some(outcomes)) = (admitted.get(step.intent), outcomes.get_mut(step.intent))
            else {
                continue;
            };
            self.acting = ActionPlace { intent: step.intent, action: step.action.unwrap_or(0) };
            let Some(place) = step.action else {
                *outcomes = self.act_together(it);
                continue;
            };
            if let (Some(action), Some(outcome)) = (it.intent.actions.get(place), outcomes.get_mut(place)) {
                let result = self.act(it, action);
                match result {
                    Ok(done) => *outcome = done,
                    Err(reject) => *outcome = Outcome::Rejected { reject },
                }
            }
        }
    }

    /// All actions of a group in order; when one fails, none has happened.
    fn act_together(&mut self, it: &Admitted) -> Vec<Outcome> {
        self.set_savepoint();
        let mut outcomes = Vec::with_capacity(it.intent.actions.len());
        for (place, action) in it.intent.actions.iter().enumerate() {
            self.acting.action = place;
            match self.act(it, action) {
                Ok(outcome) => outcomes.push(outcome),
                Err(reject) => {
                    self.go_back();
                    return failed_group(it.intent.actions.len(), place, reject);
                }
            }
        }
        self.drop_savepoint();
        outcomes
    }

    fn act(&mut self, it: &Admitted, action: &Action) -> Result<Outcome, Reject> {
        check_authority(it.authority, action)?;
        let account = it.account;
        if may_open(action) {
            self.refresh_ceiling(account);
        }
        let done = |()| Outcome::Done;
        match action {
            Action::Place { order } => self.place(account, order, &Conditions::default()),
            Action::PlaceWith { order, conditions } => self.place(account, order, conditions),
            Action::Quote { instrument, protection, bid, ask } => {
                let (instrument, protection, bid, ask) = (*instrument, *protection, *bid, *ask);
                self.quote(account, &QuoteTerms { instrument, protection, bid, ask })
            }
            Action::Amend { target, lots, price } => {
                self.amend(account, target, (*lots, *price)).map(|order| Outcome::Placed { order })
            }
            Action::Cancel { target } => self.cancel(account, target).map(done),
            Action::CancelAll { instrument } => {
                let filter = OrderFilter { instrument: *instrument, ..OrderFilter::default() };
                self.cancel_matching(account, &filter).map(done)
            }
            Action::CancelMatching { filter } => self.cancel_matching(account, filter).map(done),
            Action::SetMarginModel { model } => self.set_margin_model(account, *model).map(done),
            Action::TakeAuction { account: of, part, reward_min } => {
                self.take_auction(account, (of, *part, *reward_min))
            }
            Action::TakeBlock { offer } => self.take_block(account, offer),
            Action::CreateCombo { legs } => self.create_combo(account, legs),
            Action::CreateExotic { terms } => self.create_exotic(account, terms),
            Action::Exercise { instrument, lots } => self.exercise(account, (*instrument, *lots)),
            Action::EnterVault { pool, amount } => self.pay_into_vault(account, (*pool, *amount)),
            Action::LeaveVault { pool, shares } => self.leave_vault(account, (*pool, *shares)),
            Action::SetSwitch { at } => self.set_switch(account, *at).map(done),
            Action::SetProtection { group, limits } => {
                self.set_protection(account, *group, *limits).map(done)
            }
            Action::ResetProtection { group } => self.reset_protection(account, *group).map(done),
            Action::Faucet { amount } => self.faucet(account, *amount).map(done),
            Action::Transfer { subaccount, amount } => self.transfer(account, *subaccount, *amount).map(done),
            Action::Withdraw { amount, to } => {
                self.withdraw(account, *amount, to).map(|withdrawal| Outcome::Withdrawing { withdrawal })
            }
            Action::CancelWithdrawal { withdrawal } => self.cancel_withdrawal(account, *withdrawal).map(done),
            Action::Propose { change } => self.propose(account, change),
            Action::Vote { proposal } => self.vote(account, *proposal).map(done),
            Action::Pause { span } => self.pause(account, *span).map(done),
            Action::RegisterKey { key, permission, valid_until } => {
                self.register_key(account, *key, *permission, *valid_until).map(done)
            }
            Action::RevokeKey { key } => self.revoke_key(account, *key).map(done),
            Action::Observe { underlying, price, observed_at } => {
                let reporter = self.reporter_of(it)?;
                let (underlying, price, observed_at) = (*underlying, *price, *observed_at);
                self.observe(Observation { reporter, underlying, price, observed_at }).map(done)
            }
        }
    }

    fn reporter_of(&self, it: &Admitted) -> Result<usize, Reject> {
        let owner = self.account(it.account).id.owner;
        self.parameters.reporters.iter().position(|key| *key == owner).ok_or(Reject::NotReporter)
    }

    fn observe(&mut self, it: Observation) -> Result<(), Reject> {
        self.oracle.check(&it, self.time).map_err(|error| match error {
            ObservationError::UnknownUnderlying => Reject::UnknownUnderlying { have: it.underlying },
            ObservationError::OutOfRange { have, low, high } => {
                Reject::ObservationOutOfRange { have, low, high }
            }
            ObservationError::Ahead { have, need } => Reject::ObservationAhead { have, need },
            ObservationError::Stale { have, need } => Reject::ObservationStale { have, need },
        })?;
        self.keep_oracle();
        self.oracle.observe(&it);
        Ok(())
    }

    fn write_receipts(&mut self, admitted: &[Admitted], outcomes: Vec<Vec<Outcome>>) {
        for (it, outcomes) in admitted.iter().zip(outcomes) {
            let account = self.account(it.account).id;
            let outcomes = List::new(outcomes).expect("invariant: an intent has at most 64 actions");
            self.emit(Event::Receipt { intent: it.id, account, outcomes });
        }
    }
}

/// Whether an action may make the account's margin larger.
const fn may_open(action: &Action) -> bool {
    matches!(
        action,
        Action::Place { .. } | Action::PlaceWith { .. } | Action::Amend { .. } | Action::Quote { .. }
    )
}

/// The outcomes of a group of so many actions whose action at `place` was rejected.
fn failed_group(actions: usize, place: usize, reject: Reject) -> Vec<Outcome> {
    let action = u8::try_from(place).unwrap_or(u8::MAX);
    let mut outcomes = vec![Outcome::Rejected { reject: Reject::GroupFailed { action } }; actions];
    if let Some(outcome) = outcomes.get_mut(place) {
        *outcome = Outcome::Rejected { reject };
    }
    outcomes
}

fn check_authority(authority: Authority, action: &Action) -> Result<(), Reject> {
    let owner_only = matches!(
        action,
        Action::RegisterKey { .. }
            | Action::RevokeKey { .. }
            | Action::Transfer { .. }
            | Action::Withdraw { .. }
            | Action::CancelWithdrawal { .. }
            | Action::Propose { .. }
            | Action::Vote { .. }
            | Action::Pause { .. }
            | Action::EnterVault { .. }
            | Action::LeaveVault { .. }
    );
    match authority {
        Authority::Owner => Ok(()),
        Authority::Session(Permission::Read) => Err(Reject::KeyMayNotTrade),
        Authority::Session(Permission::Trade) if owner_only => Err(Reject::OwnerOnly),
        Authority::Session(Permission::Trade) => Ok(()),
    }
}
