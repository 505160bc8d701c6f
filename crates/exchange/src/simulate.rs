//! What an account would have and need with other positions.
//!
//! Invariant: reading only. A position that is tried on was bought at its mark, so that it changes the margin and not the
//! equity.

use num::{Cash, Position, Rounding};
use wire::{InstrumentId, MarginModel, UnderlyingId};

use crate::{ledger::AccountIndex, margin::Margin, state::State, sums::Risks};

/// What becomes of the positions and orders that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    Kept,
    /// As if the account had money only.
    LeftOut,
}

/// What a portfolio makes in each scenario, and what portfolio margin asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskMatrix {
    /// With the open orders that are there.
    pub margin: Margin,
    pub without_orders: Margin,
    /// What the positions lose at worst, after what is let off between underlyings.
    pub worst: Cash,
    /// What the positions on each underlying make in each scenario of its grid; rounded down.
    pub profits: Vec<(UnderlyingId, Vec<Cash>)>,
}

impl State {
    /// How an account is margined.
    pub fn margin_model(&self, account: AccountIndex) -> MarginModel {
        self.account(account).model
    }

    /// What an account with its orders would need if it were margined so.
    pub fn margin_under(&self, account: AccountIndex, model: MarginModel) -> Margin {
        self.margin_of_risks(model, &self.risks(account), None)
    }

    /// The account's equity and margin with more positions, each of so many lots; `None` for an instrument that is not
    /// there or has no mark, or for a position that no number holds.
    pub fn margin_with_positions(
        &self,
        account: AccountIndex,
        present: Present,
        positions: &[(InstrumentId, Position)],
    ) -> Option<(Cash, Margin)> {
        let risks = match present {
            Present::Kept => self.risks(account).into_owned(),
            Present::LeftOut => Risks::new(),
        };
        let risks = self.with_positions(risks, positions)?;
        let margin = self.margin_of_risks(self.account(account).model, &risks, None);
        Some((self.equity(account, &margin), margin))
    }

    /// What the account's positions and more of them make in the scenarios, and what portfolio margin asks for that,
    /// however the account is margined; of one underlying alone where one is named. `None` as above.
    pub fn risk_matrix(
        &self,
        account: AccountIndex,
        (present, only): (Present, Option<UnderlyingId>),
        positions: &[(InstrumentId, Position)],
    ) -> Option<RiskMatrix> {
        let (held, with_orders) = match present {
            Present::Kept => (self.risks_of_positions(account), self.risks_anew(account)),
            Present::LeftOut => (Risks::new(), Risks::new()),
        };
        let complete = |risks: Risks| -> Option<Risks> {
            let mut risks = self.with_positions(risks, positions)?;
            risks.retain(|id, _| only.is_none_or(|only| only == *id));
            Some(risks)
        };
        let (held, with_orders) = (complete(held)?, complete(with_orders)?);
        let sum = self.margin_sum(MarginModel::Portfolio, &held, (None, &|id| self.surroundings(id)));
        Some(RiskMatrix {
            margin: self.margin_of_risks(MarginModel::Portfolio, &with_orders, None),
            without_orders: sum.margin(&self.parameters.margin),
            worst: Cash::from_i128(sum.loss).unwrap_or(Cash::MAX),
            profits: held.iter().map(|(id, risk)| (*id, risk.profits())).collect(),
        })
    }

    /// Adds positions that were bought at their marks.
    fn with_positions(&self, mut risks: Risks, positions: &[(InstrumentId, Position)]) -> Option<Risks> {
        for (id, lots) in positions {
            let it = self.instrument_ref(*id).filter(|it| lots.size() <= it.position_max)?;
            let cost = it.market.value(it.mark()?, *lots, Rounding::Floor)?;
            self.risk_in(&mut risks, it.underlying).add_position(it, *lots, cost, 1);
        }
        Some(risks)
    }
}
