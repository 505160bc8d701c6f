//! The Dutch auction of an account: parts of all its positions at their marks, for a reward that grows.

use num::{Cash, Fix};
use wire::{AccountId, Event, InstrumentId, Outcome, Reject};

use super::{Marks, ONE, Reference, cash, ceil, lots};

/// What a position is moved for.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Alone,
    /// So much more, in micros.
    And(i128),
}

/// What a part of an account's positions is taken for: by itself, and by its pool's fund.
struct Reward {
    own: i128,
    fund: i128,
}

impl Reference {
    pub(super) fn take_auction(
        &mut self,
        state: &Marks,
        bidder: AccountId,
        (of, part, reward_min): (AccountId, Fix, Cash),
    ) -> Result<Outcome, Reject> {
        if of == bidder || !self.holders.contains_key(&of) {
            return Err(Reject::NoAuction);
        }
        if self.holders[&bidder].distress.is_some() {
            return Err(Reject::Liquidating);
        }
        self.check_running()?;
        let Reward { own, fund } = self.reward(state, of, part)?;
        let have = cash(own + fund);
        if have < reward_min {
            return Err(Reject::RewardTooLow { have, need: reward_min });
        }
        let saved = self.clone();
        let moved = self.move_part(state, (of, bidder), part).and_then(|()| {
            self.holder(of).balance -= own;
            *self.funds.get_mut(&saved.holders[&of].pool).expect("of genesis") -= fund;
            self.holder(bidder).balance += own + fund;
            let judged = self.judge(state, bidder, (&[], &[]));
            let (have, need) = (cash(judged.equity), cash(judged.initial));
            if have < need { Err(Reject::MarginTooLow { have, need }) } else { Ok(()) }
        });
        if let Err(reject) = moved {
            self.go_back(saved);
            return Err(reject);
        }
        self.tell(Event::AuctionTaken { account: of, bidder, part, reward: have, fund: cash(fund) });
        Ok(Outcome::Done)
    }

    /// A reward that grows to a part of the maintenance margin; never for more than what heals the account.
    fn reward(&self, state: &Marks, of: AccountId, part: Fix) -> Result<Reward, Reject> {
        let holder = &self.holders[&of];
        let began = holder.distress.and_then(|it| it.auction).ok_or(Reject::NoAuction)?;
        let (rules, judged) = (&self.genesis.liquidation, self.judge(state, of, (&[], &[])));
        let elapsed = i128::from(self.now.since(began).millis().min(rules.auction_ms));
        let rate = i128::from(rules.reward_billionths) * elapsed / i128::from(rules.auction_ms);
        let whole = judged.maintenance * rate / ONE;
        let (relief, lacking) = (judged.initial - whole, (judged.initial - judged.equity).max(0));
        let need =
            if judged.equity <= 0 || relief <= lacking { ONE } else { ceil(lacking * ONE, relief).max(1) };
        let taken = i128::from(part.raw());
        if taken <= 0 || taken > need {
            let need = Fix::from_raw(i64::try_from(need).expect("at most one"));
            return Err(Reject::PartOutOfRange { have: part, need });
        }
        let reward = whole * taken / ONE;
        let own = reward.min(judged.equity.max(0));
        Ok(Reward { own, fund: (reward - own).min(self.funds[&holder.pool]).max(0) })
    }

    fn move_part(
        &mut self,
        state: &Marks,
        (of, bidder): (AccountId, AccountId),
        part: Fix,
    ) -> Result<(), Reject> {
        let held: Vec<(InstrumentId, i128)> =
            self.holders[&of].holdings.iter().map(|(id, it)| (*id, it.position)).collect();
        for (id, position) in held.into_iter().filter(|(id, _)| !self.closed.contains(id)).collect::<Vec<_>>()
        {
            let size = ceil(position.abs() * i128::from(part.raw()), ONE);
            self.check_trading(id)?;
            self.check_pool(state, bidder, self.asset(state, id)?.underlying)?;
            self.transfer_position(state, (of, bidder), ((id, size * position.signum()), Mark::Alone))?;
        }
        Ok(())
    }

    /// Moves lots from one account to another at the mark, rounded down; nothing where one cannot be counted any more.
    pub(super) fn transfer_position(
        &mut self,
        state: &Marks,
        (from, to): (AccountId, AccountId),
        ((id, position), price): ((InstrumentId, i128), Mark),
    ) -> Result<(), Reject> {
        let asset = self.asset(state, id)?;
        let it = asset.alone().expect("nobody holds a combo");
        let more = match price {
            Mark::Alone => 0,
            Mark::And(more) => more,
        };
        let paid = (asset.mark() * position * asset.lot).div_euclid(ONE) + more;
        let most = i128::from(it.position_max.get());
        for (account, position) in [(to, position), (from, -position)] {
            let before = self.position(account, id);
            let after = (before + position).abs();
            if after > before.abs() && after > most {
                let have = lots(u64::try_from(position.abs()).expect("counted"));
                return Err(Reject::PositionTooLarge { have, need: it.position_max });
            }
        }
        self.move_holding(it, (to, position), paid);
        self.move_holding(it, (from, -position), -paid);
        let (position, paid) = (num::Position::new(i64::try_from(position).expect("counted")), cash(paid));
        self.tell(Event::PositionTransferred { from, to, instrument: id, position, paid });
        Ok(())
    }
}
