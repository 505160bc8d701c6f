//! Trades: of books, of blocks beside them, and of combos with their legs.
//!
//! Invariant: a combo's trade has its number before those of its legs, and is remembered with all of them; money and
//! positions are the legs'.

use exchange::State;
use num::{Cash, Fix, Lots, Rounding, Side, Ticks};
use wire::{AccountId, ComboMaker, ComboTrade, InstrumentId, OrderId, TradeEvent, TradeKind};

use crate::{
    history::{Entry, Filled, TradeEntry, Why, side_word},
    model::{Fill, Liquidity, PartOf, Trade},
    view::View,
};

use super::Changes;

/// Trades beside the books that were agreed on together: those of one pair of accounts that follow each other, until an
/// instrument comes again.
#[derive(Debug)]
pub(super) struct Block {
    first: u64,
    maker: AccountId,
    taker: AccountId,
    instruments: Vec<InstrumentId>,
}

/// A trade of whole combos, and those of its legs as far as they were told.
#[derive(Debug)]
pub(super) struct ComboTrading {
    event: ComboTrade,
    legs: Vec<TradeEvent>,
}

/// One account's part in a trade.
#[derive(Clone, Copy, Debug)]
struct Party {
    account: AccountId,
    order: OrderId,
    side: Side,
    fee: Cash,
    liquidity: Liquidity,
}

impl Changes {
    /// The number of the block that a trade is of; its own number where it begins one.
    fn block_of(&mut self, event: &TradeEvent, number: u64) -> Option<u64> {
        if event.kind != TradeKind::Block {
            self.block = None;
            return None;
        }
        let instrument = event.instrument;
        let goes_on = |block: &&mut Block| {
            (block.maker, block.taker) == (event.maker, event.taker)
                && !block.instruments.contains(&instrument)
        };
        if let Some(block) = self.block.as_mut().filter(goes_on) {
            block.instruments.push(instrument);
            return Some(block.first);
        }
        let (maker, taker) = (event.maker, event.taker);
        self.block = Some(Block { first: number, maker, taker, instruments: vec![instrument] });
        Some(number)
    }
}

impl View {
    pub(super) fn note_trade(&mut self, event: &TradeEvent, changes: &mut Changes) {
        let sizes = self.sizes(event.instrument, (event.price, event.lots));
        for order in [event.taker_order, event.maker_order] {
            sizes
                .into_iter()
                .for_each(|(_, amount, value)| self.note_filled(order, (amount, value), changes));
        }
        if event.kind == TradeKind::Combo
            && let Some(combo) = &mut changes.combo
        {
            combo.legs.push(event.clone());
            return;
        }
        self.note_combo_done(changes);
        if let Some(trade) = self.read_trade(event, changes) {
            let trade = self.history.trade(trade);
            self.note_parties(trade, &parties(event), changes);
        }
    }

    /// Whole combos that orders traded; the trades of their legs follow.
    pub(super) fn note_combo_trade(&mut self, event: &ComboTrade, changes: &mut Changes) {
        self.note_combo_done(changes);
        let maker = match event.maker {
            ComboMaker::Order { order, .. } => Some(order),
            ComboMaker::Legs => None,
        };
        if let Some((_, amount, value)) = self.sizes(event.instrument, (event.price, event.lots)) {
            for order in core::iter::once(event.taker_order).chain(maker) {
                self.note_filled(order, (amount, value), changes);
            }
        }
        changes.combo = Some(ComboTrading { event: event.clone(), legs: Vec::new() });
    }

    /// Remembers a trade of combos once its legs are known.
    pub(super) fn note_combo_done(&mut self, changes: &mut Changes) {
        let Some(ComboTrading { event, legs: told }) = changes.combo.take() else { return };
        let part = PartOf { combo: event.instrument, trade: self.history.number() };
        let mut legs = Vec::with_capacity(told.len());
        for leg in &told {
            if let Some(trade) = self.read_trade(leg, changes) {
                legs.push((self.history.trade(Trade { combo: Some(part), ..trade }), leg));
            }
        }
        if let Some(trade) = self.read_combo_trade(&event) {
            let legs = legs.iter().map(|(leg, _)| leg.clone()).collect();
            let trade = self.history.trade(Trade { id: part.trade, legs, ..trade });
            self.note_parties(trade, &combo_parties(&event, &told), changes);
        }
        for (trade, leg) in legs {
            self.note_parties(trade, &parties(leg), changes);
        }
    }

    /// Price of one unit, amount and worth of a trade.
    fn sizes(&self, id: InstrumentId, (price, lots): (Ticks, Lots)) -> Option<(Cash, Fix, Cash)> {
        let it = self.state.instrument(id)?;
        let value = it.market.notional(price, lots, Rounding::HalfEven)?;
        Some((it.market.price(price)?, State::amount(it, lots), value))
    }

    fn read_trade(&self, event: &TradeEvent, changes: &mut Changes) -> Option<Trade> {
        let it = self.state.instrument(event.instrument)?;
        let trade = self.plain_trade(event.instrument, event.taker_side, (event.price, event.lots))?;
        let forward = it.valuation.as_ref().filter(|_| it.is_option()).map(|it| it.forward);
        let implied = |shown| self.implied_vol(shown, forward, trade.price);
        Some(Trade {
            is_liquidation: event.kind == TradeKind::Liquidation,
            iv: self.instrument_of(event.instrument).and_then(implied),
            forward,
            block: changes.block_of(event, self.history.trade_count() + 1),
            ..trade
        })
    }

    fn read_combo_trade(&self, event: &ComboTrade) -> Option<Trade> {
        self.plain_trade(event.instrument, event.taker_side, (event.price, event.lots))
    }

    fn plain_trade(&self, id: InstrumentId, side: Side, (price, lots): (Ticks, Lots)) -> Option<Trade> {
        let it = self.state.instrument(id)?;
        let (price, amount, _) = self.sizes(id, (price, lots))?;
        Some(Trade {
            id: 0,
            sequence: 0,
            instrument: id,
            time_ms: self.now_ms(),
            price,
            amount,
            side,
            mark: it.mark(),
            index: self.state.underlying_of(it.underlying).map(|it| it.index),
            is_liquidation: false,
            tick_direction: 0,
            contracts: lots.get(),
            iv: None,
            forward: None,
            block: None,
            combo: None,
            legs: Vec::new(),
        })
    }

    /// Remembers a trade for those who took part.
    fn note_parties(&mut self, trade: Trade, parties: &[Party], changes: &mut Changes) {
        for party in parties {
            let label = self.history.find_order(party.order).map(|it| it.label.clone()).unwrap_or_default();
            let fill = self.history.fill(Fill {
                trade: trade.clone(),
                account: party.account,
                order: party.order,
                side: party.side,
                fee: party.fee,
                liquidity: party.liquidity,
                label,
                profit: Cash::ZERO,
                position: Fix::ZERO,
            });
            if !trade.is_of_combo() {
                changes.log.push(trade_entry(&fill));
            }
            changes.fills.push(fill);
            changes.accounts.insert(party.account);
        }
        changes.trades.push(trade);
    }
}

fn parties(event: &TradeEvent) -> [Party; 2] {
    let taker = Party {
        account: event.taker,
        order: event.taker_order,
        side: event.taker_side,
        fee: event.taker_fee,
        liquidity: Liquidity::Taker,
    };
    let maker = Party {
        account: event.maker,
        order: event.maker_order,
        side: event.taker_side.opposite(),
        fee: event.maker_fee,
        liquidity: Liquidity::Maker,
    };
    [taker, maker]
}

/// Who traded whole combos: where the books of the legs did, their makers traded legs alone.
fn combo_parties(event: &ComboTrade, legs: &[TradeEvent]) -> Vec<Party> {
    let mut parties = vec![Party {
        account: event.taker,
        order: event.taker_order,
        side: event.taker_side,
        fee: event.taker_fee,
        liquidity: Liquidity::Taker,
    }];
    if let ComboMaker::Order { account, order } = event.maker {
        let add = |sum: Cash, leg: &TradeEvent| sum.checked_add(leg.maker_fee).unwrap_or(sum);
        let fee = legs.iter().fold(Cash::ZERO, add);
        let side = event.taker_side.opposite();
        parties.push(Party { account, order, side, fee, liquidity: Liquidity::Maker });
    }
    parties
}

/// What a trade of a book or a block changed of a balance.
fn trade_entry(fill: &Fill) -> Entry {
    let trade = &fill.trade;
    let paid = trade.price.scale(trade.amount, Rounding::HalfEven).unwrap_or(Cash::ZERO);
    let premium = if fill.side == Side::Buy { paid.checked_neg().unwrap_or(Cash::ZERO) } else { paid };
    // An option is paid for when it trades, a future when it closes.
    let cashflow = if trade.forward.is_some() { premium } else { fill.profit };
    let change = cashflow.checked_sub(fill.fee).unwrap_or(cashflow);
    let mut entry = Entry::new((fill.account, trade.time_ms), Why::Trade, change);
    entry.fee = fill.fee;
    entry.trade = Some(TradeEntry {
        filled: Some(Filled { trade: trade.id, order: fill.order, liquidity: fill.liquidity }),
        instrument: trade.instrument,
        side: side_word(fill.side, fill.position),
        amount: trade.amount,
        contracts: trade.contracts,
        price: trade.price,
        mark: trade.mark,
        index: trade.index,
        position: fill.position,
        profit: fill.profit,
    });
    entry
}
