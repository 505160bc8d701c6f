//! Positions that went from one account to another without a trade: parts of an account that was auctioned, and those of
//! a bankrupt one that were closed against the other side.
//!
//! Invariant: a transfer is in the logs of both accounts, at one price; the event after it says why.

use exchange::State;
use num::{Cash, Fix, Position, Side};
use wire::{AccountId, Event, InstrumentId};

use crate::{
    history::{Entry, TradeEntry, Why, side_word},
    view::View,
};

use super::Changes;

/// A position that changed hands for so much money.
#[derive(Debug)]
pub(super) struct Transfer {
    from: AccountId,
    to: AccountId,
    instrument: InstrumentId,
    position: Position,
    paid: Cash,
}

impl View {
    pub(super) fn note_transfer(&mut self, event: &Event, changes: &mut Changes) {
        match event {
            Event::PositionTransferred { from, to, instrument, position, paid } => {
                let (from, to, instrument) = (*from, *to, *instrument);
                changes.transfers.push(Transfer { from, to, instrument, position: *position, paid: *paid });
            }
            Event::Deleveraged { .. } => self.note_transfers(Why::Deleveraging, changes),
            Event::AuctionTaken { account, bidder, reward, fund, .. } => {
                self.note_transfers(Why::Auction, changes);
                let own = reward.checked_sub(*fund).and_then(Cash::checked_neg).unwrap_or(Cash::ZERO);
                self.note_reward((*account, own), changes);
                self.note_reward((*bidder, *reward), changes);
            }
            _ => {}
        }
    }

    /// In the first moment of an auction there is none.
    fn note_reward(&self, (account, change): (AccountId, Cash), changes: &mut Changes) {
        if change != Cash::ZERO {
            self.log(account, Why::AuctionReward, change, changes);
        }
    }

    fn note_transfers(&mut self, why: Why, changes: &mut Changes) {
        for transfer in core::mem::take(&mut changes.transfers) {
            let minus = transfer.paid.checked_neg().unwrap_or(transfer.paid);
            self.note_side(&transfer, (transfer.to, Side::Buy, transfer.paid), (why, changes));
            self.note_side(&transfer, (transfer.from, Side::Sell, minus), (why, changes));
        }
    }

    /// One account's part: a side of the position as it was held, and what is paid for that.
    fn note_side(
        &mut self,
        transfer: &Transfer,
        (account, side, paid): (AccountId, Side, Cash),
        (why, changes): (Why, &mut Changes),
    ) {
        let Some(it) = self.state.instrument(transfer.instrument) else { return };
        let (units, is_option) = (State::units(it, transfer.position), it.is_option());
        let (mark, index) = (it.mark(), self.state.underlying_of(it.underlying).map(|it| it.index));
        let size = if side == Side::Buy { units } else { Fix::from_raw(-units.raw()) };
        let (profit, position) = self.history.transferred(account, transfer.instrument, (size, paid));
        // An option is paid for when it changes hands, a future when it closes.
        let change = if is_option { paid.checked_neg().unwrap_or(Cash::ZERO) } else { profit };
        let mut entry = Entry::new((account, self.now_ms()), why, change);
        let bought = if size < Fix::ZERO { Side::Sell } else { Side::Buy };
        entry.trade = Some(TradeEntry {
            filled: None,
            instrument: transfer.instrument,
            side: side_word(bought, position),
            amount: Fix::from_raw(size.raw().saturating_abs()),
            contracts: transfer.position.size().get(),
            price: unit_price(transfer.paid, units),
            mark,
            index,
            position,
            profit,
        });
        changes.log.push(entry);
        changes.accounts.insert(account);
    }
}

/// What was paid for one unit.
fn unit_price(paid: Cash, units: Fix) -> Cash {
    let whole = i128::from(paid.micros()) * i128::from(Fix::SCALE);
    num::div_half_even(whole, i128::from(units.raw())).and_then(Cash::from_i128).unwrap_or(Cash::ZERO)
}
