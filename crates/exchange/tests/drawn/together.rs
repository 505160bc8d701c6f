//! Combos and block trades that only look drawn.

use num::{Lots, Side, Timestamp};
use wire::{Action, BlockLeg, BlockTerms, Boxed, ComboLeg, InstrumentId, List};

use super::{Drawing, orders::any_price};
use crate::support::*;

impl Drawing<'_> {
    /// Two to four legs, often of one underlying and with ratios of one.
    pub(super) fn combo(&mut self) -> Action {
        let known = [[0, 1], [2, 3], [2, 4], [5, 6]];
        let pair = self.draw.of(&known);
        let mut legs: Vec<InstrumentId> = pair.map(InstrumentId).to_vec();
        legs.extend((0..self.draw.below(3)).map(|_| self.instrument()));
        let ratio = |it: &mut Self| {
            if it.draw.one_in(4) { it.draw.between(-11, 11) } else { it.draw.of(&[1, -1, 2]) }
        };
        let legs = legs.into_iter().map(|instrument| ComboLeg { instrument, ratio: ratio(self) });
        Action::CreateCombo { legs: List::new(legs.collect()).unwrap() }
    }

    /// What another offers to this user, mostly in order.
    pub(super) fn block(&mut self) -> Action {
        let maker = u8::try_from(1 + self.draw.below(5)).unwrap();
        let legs = (0..=self.draw.below(3)).map(|_| self.block_leg());
        let legs: Vec<BlockLeg> = legs.collect();
        let signer = if self.draw.one_in(12) { 70 } else { maker };
        let terms = BlockTerms {
            network: network(),
            maker: account(maker),
            key: account(signer).owner,
            nonce: self.nonce - self.draw.below(2),
            taker: self.draw.maybe(8, |draw| account(u8::try_from(1 + draw.below(5)).unwrap())),
            valid_until: if self.draw.one_in(12) { self.time() } else { Timestamp::MAX },
            legs: List::new(if self.draw.one_in(30) { Vec::new() } else { legs }).unwrap(),
        };
        let forged = self.draw.one_in(30);
        Action::TakeBlock { offer: Boxed::new(terms.sign(&key(if forged { 99 } else { signer }))) }
    }

    fn block_leg(&mut self) -> BlockLeg {
        let id = InstrumentId(u32::try_from(self.draw.below(7)).unwrap());
        let exotics = self.exotics();
        let instrument = match self.draw.below(12) {
            0 => self.instrument(),
            1..7 if !exotics.is_empty() => self.draw.of(&exotics),
            _ => id,
        };
        let price = any_price(self, instrument);
        let side = self.draw.of(&[Side::Buy, Side::Sell]);
        let lots = if self.draw.one_in(20) { self.draw.below(2_000) } else { 1 + self.draw.below(40) };
        BlockLeg { instrument, side, price, lots: Lots::new(lots) }
    }
}
