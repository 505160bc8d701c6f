//! What an account would have and need with other positions.
//!
//! Invariant: reading only. A position that is tried on was bought at its mark, so that it changes the margin and not the
//! equity.

use num::{Cash, Position, Rounding};
use wire::{InstrumentId, MarginModel};

use crate::{
    ledger::{AccountIndex, Purse},
    margin::Margin,
    state::State,
    sums::Risks,
};

/// What becomes of the positions and orders that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    Kept,
    /// As if the account had money only.
    LeftOut,
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
        let mut risks = match present {
            Present::Kept => self.risks(account).into_owned(),
            Present::LeftOut => Risks::new(),
        };
        for (id, lots) in positions {
            let it = self.instrument_ref(*id).filter(|it| lots.size() <= it.position_max)?;
            let cost = it.market.value(it.mark()?, *lots, Rounding::Floor)?;
            self.risk_in(&mut risks, it.underlying).add_position(it, *lots, cost, 1);
        }
        let margin = self.margin_of_risks(self.account(account).model, &risks, None);
        let beyond = if margin.value.is_negative() { Cash::MIN } else { Cash::MAX };
        let equity = self.ledger.balance(Purse::Account(account)).checked_add(margin.value);
        Some((equity.unwrap_or(beyond), margin))
    }
}
