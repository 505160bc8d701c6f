//! What happened: trades, candles, fills and orders, in bounded memory, rebuilt from the commits alone.
//!
//! Invariant: everything here follows from the events of the commits in their order; two gateways that saw
//! the same commits answer the same.

mod candle;
mod funding;
mod index;
mod log;
mod moves;
mod profit;
mod settlement;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use num::{Cash, DAY_MS, Fix, MINUTE_MS, Side};
use wire::{AccountId, InstrumentId, OrderId};

pub use candle::Candle;
pub use funding::{Funding, Hour};
pub use index::{Series, Step};
pub use log::{Entry, Filled, TradeEntry, Why, balance, side_word};
pub use moves::{Move, What, WithdrawalState};
pub use profit::Cost;
pub use settlement::{Delivery, Settlement};

use crate::{
    json::Stats,
    model::{Fill, Order, Trade},
};

/// Trades kept for one instrument.
const TRADES_MAX: usize = 1_000;
/// Fills kept for one account.
const FILLS_MAX: usize = 2_000;
/// Orders that ended, kept for one account.
const ENDED_ORDERS_MAX: usize = 2_000;
/// One-minute candles kept for one instrument: a week.
const CANDLES_MAX: usize = 7 * 24 * 60;

/// Movements of one account's money.
const MOVES_MAX: usize = 2_000;
/// Entries of one account's log.
const LOG_MAX: usize = 2_000;
/// Settlements of instruments, and as many of each account, that are kept.
const SETTLEMENTS_MAX: usize = 10_000;

#[derive(Debug, Default)]
struct OfInstrument {
    trades: VecDeque<Trade>,
    candles: VecDeque<Candle>,
    sequence: u64,
    direction: u8,
}

#[derive(Debug, Default)]
struct OfAccount {
    fills: VecDeque<Fill>,
    open: BTreeSet<OrderId>,
    ended: VecDeque<OrderId>,
    settlements: VecDeque<Settlement>,
    log: VecDeque<Entry>,
    moves: VecDeque<Move>,
    costs: BTreeMap<InstrumentId, Cost>,
}

/// The gateway's memory of events.
#[derive(Debug, Default)]
pub struct History {
    instruments: BTreeMap<InstrumentId, OfInstrument>,
    accounts: BTreeMap<AccountId, OfAccount>,
    orders: BTreeMap<OrderId, Order>,
    trades: u64,
    indices: BTreeMap<String, Series>,
    funding: BTreeMap<InstrumentId, Funding>,
    deliveries: Vec<Delivery>,
    settlements: VecDeque<Settlement>,
    settled: u64,
    logged: u64,
    moved: u64,
}

impl History {
    /// The number of the next trade, which is used up.
    pub fn number(&mut self) -> u64 {
        self.trades += 1;
        self.trades
    }

    /// Adds a trade and gives it its numbers; the first of them is zero unless it was taken before.
    pub fn trade(&mut self, mut trade: Trade) -> Trade {
        if trade.id == 0 {
            trade.id = self.number();
        }
        let of = self.instruments.entry(trade.instrument).or_default();
        of.sequence += 1;
        trade.sequence = of.sequence;
        trade.tick_direction = of.direction_of(trade.price);
        of.candle(&trade);
        push_bounded(&mut of.trades, trade.clone(), TRADES_MAX);
        trade
    }

    /// Adds a fill and gives it the profit that it realised.
    pub fn fill(&mut self, mut fill: Fill) -> Fill {
        let of = self.accounts.entry(fill.account).or_default();
        let amount = fill.trade.amount;
        let signed = if fill.side == Side::Buy { amount } else { Fix::from_raw(-amount.raw()) };
        if !fill.trade.is_of_combo() {
            let cost = of.costs.entry(fill.trade.instrument).or_default();
            fill.profit = cost.fill(signed, fill.trade.price);
            fill.position = cost.size();
        }
        push_bounded(&mut of.fills, fill.clone(), FILLS_MAX);
        fill
    }

    /// A position of signed `size` went to an account for so much money, without a trade; the profit that this realised
    /// and the position after it.
    pub fn transferred(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        (size, paid): (Fix, Cash),
    ) -> (Cash, Fix) {
        let cost = self.cost_mut(account, instrument);
        (cost.take(size, paid), cost.size())
    }

    fn cost_mut(&mut self, account: AccountId, instrument: InstrumentId) -> &mut Cost {
        self.accounts.entry(account).or_default().costs.entry(instrument).or_default()
    }

    /// Adds an entry to its account's log and numbers it.
    pub fn log_entry(&mut self, mut entry: Entry) -> Entry {
        self.logged += 1;
        entry.id = self.logged;
        let log = &mut self.accounts.entry(entry.account).or_default().log;
        push_bounded(log, entry.clone(), LOG_MAX);
        entry
    }

    /// An account's log, the latest entry first.
    pub fn log(&self, account: &AccountId) -> impl Iterator<Item = &Entry> {
        self.accounts.get(account).into_iter().flat_map(|of| of.log.iter().rev())
    }

    /// Adds a movement of an account's money; numbers it unless the exchange did.
    pub fn moved(&mut self, account: AccountId, mut entry: Move) {
        if !matches!(entry.what, What::Withdrawal { .. }) {
            self.moved += 1;
            entry.id = self.moved;
        }
        push_bounded(&mut self.accounts.entry(account).or_default().moves, entry, MOVES_MAX);
    }

    /// A withdrawal was paid or came back.
    pub fn withdrawal_ended(
        &mut self,
        account: &AccountId,
        (id, ended): (u64, WithdrawalState),
        time_ms: u64,
    ) {
        let of = self.accounts.get_mut(account).into_iter().flat_map(|of| of.moves.iter_mut());
        for entry in of.filter(|entry| entry.id == id) {
            if let What::Withdrawal { state, .. } = &mut entry.what {
                (*state, entry.updated_ms) = (ended, time_ms);
            }
        }
    }

    /// An account's movements of money, the latest first.
    pub fn moves(&self, account: &AccountId) -> impl Iterator<Item = &Move> {
        self.accounts.get(account).into_iter().flat_map(|of| of.moves.iter().rev())
    }

    /// What an account's position in an instrument cost, and what it has brought, fees apart.
    pub fn cost(&self, account: &AccountId, instrument: InstrumentId) -> Cost {
        self.accounts.get(account).and_then(|of| of.costs.get(&instrument)).copied().unwrap_or_default()
    }

    /// A position got funding, or paid it where that is negative.
    pub fn funding_paid(&mut self, account: AccountId, instrument: InstrumentId, amount: Cash) {
        let cost = self.cost_mut(account, instrument);
        cost.funded = cost.funded.checked_add(amount).unwrap_or(cost.funded);
    }

    pub fn index_moved(&mut self, underlying: &str, time_ms: u64, price: Cash) {
        if let Some(series) = self.indices.get_mut(underlying) {
            series.note(time_ms, price);
        } else {
            self.indices.entry(underlying.to_owned()).or_default().note(time_ms, price);
        }
    }

    /// The prices of an index; `None` before it first moved.
    pub fn index(&self, underlying: &str) -> Option<&Series> {
        self.indices.get(underlying)
    }

    /// A commit at `time_ms` left a perpetual with a rate over eight hours.
    pub fn funded(&mut self, perpetual: InstrumentId, (time_ms, rate): (u64, Fix), index: Cash) {
        self.funding.entry(perpetual).or_default().note(time_ms, rate, index);
    }

    /// The funding of a perpetual; `None` before the first commit.
    pub fn funding(&self, perpetual: InstrumentId) -> Option<&Funding> {
        self.funding.get(&perpetual)
    }

    pub fn delivered(&mut self, delivery: Delivery) {
        self.deliveries.push(delivery);
    }

    /// Deliveries of an underlying, the latest first.
    pub fn deliveries(&self, underlying: &str) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().rev().filter(move |it| it.underlying == underlying)
    }

    /// Adds the end of an instrument, or of an account's position in it at a delivery price for one unit of
    /// the contract; numbers it and gives it its profit.
    pub fn settled(&mut self, mut settlement: Settlement) -> Settlement {
        self.settled += 1;
        settlement.id = self.settled;
        let Some(account) = settlement.account else {
            push_bounded(&mut self.settlements, settlement.clone(), SETTLEMENTS_MAX);
            return settlement;
        };
        let of = self.accounts.entry(account).or_default();
        settlement.profit =
            of.costs.entry(settlement.instrument).or_default().deliver(settlement.position, settlement.mark);
        push_bounded(&mut of.settlements, settlement.clone(), SETTLEMENTS_MAX);
        settlement
    }

    /// Settlements of all instruments, or of an account's positions, the latest first.
    pub fn settlements(&self, account: Option<&AccountId>) -> impl Iterator<Item = &Settlement> {
        let of_account = account.and_then(|id| self.accounts.get(id)).map(|of| &of.settlements);
        let chosen = if account.is_some() { of_account } else { Some(&self.settlements) };
        chosen.into_iter().flat_map(|settlements| settlements.iter().rev())
    }

    /// Adds or replaces an order; forgets the oldest ended one of its account when there are too many.
    pub fn order(&mut self, order: Order) {
        let (id, account, is_open) = (order.id, order.account, order.is_open());
        self.orders.insert(id, order);
        let of = self.accounts.entry(account).or_default();
        if is_open {
            of.open.insert(id);
            return;
        }
        of.open.remove(&id);
        if let Some(forgotten) = push_bounded(&mut of.ended, id, ENDED_ORDERS_MAX) {
            self.orders.remove(&forgotten);
        }
    }

    /// Orders of an account that rest or wait, the earliest first.
    pub fn open_orders(&self, account: &AccountId) -> impl Iterator<Item = &Order> {
        let open = self.accounts.get(account).into_iter().flat_map(|of| of.open.iter());
        open.filter_map(|id| self.orders.get(id))
    }

    pub fn find_order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    pub fn find_order_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        self.orders.get_mut(&id)
    }

    /// Orders of an account that ended, the latest first.
    pub fn ended_orders(&self, account: &AccountId) -> impl Iterator<Item = &Order> {
        let ended = self.accounts.get(account).into_iter().flat_map(|of| of.ended.iter().rev());
        ended.filter_map(|id| self.orders.get(id))
    }

    /// Trades of an instrument, the latest first.
    pub fn trades(&self, instrument: InstrumentId) -> impl Iterator<Item = &Trade> {
        self.instruments.get(&instrument).into_iter().flat_map(|of| of.trades.iter().rev())
    }

    /// An account's fills, the latest first.
    pub fn fills(&self, account: &AccountId) -> impl Iterator<Item = &Fill> {
        self.accounts.get(account).into_iter().flat_map(|of| of.fills.iter().rev())
    }

    pub fn trade_count(&self) -> u64 {
        self.trades
    }

    /// Candles of `minutes` minutes that start in `from_ms..=to_ms`, the earliest first, without a hole after the
    /// first trade. The caller bounds the span.
    pub fn candles(&self, instrument: InstrumentId, minutes: u64, from_ms: u64, to_ms: u64) -> Vec<Candle> {
        let Some(of) = self.instruments.get(&instrument) else { return Vec::new() };
        let start_ms = candle::first_start(minutes, from_ms);
        let first = of.candles.partition_point(|candle| candle.start_ms < start_ms);
        let before = first.checked_sub(1).and_then(|place| of.candles.get(place));
        Candle::merged(of.candles.range(first..), before, minutes, (from_ms, to_ms))
    }

    /// Whether trades of an instrument were forgotten.
    pub fn forgot_trades(&self, instrument: InstrumentId) -> bool {
        self.instruments.get(&instrument).is_some_and(|of| of.trades.len() >= TRADES_MAX)
    }

    /// Whether candles of an instrument at or after a time were forgotten.
    pub fn forgot_candles(&self, instrument: InstrumentId, from_ms: u64) -> bool {
        let of = self.instruments.get(&instrument).filter(|of| of.candles.len() >= CANDLES_MAX);
        of.and_then(|of| of.candles.front()).is_some_and(|first| first.start_ms > from_ms)
    }

    pub fn forgot_fills(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|of| of.fills.len() >= FILLS_MAX)
    }

    pub fn forgot_orders(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|of| of.ended.len() >= ENDED_ORDERS_MAX)
    }

    pub fn forgot_log(&self, account: &AccountId) -> bool {
        self.accounts.get(account).is_some_and(|of| of.log.len() >= LOG_MAX)
    }

    /// Whether settlements of instruments, or of an account's positions, were forgotten.
    pub fn forgot_settlements(&self, account: Option<&AccountId>) -> bool {
        let of_account = account.and_then(|id| self.accounts.get(id)).map(|of| &of.settlements);
        let chosen = if account.is_some() { of_account } else { Some(&self.settlements) };
        chosen.is_some_and(|settlements| settlements.len() >= SETTLEMENTS_MAX)
    }

    /// What traded in an instrument since a time.
    pub fn volume_since(&self, instrument: InstrumentId, from_ms: u64) -> Fix {
        let candles = self.instruments.get(&instrument).into_iter().flat_map(|of| of.candles.iter().rev());
        let since = candles.take_while(|candle| candle.start_ms >= from_ms);
        since.fold(Fix::ZERO, |sum, candle| sum.checked_add(candle.volume).unwrap_or(sum))
    }

    /// The candle of `minutes` minutes that holds `now_ms`; flat at the last price when nothing traded in it.
    pub fn candle_now(&self, instrument: InstrumentId, minutes: u64, now_ms: u64) -> Option<Candle> {
        let span = minutes.max(1) * MINUTE_MS;
        let start_ms = now_ms - now_ms % span;
        let traded = self.candles(instrument, minutes, start_ms, now_ms).pop();
        traded.or_else(|| {
            let last = self.instruments.get(&instrument)?.candles.back()?;
            Some(Candle::flat(start_ms, last.close))
        })
    }

    /// The last 24 hours before `now_ms`.
    pub fn stats(&self, instrument: InstrumentId, now_ms: u64) -> Stats {
        let Some(of) = self.instruments.get(&instrument) else { return Stats::default() };
        let from = now_ms.saturating_sub(DAY_MS);
        let mut stats = Stats { last: of.trades.back().map(|trade| trade.price), ..Stats::default() };
        let mut first = None;
        for candle in of.candles.iter().filter(|candle| candle.start_ms >= from) {
            first.get_or_insert(candle.open);
            stats.high = Some(stats.high.map_or(candle.high, |high| high.max(candle.high)));
            stats.low = Some(stats.low.map_or(candle.low, |low| low.min(candle.low)));
            stats.volume = stats.volume.checked_add(candle.volume).unwrap_or(stats.volume);
            stats.volume_usd = stats.volume_usd.checked_add(candle.cost).unwrap_or(stats.volume_usd);
        }
        stats.change = first.zip(stats.last).filter(|(first, _)| first.is_positive()).map(|(first, last)| {
            let change = (last.micros() as f64 / first.micros() as f64 - 1.0) * 100.0;
            (change * 1e4).round() / 1e4
        });
        stats
    }
}

impl OfInstrument {
    fn direction_of(&mut self, price: Cash) -> u8 {
        self.direction = match self.trades.back().map(|last| price.cmp(&last.price)) {
            None | Some(std::cmp::Ordering::Greater) => 0,
            Some(std::cmp::Ordering::Less) => 2,
            // Unchanged after a rise is a zero-plus tick, after a fall a zero-minus tick.
            Some(std::cmp::Ordering::Equal) => self.direction | 1,
        };
        self.direction
    }

    fn candle(&mut self, trade: &Trade) {
        let start_ms = trade.time_ms - trade.time_ms % MINUTE_MS;
        let price = trade.price;
        // A combo may trade below zero; a volume is none the less for it.
        let size = Cash::from_micros(price.micros().saturating_abs());
        let cost = size.scale(trade.amount, num::Rounding::HalfEven).unwrap_or(Cash::ZERO);
        let candle = Candle {
            start_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: trade.amount,
            cost,
        };
        match self.candles.back_mut() {
            Some(last) if last.start_ms == start_ms => last.merge(&candle),
            _ => {
                push_bounded(&mut self.candles, candle, CANDLES_MAX);
            }
        }
    }
}

/// Adds at the back; returns what had to go at the front.
fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, max: usize) -> Option<T> {
    queue.push_back(item);
    if queue.len() > max { queue.pop_front() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(price: i64, time_ms: u64) -> Trade {
        Trade {
            id: 0,
            sequence: 0,
            instrument: InstrumentId(1),
            time_ms,
            price: Cash::from_micros(price),
            amount: Fix::ONE,
            side: Side::Buy,
            mark: None,
            index: None,
            is_liquidation: false,
            tick_direction: 0,
            contracts: 1,
            block: None,
            iv: None,
            forward: None,
            combo: None,
            legs: Vec::new(),
        }
    }

    #[test]
    fn tick_directions_follow_the_last_change() {
        let mut history = History::default();
        let directions: Vec<u8> = [10, 10, 11, 11, 9, 9, 9]
            .into_iter()
            .map(|price| history.trade(trade(price, 0)).tick_direction)
            .collect();
        assert_eq!(directions, [0, 1, 0, 1, 2, 3, 3]);
    }

    #[test]
    fn candles_merge_to_the_asked_resolution() {
        let mut history = History::default();
        for (price, minute) in [(10, 0), (14, 1), (8, 2), (9, 5)] {
            history.trade(trade(price, minute * MINUTE_MS));
        }
        let candles = history.candles(InstrumentId(1), 5, 0, 5 * MINUTE_MS);
        assert_eq!(candles.len(), 2);
        let first = candles[0];
        assert_eq!([first.open, first.high, first.low, first.close].map(Cash::micros), [10, 14, 8, 8]);
        assert_eq!(first.volume, Fix::from_raw(3 * Fix::SCALE));
        assert_eq!(history.candles(InstrumentId(1), 5, 1, 5 * MINUTE_MS).len(), 1);
    }

    #[test]
    fn a_chart_has_no_holes_after_the_first_trade() {
        let mut history = History::default();
        for (price, minute) in [(10, 1), (14, 4)] {
            history.trade(trade(price, minute * MINUTE_MS));
        }
        let closes = |from: u64, to: u64| -> Vec<(u64, i64)> {
            let candles = history.candles(InstrumentId(1), 1, from * MINUTE_MS, to * MINUTE_MS);
            candles.iter().map(|it| (it.start_ms / MINUTE_MS, it.close.micros())).collect()
        };
        assert_eq!(closes(0, 6), [(1, 10), (2, 10), (3, 10), (4, 14), (5, 14), (6, 14)]);
        assert_eq!(closes(2, 3), [(2, 10), (3, 10)]);
        assert_eq!(closes(5, 6), [(5, 14), (6, 14)]);
        assert_eq!(closes(0, 0), []);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        for i in 0..3_000 {
            history.trade(trade(10, i));
        }
        assert_eq!(history.trades(InstrumentId(1)).count(), TRADES_MAX);
        assert_eq!(history.trades(InstrumentId(1)).next().unwrap().id, 3_000);
        assert_eq!(history.trade_count(), 3_000);
    }

    #[test]
    fn stats_cover_a_day() {
        let mut history = History::default();
        history.trade(trade(10, 0));
        history.trade(trade(20, 2 * DAY_MS));
        history.trade(trade(30, 2 * DAY_MS + 1));
        let stats = history.stats(InstrumentId(1), 2 * DAY_MS + 2);
        assert_eq!(stats.high, Some(Cash::from_micros(30)));
        assert_eq!(stats.low, Some(Cash::from_micros(20)));
        assert_eq!(stats.change, Some(50.0));
    }
}
