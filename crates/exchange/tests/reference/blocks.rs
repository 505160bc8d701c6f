//! Block trades: an offer that its maker signed, all legs at once or none, each by the rules of an order.

use crypto::verify_batch;
use num::{Lots, Side};
use wire::{
    AccountId, BlockLeg, BlockOffer, Event, OrderId, Outcome, Permission, Reject, TradeEvent, TradeKind,
};

use super::{Marks, Reference, cash, matching::Role};
use crate::support::network;

impl Reference {
    pub(super) fn take_block(
        &mut self,
        state: &Marks,
        taker: AccountId,
        offer: &BlockOffer,
    ) -> Result<Outcome, Reject> {
        self.check_offer(taker, offer)?;
        let saved = self.clone();
        let done = self.trade_block(state, taker, offer);
        if done.is_err() {
            self.go_back(saved);
        }
        done.map(|()| Outcome::Done)
    }

    fn check_offer(&self, taker: AccountId, offer: &BlockOffer) -> Result<(), Reject> {
        let it = &offer.terms;
        if it.network != network() {
            return Err(Reject::WrongNetwork { have: it.network, need: network() });
        }
        let is_signed = verify_batch(&[offer.claim(&it.digest())]) == [true];
        let session = self.keys.get(&(it.maker, it.key));
        let may_offer = it.key == it.maker.owner
            || session.is_some_and(|(may, until)| *may == Permission::Trade && *until >= self.now);
        let is_other = self.holders.contains_key(&it.maker) && it.maker != taker;
        if it.legs.is_empty() || !is_signed || !is_other || !may_offer {
            return Err(Reject::OfferUnsigned);
        }
        if it.taker.is_some_and(|of| of != taker) {
            return Err(Reject::OfferNotForAccount);
        }
        if it.valid_until < self.now {
            return Err(Reject::Expired { have: it.valid_until, need: self.now });
        }
        self.check_nonce((it.maker, it.key), it.nonce)
    }

    fn trade_block(&mut self, state: &Marks, taker: AccountId, offer: &BlockOffer) -> Result<(), Reject> {
        let it = &offer.terms;
        let both = [it.maker, taker];
        let before = both.map(|account| self.judge(state, account, (&[], &[])).initial);
        for leg in &it.legs {
            for (account, side) in [(it.maker, leg.side), (taker, leg.side.opposite())] {
                self.check_leg(state, (account, side), leg)?;
            }
            self.trade_block_leg(state, both, leg)?;
        }
        for (account, before) in both.into_iter().zip(before) {
            let after = self.judge(state, account, (&[], &[]));
            if after.equity < after.initial && after.initial > before {
                return Err(Reject::MarginTooLow { have: cash(after.equity), need: cash(after.initial) });
            }
        }
        self.nonces.entry((it.maker, it.key)).or_default().insert(it.nonce);
        Ok(())
    }

    fn check_leg(
        &self,
        state: &Marks,
        (account, side): (AccountId, Side),
        leg: &BlockLeg,
    ) -> Result<(), Reject> {
        let it = self.asset(state, leg.instrument)?;
        if it.is_combo {
            return Err(Reject::ComboInOffer { have: it.id });
        }
        self.check_open(&it)?;
        self.check_pool(state, account, it.underlying)?;
        self.check_lots(leg.lots)?;
        self.check_price(&it, leg.price)?;
        self.check_health(account)?;
        self.check_position(account, &it, (side, leg.lots.get()))
    }

    fn trade_block_leg(
        &mut self,
        state: &Marks,
        [maker, taker]: [AccountId; 2],
        leg: &BlockLeg,
    ) -> Result<(), Reject> {
        let it = self.asset(state, leg.instrument)?.alone().expect("it is no combo");
        let size = leg.lots.get();
        let moves = [(maker, leg.side, size), (taker, leg.side.opposite(), size)];
        if self.is_too_open(it.id, &moves) {
            let (have, need) = (self.open_interest(it.id), self.genesis.limits.open_interest_lots_max);
            return Err(Reject::OpenInterestLimit { have, need });
        }
        let terms = (leg.price.get(), size);
        let fees = [Role::Maker, Role::Taker].map(|role| self.fee(it, terms, role));
        for ((account, side, _), fee) in moves.into_iter().zip(fees) {
            self.pay(it, (account, side), terms);
            self.holder(account).balance -= fee;
            self.fees += fee;
        }
        let (maker_order, taker_order) = (OrderId(self.number()), OrderId(self.number()));
        let trade = TradeEvent {
            instrument: it.id,
            price: leg.price,
            lots: Lots::new(size),
            taker_side: leg.side.opposite(),
            taker,
            taker_order,
            taker_fee: cash(fees[1]),
            maker,
            maker_order,
            maker_fee: cash(fees[0]),
            kind: TradeKind::Block,
        };
        self.tell(Event::Traded { trade });
        Ok(())
    }
}
