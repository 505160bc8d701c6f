//! Deleveraging: the last resort, when nobody takes a bankrupt account and the fund does not reach.
//!
//! The fund pays what it can. What still lacks is spread over the account's positions by their notional, and
//! each position is closed against those who hold the other side, pro rata, at a price that is worse than the
//! mark by exactly that.
//!
//! Invariant: what is taken from all of them together is never more than the shortfall; nobody who is being
//! liquidated or owns nothing is asked; nobody's position grows.

use num::{Cash, Lots, Rounding, Side};
use wire::{Event, InstrumentId};

use crate::{
    account::Health,
    auction::signed,
    ledger::{AccountIndex, Purse},
    state::State,
    trade::reducible,
};

/// One position of a bankrupt account, and what of the shortfall it bears.
#[derive(Clone, Copy, Debug)]
struct Burden {
    instrument: InstrumentId,
    side: Side,
    lots: Lots,
    shortfall: Cash,
}

impl State {
    /// Closes a bankrupt account against the other side of its positions.
    pub(crate) fn deleverage(&mut self, account: AccountIndex) {
        self.pay_shortfall(account);
        let (equity, _) = self.margin_of(account);
        let shortfall = equity.checked_neg().unwrap_or(Cash::MAX).max(Cash::ZERO);
        for burden in self.spread(account, shortfall) {
            self.close_against_others(account, burden);
        }
    }

    /// The fund pays what an account lacks, as far as it goes.
    fn pay_shortfall(&mut self, account: AccountIndex) {
        let (equity, _) = self.margin_of(account);
        let lacks = equity.checked_neg().unwrap_or(Cash::MAX);
        let amount = lacks.min(self.ledger.balance(self.fund_of(account)));
        if amount.is_positive() {
            self.pay(self.fund_of(account), Purse::Account(account), amount);
            let (id, fund) = (self.account(account).id, self.ledger.balance(self.fund_of(account)));
            self.emit(Event::InsurancePaid { account: id, amount, fund });
        }
    }

    /// The account's open positions, with parts of the shortfall by notional that add up to it or less.
    fn spread(&self, account: AccountIndex, shortfall: Cash) -> Vec<Burden> {
        let notional = |id: &InstrumentId, lots: Lots| {
            let it = self.instrument_at(*id);
            let index = self.underlying(it.underlying).index;
            let value = it.market.value(index, signed(Side::Buy, lots), Rounding::Floor);
            i128::from(value.unwrap_or(Cash::MAX).micros())
        };
        let holdings = self.account(account).holdings.iter();
        let open: Vec<(InstrumentId, Side, Lots, i128)> = holdings
            .filter(|(id, _)| self.instrument_at(**id).is_open())
            .filter_map(|(id, holding)| {
                let lots = holding.position.size();
                Some((*id, holding.position.side()?, lots, notional(id, lots)))
            })
            .collect();
        let whole: i128 = open.iter().map(|it| it.3).sum();
        let part = |of: i128| {
            num::div_floor(i128::from(shortfall.micros()) * of, whole.max(1)).and_then(Cash::from_i128)
        };
        let burden = |(instrument, side, lots, of): (InstrumentId, Side, Lots, i128)| Burden {
            instrument,
            side,
            lots,
            shortfall: part(of).unwrap_or(Cash::ZERO),
        };
        open.into_iter().map(burden).collect()
    }

    fn close_against_others(&mut self, account: AccountIndex, burden: Burden) {
        let id = burden.instrument;
        let others = self.other_side(account, id, burden.side);
        let held: u64 = others.iter().map(|(_, lots)| lots.get()).sum();
        let mut open = burden.lots.get().min(held);
        let whole = open;
        let mut owed = burden.shortfall.micros();
        let mut left = held;
        for (other, lots) in others {
            // What is left to close, over what is left to hold it: the rounding of one goes to the next.
            let share = share_of(open, lots.get(), left);
            left -= lots.get();
            let taken = i64::try_from(share_of(owed.unsigned_abs(), share, open)).unwrap_or(i64::MAX);
            if share > 0 && self.close_with(account, other, (burden, Lots::new(share)), taken).is_some() {
                owed -= taken;
            }
            open -= share;
        }
        debug_assert!(open == 0 || whole == 0, "the last of them takes what is left");
    }

    /// Sound accounts with equity that hold the other side, by account.
    fn other_side(&self, account: AccountIndex, id: InstrumentId, side: Side) -> Vec<(AccountIndex, Lots)> {
        let accounts = 0..AccountIndex::try_from(self.accounts.len()).unwrap_or(AccountIndex::MAX);
        let holding = accounts.filter(|other| *other != account).filter_map(|other| {
            let holder = self.account(other);
            let lots = reducible(holder.position(id), side);
            (!lots.is_zero() && holder.health == Health::Sound).then_some((other, lots))
        });
        holding.filter(|(other, _)| self.margin_of(*other).0.is_positive()).collect()
    }

    /// Closes lots of a burden with one account, which gives up `taken` against the mark.
    fn close_with(
        &mut self,
        account: AccountIndex,
        other: AccountIndex,
        (burden, lots): (Burden, Lots),
        taken: i64,
    ) -> Option<()> {
        let (id, position) = (burden.instrument, signed(burden.side, lots));
        let paid = self.value_at_mark(id, position)?.checked_add(Cash::from_micros(taken))?;
        self.transfer_position((account, other), id, (position, paid))?;
        let (account, counterparty) = (self.account(account).id, self.account(other).id);
        let taken = Cash::from_micros(taken);
        self.emit(Event::Deleveraged { account, counterparty, instrument: id, lots, taken });
        Some(())
    }
}

/// `amount * part / whole`, rounded down; nothing of nothing.
fn share_of(amount: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(amount) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}
