//! The Dutch auction of an account whose liquidation the book does not finish.
//!
//! Whoever takes a part of all its positions gets them at their marks, and a reward besides that grows with
//! commit time from nothing to a part of the maintenance margin. The account pays the reward as far as its
//! equity goes, the insurance fund pays the rest. A part is never larger than what brings the account back to
//! its initial margin.
//!
//! Invariant: positions move between two accounts at one price for both; who takes them is margined for them,
//! or nothing has moved.

use num::{Cash, Fix, Lots, Position, Rounding, Side, div_ceil};
use wire::{AccountId, Event, InstrumentId, Outcome, Reject};

use crate::{
    account::Health,
    ladder::Use,
    ledger::{AccountIndex, Purse},
    state::State,
};

/// A part of an account's positions, and what is paid for taking it.
#[derive(Clone, Debug)]
struct Slice {
    part: Fix,
    reward: Cash,
    /// What of the reward the account pays itself.
    own: Cash,
    positions: Vec<(InstrumentId, Position)>,
}

impl State {
    /// Takes a part of an account that is being auctioned.
    pub(crate) fn take_auction(
        &mut self,
        bidder: AccountIndex,
        (of, part, reward_min): (&AccountId, Fix, Cash),
    ) -> Result<Outcome, Reject> {
        let account = self.account_index.get(of).copied().filter(|account| *account != bidder);
        let account = account.ok_or(Reject::NoAuction)?;
        if self.account(bidder).health != Health::Sound {
            return Err(Reject::Liquidating);
        }
        self.check_running()?;
        self.check_rungs(account, Use::Liquidate)?;
        let slice = self.plan_slice(account, part)?;
        if slice.reward < reward_min {
            return Err(Reject::RewardTooLow { have: slice.reward, need: reward_min });
        }
        self.all_or_nothing(|state| state.write_slice(account, bidder, &slice))
    }

    fn plan_slice(&self, account: AccountIndex, part: Fix) -> Result<Slice, Reject> {
        let holder = self.account(account);
        let began = holder.distress.auction.ok_or(Reject::NoAuction)?;
        let (equity, margin) = self.margin_of(account);
        let rules = &self.parameters.liquidation;
        let elapsed = i128::from(self.time.since(began).millis().min(rules.auction_ms));
        let rate = i128::from(rules.reward_billionths) * elapsed / i128::from(rules.auction_ms.max(1));
        let whole = i128::from(margin.maintenance.micros()) * rate / i128::from(Fix::SCALE);
        let need = healing_part((equity, margin.initial), whole);
        if part <= Fix::ZERO || part > need {
            return Err(Reject::PartOutOfRange { have: part, need });
        }
        let reward = Cash::from_i128(whole * i128::from(part.raw()) / i128::from(Fix::SCALE));
        let reward = reward.unwrap_or(Cash::MAX);
        let own = reward.min(equity.max(Cash::ZERO));
        let rest = reward.checked_sub(own).unwrap_or(Cash::ZERO);
        let fund = rest.min(self.ledger.balance(self.fund_of(account))).max(Cash::ZERO);
        let reward = own.checked_add(fund).unwrap_or(own);
        let open = holder.holdings.iter().filter(|(id, _)| self.instrument_at(**id).is_open());
        let positions = open.map(|(id, holding)| (*id, part_of(holding.position, part))).collect();
        Ok(Slice { part, reward, own, positions })
    }

    fn write_slice(
        &mut self,
        account: AccountIndex,
        bidder: AccountIndex,
        slice: &Slice,
    ) -> Result<Outcome, Reject> {
        for (id, position) in &slice.positions {
            self.check_trading(self.instrument_at(*id))?;
            self.check_pool(bidder, self.instrument_at(*id))?;
            let need = self.instrument_at(*id).position_max;
            let paid = self.value_at_mark(*id, *position).ok_or(Reject::NoMark { have: *id })?;
            self.transfer_position((account, bidder), *id, (*position, paid))
                .ok_or(Reject::PositionTooLarge { have: position.size(), need })?;
        }
        let fund = slice.reward.checked_sub(slice.own).unwrap_or(Cash::ZERO);
        self.pay(Purse::Account(account), Purse::Account(bidder), slice.own);
        self.pay(self.fund_of(account), Purse::Account(bidder), fund);
        let (have, margin) = self.margin_of(bidder);
        if have < margin.initial {
            return Err(Reject::MarginTooLow { have, need: margin.initial });
        }
        let (account, bidder) = (self.account(account).id, self.account(bidder).id);
        let (part, reward) = (slice.part, slice.reward);
        self.emit(Event::AuctionTaken { account, bidder, part, reward, fund });
        Ok(Outcome::Done)
    }

    /// What a position is worth at its mark, rounded down.
    pub(crate) fn value_at_mark(&self, id: InstrumentId, position: Position) -> Option<Cash> {
        let it = self.instrument_at(id);
        it.market.value(it.mark()?, position, Rounding::Floor)
    }

    /// Moves a position from one account to another for so much money: the same for both. `None`, and
    /// nothing has moved, when a side cannot be counted any more.
    pub(crate) fn transfer_position(
        &mut self,
        (from, to): (AccountIndex, AccountIndex),
        id: InstrumentId,
        (position, paid): (Position, Cash),
    ) -> Option<()> {
        let Some(side) = position.side() else { return Some(()) };
        let buys = self.plan_move(to, id, (side, position.size()), paid)?;
        let sells = self.plan_move(from, id, (side.opposite(), position.size()), paid.checked_neg()?)?;
        self.write_side(to, id, &buys);
        self.write_side(from, id, &sells);
        let (from, to) = (self.account(from).id, self.account(to).id);
        self.emit(Event::PositionTransferred { from, to, instrument: id, position, paid });
        Some(())
    }
}

/// The part that brings an account back to its initial margin, a billionth at least: what is left of the
/// equity once the reward is paid covers what is left of the margin.
fn healing_part((equity, initial): (Cash, Cash), reward: i128) -> Fix {
    let (equity, initial) = (i128::from(equity.micros()), i128::from(initial.micros()));
    let relief = initial - reward;
    let lacking = (initial - equity).max(0);
    if equity <= 0 || relief <= lacking {
        return Fix::ONE;
    }
    let part = div_ceil(lacking * i128::from(Fix::SCALE), relief).and_then(|part| i64::try_from(part).ok());
    part.map_or(Fix::ONE, |part| Fix::from_raw(part.max(1)))
}

/// A part of a position, rounded away from nothing so that every step gets somewhere.
fn part_of(position: Position, part: Fix) -> Position {
    let size = i128::from(position.size().get()) * i128::from(part.raw());
    let lots = div_ceil(size, i128::from(Fix::SCALE)).and_then(|lots| i64::try_from(lots).ok());
    let lots = lots.unwrap_or(i64::MAX);
    Position::new(if position.side() == Some(Side::Sell) { -lots } else { lots })
}

/// So many lots on a side.
pub(crate) fn signed(side: Side, lots: Lots) -> Position {
    Position::new(side.sign() * i64::try_from(lots.get()).unwrap_or(i64::MAX))
}
