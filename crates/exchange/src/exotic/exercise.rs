//! Exercise of American options before their end: the holder is paid at once, by those who are short in proportion.
//!
//! Of `e` lots that are exercised out of `l` that are open, whoever is short of `s` is assigned `e s / l`: whole lots
//! first, and what is left one by one to the largest remainders, of equals to the account that was opened first (the
//! largest remainder method of Hamilton).
//!
//! Invariant: those who are assigned pay exactly what the holder gets, and lose exactly as many lots; each pays the
//! index's worth rounded down, so that rounding costs the holder. The work is that of looking at the option's holders.

use num::{Cash, Lots, Rounding, Side};
use wire::{Event, Exercise, ExoticStyle, InstrumentId, Outcome, Reject};

use super::intrinsic;
use crate::{
    account::Health, auction::signed, instrument::Instrument, ladder::Use, ledger::AccountIndex,
    name::Contract, state::State, trade::reducible,
};

/// One who is short, and what an exercise takes from him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Assignment {
    account: AccountIndex,
    lots: Lots,
    pays: Cash,
}

impl State {
    /// Pays a holder what so many lots are in the money by.
    pub(crate) fn exercise(
        &mut self,
        account: AccountIndex,
        (have, lots): (InstrumentId, Lots),
    ) -> Result<Outcome, Reject> {
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        let gain = self.check_exercise(account, it, lots)?;
        let assigned = self.assign(it, (account, lots), gain)?;
        self.all_or_nothing(|state| state.write_exercise(account, (have, lots), &assigned))
    }

    /// What a unit pays, if the account may exercise so many lots.
    fn check_exercise(&self, account: AccountIndex, it: &Instrument, lots: Lots) -> Result<Cash, Reject> {
        let Contract::Exotic { strike, right, style: ExoticStyle::American, .. } = it.contract else {
            return Err(Reject::NotAmerican { have: it.id });
        };
        if !it.is_open() || it.has_expired(self.time) {
            return Err(Reject::InstrumentClosed { have: it.id });
        }
        self.check_running()?;
        self.check_rung(it.underlying, Use::Settle)?;
        if self.account(account).health != Health::Sound {
            return Err(Reject::Liquidating);
        }
        let held = reducible(self.account(account).position(it.id), Side::Sell);
        if lots.is_zero() {
            return Err(Reject::LotsZero);
        }
        if lots > held {
            return Err(Reject::ExerciseTooLarge { have: lots, need: held });
        }
        let index = self.underlying(it.underlying).index;
        let gain = intrinsic(right, index, strike);
        if gain.is_positive() { Ok(gain) } else { Err(Reject::NotInTheMoney { have: index, need: strike }) }
    }

    /// Who pays for an exercise, and how much.
    fn assign(
        &self,
        it: &Instrument,
        (holder, lots): (AccountIndex, Lots),
        gain: Cash,
    ) -> Result<Vec<Assignment>, Reject> {
        let holders = it.exotic.iter().flat_map(|life| &life.holders).filter(|other| **other != holder);
        let shorts: Vec<(AccountIndex, u64)> = holders
            .map(|account| (*account, reducible(self.account(*account).position(it.id), Side::Buy).get()))
            .filter(|(_, lots)| *lots > 0)
            .collect();
        let parts = proportional(lots.get(), &shorts);
        let pays = |lots: Lots| it.market.value(gain, signed(Side::Buy, lots), Rounding::Floor);
        let assigned = parts.into_iter().map(|(account, lots)| {
            let lots = Lots::new(lots);
            let too_large = Reject::PositionTooLarge { have: lots, need: it.position_max };
            Ok(Assignment { account, lots, pays: pays(lots).ok_or(too_large)? })
        });
        assigned.collect()
    }

    fn write_exercise(
        &mut self,
        account: AccountIndex,
        (id, lots): (InstrumentId, Lots),
        assigned: &[Assignment],
    ) -> Result<Outcome, Reject> {
        let before = self.margin_of(account).1.initial;
        let too_large = Reject::PositionTooLarge { have: lots, need: self.instrument_at(id).position_max };
        let price = self.underlying(self.instrument_at(id).underlying).index;
        let paid: i128 = assigned.iter().map(|it| i128::from(it.pays.micros())).sum();
        let amount = Cash::from_i128(paid).ok_or(too_large.clone())?;
        let gets =
            amount.checked_neg().and_then(|gets| self.plan_move(account, id, (Side::Sell, lots), gets));
        self.write_side(account, id, &gets.ok_or(too_large.clone())?);
        let exercise = Exercise { lots, price, amount };
        self.emit(Event::Exercised { account: self.account(account).id, instrument: id, exercise });
        for it in assigned {
            let loses = self.plan_move(it.account, id, (Side::Buy, it.lots), it.pays);
            self.write_side(it.account, id, &loses.ok_or(too_large.clone())?);
            let (account, exercise) =
                (self.account(it.account).id, Exercise { lots: it.lots, price, amount: it.pays });
            self.emit(Event::Assigned { account, instrument: id, exercise });
        }
        let (have, margin) = self.margin_of(account);
        if have < margin.initial && margin.initial > before {
            return Err(Reject::MarginTooLow { have, need: margin.initial });
        }
        Ok(Outcome::Done)
    }
}

/// Parts of `amount` in proportion to sizes, whole and without those that are nothing: they add up to the amount, or to
/// all sizes if that is less.
fn proportional(amount: u64, sizes: &[(AccountIndex, u64)]) -> Vec<(AccountIndex, u64)> {
    let whole: u128 = sizes.iter().map(|(_, size)| u128::from(*size)).sum();
    let amount = u128::from(amount).min(whole);
    let share = |size: u64| amount * u128::from(size);
    let mut parts: Vec<(AccountIndex, u128, u128)> = sizes
        .iter()
        .map(|(of, size)| (*of, share(*size) / whole.max(1), share(*size) % whole.max(1)))
        .collect();
    let given: u128 = parts.iter().map(|(_, part, _)| part).sum();
    let left = usize::try_from(amount - given).unwrap_or(parts.len());
    parts.sort_by_key(|(of, _, remainder)| (core::cmp::Reverse(*remainder), *of));
    parts.iter_mut().take(left).for_each(|(_, part, _)| *part += 1);
    parts.sort_by_key(|(of, ..)| *of);
    let counted = parts.into_iter().filter(|(_, part, _)| *part > 0);
    counted.map(|(of, part, _)| (of, u64::try_from(part).unwrap_or(u64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        // Shares of 7 are 3.5, 2.1 and 1.4.
        assert_eq!(proportional(7, &[(4, 5), (2, 3), (9, 2)]), [(2, 2), (4, 4), (9, 1)]);
        assert_eq!(proportional(1, &[(4, 1), (2, 1)]), [(2, 1)], "of equals the first account");
        assert_eq!(proportional(9, &[(1, 2)]), [(1, 2)], "there is no more");
        assert_eq!(proportional(9, &[]), []);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_one_of_their_share(
            amount in 1..1_000_000_u64,
            sizes in proptest::collection::vec(1..1_000_000_u64, 1..20),
        ) {
            let sizes: Vec<(AccountIndex, u64)> = (0..).zip(sizes).collect();
            let whole: u64 = sizes.iter().map(|(_, size)| size).sum();
            let amount = amount.min(whole);
            let parts = proportional(amount, &sizes);
            prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<u64>(), amount);
            for (of, part) in parts {
                let size = sizes[usize::try_from(of).unwrap()].1;
                let share = u128::from(amount) * u128::from(size);
                let (part, whole) = (u128::from(part), u128::from(whole));
                prop_assert!(part <= u128::from(size));
                prop_assert!(part * whole < share + whole && (part + 1) * whole > share);
            }
        }
    }
}
