//! Exercise of American options: the holder is paid what they are in the money by, by those who are short in proportion.

use exchange::name::Contract;
use num::Lots;
use wire::{AccountId, Event, Exercise, ExoticStyle, InstrumentId, Outcome, Reject};

use super::{Marks, ONE, Reference, cash, expiry::intrinsic};

impl Reference {
    pub(super) fn exercise(
        &mut self,
        state: &Marks,
        account: AccountId,
        (have, lots): (InstrumentId, Lots),
    ) -> Result<Outcome, Reject> {
        let it = self.asset(state, have)?.legs[0].it;
        let is_whole = self.asset(state, have)?.alone().is_some();
        let (strike, right) = match it.contract {
            Contract::Exotic { strike, right, style: ExoticStyle::American, .. } if is_whole => {
                (strike, right)
            }
            _ => return Err(Reject::NotAmerican { have }),
        };
        if self.closed.contains(&have) {
            return Err(Reject::InstrumentClosed { have });
        }
        self.check_running()?;
        self.check_health(account)?;
        let need = Lots::new(u64::try_from(self.position(account, have)).unwrap_or(0));
        if lots.is_zero() {
            return Err(Reject::LotsZero);
        }
        if lots > need {
            return Err(Reject::ExerciseTooLarge { have: lots, need });
        }
        let index = self.indices[&it.underlying];
        let gain = intrinsic(right, index, strike);
        if gain == 0 {
            return Err(Reject::NotInTheMoney { have: cash(index), need: strike });
        }
        let saved = self.clone();
        let before = self.judge(state, account, (&[], &[])).initial;
        let size = i128::from(it.market.lot_size().raw());
        let assigned = self.assign(have, lots.get());
        let pays = |lots: u64| (gain * i128::from(lots) * size).div_euclid(ONE);
        let whole: i128 = assigned.iter().map(|(_, lots)| pays(*lots)).sum();
        self.move_holding(it, (account, -i128::from(lots.get())), -whole);
        let told = |lots: u64, amount: i128| {
            (have, Exercise { lots: Lots::new(lots), price: cash(index), amount: cash(amount) })
        };
        let (instrument, exercise) = told(lots.get(), whole);
        self.tell(Event::Exercised { account, instrument, exercise });
        for (account, lots) in assigned {
            self.move_holding(it, (account, lots.into()), pays(lots));
            let (instrument, exercise) = told(lots, pays(lots));
            self.tell(Event::Assigned { account, instrument, exercise });
        }
        let after = self.judge(state, account, (&[], &[]));
        if after.equity < after.initial && after.initial > before {
            self.go_back(saved);
            return Err(Reject::MarginTooLow { have: cash(after.equity), need: cash(after.initial) });
        }
        Ok(Outcome::Done)
    }

    /// Whole lots of each who is short, then one each to the largest remainders, of equals to the older account.
    fn assign(&self, id: InstrumentId, lots: u64) -> Vec<(AccountId, u64)> {
        let short = |id_of: &AccountId| -self.position(*id_of, id);
        let mut shorts: Vec<(usize, AccountId, i128)> =
            self.holders.iter().map(|(of, it)| (it.opened, *of, short(of))).filter(|it| it.2 > 0).collect();
        shorts.sort_unstable();
        let whole: i128 = shorts.iter().map(|(.., size)| size).sum();
        let share = |size: i128| i128::from(lots) * size;
        let given: i128 = shorts.iter().map(|(.., size)| share(*size) / whole).sum();
        let left = usize::try_from(i128::from(lots) - given).expect("no more than are short");
        let mut turn = shorts.clone();
        turn.sort_by_key(|(opened, _, size)| (-(share(*size) % whole), *opened));
        let more: Vec<AccountId> = turn.into_iter().take(left).map(|(_, of, _)| of).collect();
        let parts = shorts.into_iter().map(|(_, of, size)| {
            let part = share(size) / whole + i128::from(more.contains(&of));
            (of, u64::try_from(part).expect("counted"))
        });
        parts.filter(|(_, part)| *part > 0).collect()
    }
}
