//! Whether an account's equity covers what it would need.
//!
//! Invariant: margin is read from sums, and an order is tried on by adding its scenarios while the worst is looked
//! for.

use num::{Cash, Lots, Rounding, Side, Ticks};
use wire::{Event, InstrumentId, MarginModel, Reject, UnderlyingId};

use crate::{
    contingency::Surroundings,
    genesis::MarginParameters,
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{Margin, OpenOrder, Trial, UnderlyingRisk, ceil_part, worst_loss},
    order::Order,
    state::State,
    sums::Risks,
};

/// What an intended action does to an account's open orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderChange<'a> {
    pub adds: [Option<OpenOrder>; 2],
    /// Orders that margin looks at only where what is added is not covered anyway.
    pub removes: [Option<&'a Order>; 2],
}

impl<'a> OrderChange<'a> {
    pub(crate) const fn adding(adds: OpenOrder) -> Self {
        Self { adds: [Some(adds), None], removes: [None, None] }
    }

    pub(crate) const fn replacing(removes: &'a Order, adds: OpenOrder) -> Self {
        Self { adds: [Some(adds), None], removes: [Some(removes), None] }
    }
}

impl State {
    /// The account's margin if it had no orders.
    pub(crate) fn margin_without_orders(&self, account: AccountIndex) -> Margin {
        self.margin_of_risks(self.account(account).model, &self.risks_of_positions(account), None)
    }

    /// The account's margin over all underlyings at the present marks.
    pub fn margin(&self, account: AccountIndex) -> Margin {
        self.margin_with(account, None)
    }

    /// The account's margin with a trial's orders.
    fn margin_with(&self, account: AccountIndex, trial: Option<&Trial<'_>>) -> Margin {
        self.margin_of_risks(self.account(account).model, &self.risks(account), trial)
    }

    /// Margin over the risks of all underlyings, with a trial's orders. Underlyings that share a grid are stressed alike: of
    /// what their own worst scenarios lose beyond the worst one that they share, a part is let off.
    pub(crate) fn margin_of_risks(
        &self,
        model: MarginModel,
        risks: &Risks,
        trial: Option<&Trial<'_>>,
    ) -> Margin {
        let at = |id| self.surroundings(id);
        self.margin_sum(model, risks, (trial, &at)).margin(&self.parameters.margin)
    }

    /// The same in its parts, with each underlying where `at` says.
    pub(crate) fn margin_sum(
        &self,
        model: MarginModel,
        risks: &Risks,
        (trial, at): (Option<&Trial<'_>>, &dyn Fn(UnderlyingId) -> Surroundings),
    ) -> MarginSum {
        let new = trial.map(Trial::underlying).filter(|id| !risks.contains_key(id));
        let new = new.map(|id| (id, UnderlyingRisk::new(self.parameters.grid.len())));
        let risks = risks.iter().chain(new.iter().map(|(id, risk)| (id, risk)));
        let shares = model == MarginModel::Portfolio && risks.clone().count() > 1;
        let mut shared = vec![0; if shares { self.parameters.grid.len() } else { 0 }];
        let mut sum = MarginSum::default();
        for (id, risk) in risks {
            let trial = trial.filter(|trial| trial.underlying() == *id);
            let (units, at) = (risk.units(trial), at(*id));
            match model {
                MarginModel::Portfolio => {
                    let (worst, loss) = worst_loss(risk.sums(trial));
                    shared.iter_mut().zip(risk.sums(trial)).for_each(|(shared, sum)| *shared += sum);
                    sum.loss += ceil_part(loss);
                    sum.worst = sum.worst.or(worst);
                    sum.contingency += units.contingency(at, &self.parameters.margin);
                }
                MarginModel::Standard => {
                    sum.loss += risk.standard(trial);
                    sum.contingency += units.beyond_standard().contingency(at, &self.parameters.margin);
                }
            }
            sum.value = sum.value.checked_add(risk.value()).unwrap_or(Cash::MIN);
        }
        if shares {
            sum.loss -= self.let_off(sum.loss, ceil_part(worst_loss(shared.into_iter()).1));
        }
        sum
    }

    /// The part let off of what separate worst cases lose beyond the shared one; rounded down.
    fn let_off(&self, separate: i128, shared: i128) -> i128 {
        let beyond = (separate - shared).max(0);
        let part = i128::from(self.parameters.margin.correlation_billionths);
        num::div_scale(beyond * part, Rounding::Floor)
    }

    pub(crate) fn surroundings(&self, id: UnderlyingId) -> Surroundings {
        let underlying = self.underlying(id);
        Surroundings { index: underlying.index, uncertainty: underlying.uncertainty }
    }

    /// Balance and unrealised value; saturates.
    pub fn equity(&self, account: AccountIndex, margin: &Margin) -> Cash {
        let balance = self.ledger.balance(Purse::Account(account));
        let beyond = if margin.value.is_negative() { Cash::MIN } else { Cash::MAX };
        balance.checked_add(margin.value).unwrap_or(beyond)
    }

    /// Equity and margin of an account, for those who watch.
    pub fn margin_of(&self, account: AccountIndex) -> (Cash, Margin) {
        let margin = self.margin(account);
        (self.equity(account, &margin), margin)
    }

    /// The account's margin if one more order stood open at this price.
    pub fn margin_with_order(
        &self,
        account: AccountIndex,
        id: InstrumentId,
        (side, lots, price): (Side, Lots, Ticks),
    ) -> Option<Margin> {
        let it = self.instrument_ref(id)?;
        let adds = self.open_order(id, side, lots, price);
        Some(self.margin_with(account, Some(&Trial::of(it, [Some(adds), None], [None, None]))))
    }

    pub(crate) fn is_sound(&self, account: AccountIndex) -> bool {
        if self.is_below_ceiling(account) {
            return true;
        }
        let (equity, margin) = self.margin_of(account);
        equity >= margin.maintenance
    }

    /// Initial margin must be covered with the orders counted at their worst; what adds nothing to the
    /// worst case is always allowed.
    pub(crate) fn check_margin(
        &self,
        account: AccountIndex,
        it: &Instrument,
        change: &OrderChange<'_>,
    ) -> Result<(), Reject> {
        if self.covers_growth(account, it, &change.adds) {
            return Ok(());
        }
        let (model, risks) = (self.account(account).model, self.risks(account));
        let now = self.margin_of_risks(model, &risks, None);
        let removes = change.removes.map(|order| Some(self.as_open(order?)));
        let then = self.margin_of_risks(model, &risks, Some(&Trial::of(it, change.adds, removes)));
        let (have, need) = (self.equity(account, &now), then.initial);
        if have >= need || need <= now.initial { Ok(()) } else { Err(Reject::MarginTooLow { have, need }) }
    }

    /// Chooses how the account is margined. The initial margin of the other model must be covered.
    pub(crate) fn set_margin_model(
        &mut self,
        account: AccountIndex,
        model: MarginModel,
    ) -> Result<(), Reject> {
        let before = self.account(account).model;
        let holder = self.account_mut(account);
        (holder.model, holder.ceiling) = (model, None);
        let (have, margin) = self.margin_of(account);
        if have < margin.initial {
            let holder = self.account_mut(account);
            (holder.model, holder.ceiling) = (before, None);
            return Err(Reject::MarginTooLow { have, need: margin.initial });
        }
        let account = self.account(account).id;
        self.emit(Event::MarginModelSet { account, model });
        Ok(())
    }
}

/// Margin while it is being added up, in micros.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MarginSum {
    pub loss: i128,
    contingency: i128,
    value: Cash,
    worst: Option<usize>,
}

impl MarginSum {
    /// Saturates, which only ever makes an account look worse.
    pub(crate) fn margin(self, parameters: &MarginParameters) -> Margin {
        let initial = ceil_part(self.loss * i128::from(parameters.initial_billionths));
        let cash = |micros: i128| Cash::from_i128(micros).unwrap_or(Cash::MAX);
        Margin {
            maintenance: cash(self.loss + self.contingency),
            initial: cash(initial + self.contingency),
            value: self.value,
            worst_scenario: self.worst,
        }
    }
}
