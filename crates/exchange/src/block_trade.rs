//! Block trades: legs that two accounts agreed on beside the books, all at once or not at all.
//!
//! A maker signs an offer, for one account or for whoever takes it, and gives it to whom it likes: the answer to a
//! request for a quote, or one half of a bilateral trade. The taker's intent carries it. Any mix of instruments of one
//! pool makes a leg each, so a combination of options trades at one price for all.
//!
//! Invariant: every leg follows the rules of an order: open markets, price bands, limits of lots, positions and open
//! interest. Both sides cover their initial margin afterwards, or need no more than before, or nothing has happened.
//! An offer trades once.
//! Left out on purpose: who asks whom. That needs no consensus.

use crypto::verify_batch;
use num::{Cash, Side};
use wire::{BlockLeg, BlockOffer, Event, Outcome, Permission, Reject, TradeEvent, TradeKind};

use crate::{
    account::Health,
    ledger::{AccountIndex, Purse},
    nonce::{NonceError, NonceWindow},
    state::State,
};

impl State {
    /// Takes a maker's offer.
    pub(crate) fn take_block(&mut self, taker: AccountIndex, offer: &BlockOffer) -> Result<Outcome, Reject> {
        let maker = self.check_offer(taker, offer)?;
        self.all_or_nothing(|state| state.write_block((maker, taker), offer))
    }

    /// Whose offer it is, if it can be taken.
    fn check_offer(&self, taker: AccountIndex, offer: &BlockOffer) -> Result<AccountIndex, Reject> {
        let terms = &offer.terms;
        if terms.network != self.parameters.network {
            return Err(Reject::WrongNetwork { have: terms.network, need: self.parameters.network });
        }
        let digest = terms.digest();
        if terms.legs.is_empty() || verify_batch(&[offer.claim(&digest)]) != [true] {
            return Err(Reject::OfferUnsigned);
        }
        let maker = self.account_index.get(&terms.maker).copied();
        let maker = maker.filter(|maker| *maker != taker && self.may_offer(*maker, offer));
        let maker = maker.ok_or(Reject::OfferUnsigned)?;
        if terms.taker.is_some_and(|of| of != self.account(taker).id) {
            return Err(Reject::OfferNotForAccount);
        }
        if terms.valid_until < self.time {
            return Err(Reject::Expired { have: terms.valid_until, need: self.time });
        }
        let (have, fresh) = (terms.nonce, NonceWindow::default());
        let window = self.nonces.get(&(maker, terms.key)).unwrap_or(&fresh);
        window.check(have).map_err(|error| match error {
            NonceError::TooOld { need } => Reject::NonceTooOld { have, need },
            NonceError::Used => Reject::NonceUsed { have },
            NonceError::TooLarge => Reject::NonceTooLarge { have },
        })?;
        Ok(maker)
    }

    /// Whether the key that signed may trade for the maker now.
    fn may_offer(&self, maker: AccountIndex, offer: &BlockOffer) -> bool {
        let key = offer.terms.key;
        key == self.account(maker).id.owner
            || self
                .keys
                .get(&(maker, key))
                .is_some_and(|it| it.permission == Permission::Trade && it.valid_until >= self.time)
    }

    fn write_block(
        &mut self,
        (maker, taker): (AccountIndex, AccountIndex),
        offer: &BlockOffer,
    ) -> Result<Outcome, Reject> {
        let before = [maker, taker].map(|account| self.margin_of(account).1.initial);
        for leg in &offer.terms.legs {
            self.check_leg((maker, leg.side), leg)?;
            self.check_leg((taker, leg.side.opposite()), leg)?;
            self.write_leg((maker, taker), leg)?;
        }
        for (account, before) in [maker, taker].into_iter().zip(before) {
            let (have, margin) = self.margin_of(account);
            if have < margin.initial && margin.initial > before {
                return Err(Reject::MarginTooLow { have, need: margin.initial });
            }
        }
        let place = (maker, offer.terms.key);
        self.keep_nonces(place);
        self.nonces.entry(place).or_default().accept(offer.terms.nonce);
        Ok(Outcome::Done)
    }

    fn check_leg(&self, (account, side): (AccountIndex, Side), leg: &BlockLeg) -> Result<(), Reject> {
        let have = leg.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        if it.is_combo() {
            return Err(Reject::ComboInOffer { have });
        }
        self.check_open(it)?;
        self.check_pool(account, it)?;
        self.check_lots(leg.lots)?;
        self.check_limit(it, leg.price)?;
        if self.account(account).health != Health::Sound {
            return Err(Reject::Liquidating);
        }
        self.check_position(account, it, (side, leg.lots))
    }

    fn write_leg(
        &mut self,
        (maker, taker): (AccountIndex, AccountIndex),
        leg: &BlockLeg,
    ) -> Result<(), Reject> {
        let (made, taken) = self.plan_leg((maker, taker), leg)?;
        let fees = (made.fee(), taken.fee());
        for (account, side) in [(maker, &made), (taker, &taken)] {
            self.write_side(account, leg.instrument, side);
            self.pay(Purse::Account(account), Purse::Fees, side.fee());
        }
        self.trades += 1;
        let (maker_order, taker_order) = (self.next_order_id(), self.next_order_id());
        let (maker_fee, taker_fee): (Cash, Cash) = fees;
        let trade = TradeEvent {
            instrument: leg.instrument,
            price: leg.price,
            lots: leg.lots,
            taker_side: leg.side.opposite(),
            taker: self.account(taker).id,
            taker_order,
            taker_fee,
            maker: self.account(maker).id,
            maker_order,
            maker_fee,
            kind: TradeKind::Block,
        };
        self.emit(Event::Traded { trade });
        Ok(())
    }
}
