//! Who trades in a demo: market makers that quote everything, takers, and reporters on a price path.
//!
//! The price path is a random walk with an annual volatility of 60 %, in steps of a quarter of a second.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use client::Wallet;
use exchange::{Order, State};
use num::{Cash, Lots, Rounding, Side, Ticks};
use rand::Rng as _;
use wire::{
    Action, Atomicity, InstrumentId, Label, NewOrder, OrderKind, OrderTarget, PostOnly, ReduceOnly,
    TimeInForce, Transaction, UnderlyingId,
};

use crate::node::Clock;

/// Actions under one signature of a maker.
const QUOTE_ACTIONS: usize = 64;
const QUOTE_PAUSE: Duration = Duration::from_millis(25);
/// How long a placed order may take to be seen.
const PLACE_PAUSE: Duration = Duration::from_secs(2);
const QUOTE_LOTS: Lots = Lots::new(20);
const TAKE_PAUSE: Duration = Duration::from_millis(40);
const REPORT_PAUSE: Duration = Duration::from_millis(250);

/// The exchange as the demo follows it.
pub type Followed = Arc<Mutex<State>>;
pub type Submit = tokio::sync::mpsc::Sender<Transaction>;

fn read<T>(state: &Followed, look: impl FnOnce(&State) -> T) -> T {
    look(&state.lock().unwrap_or_else(PoisonError::into_inner))
}

fn sign(wallet: &mut Wallet, actions: Vec<Action>) -> Option<Transaction> {
    (!actions.is_empty())
        .then(|| wallet.sign(actions, Atomicity::Independent))?
        .map(|(_, transaction)| transaction)
}

/// A maker's own side of an instrument.
type Place = (InstrumentId, Side);

/// Quotes every instrument in turn, for ever.
pub async fn make_markets(state: Followed, mut wallet: Wallet, submit: Submit, skew: i64) {
    let mut maker = Maker { skew, next: 0, placed: BTreeMap::new() };
    loop {
        let actions = read(&state, |state| maker.quotes(state, &wallet));
        if let Some(transaction) = sign(&mut wallet, actions) {
            drop(submit.send(transaction).await);
        }
        tokio::time::sleep(QUOTE_PAUSE).await;
    }
}

struct Maker {
    /// Ticks that it quotes away from the others.
    skew: i64,
    next: usize,
    /// When it last placed an order: what is on its way is not placed again.
    placed: BTreeMap<Place, Instant>,
}

impl Maker {
    /// The next quotes: amendments of what rests, placements of what does not.
    fn quotes(&mut self, state: &State, wallet: &Wallet) -> Vec<Action> {
        let mut resting: BTreeMap<Place, &Order> = BTreeMap::new();
        if let Some(account) = state.account_index(&wallet.account()) {
            resting.extend(state.open_orders(account).map(|it| ((it.instrument, it.side), it)));
        }
        let listed = state.instruments();
        let mut actions = Vec::with_capacity(QUOTE_ACTIONS);
        for _ in 0..listed.len() {
            let it = &listed[self.next % listed.len()];
            self.next += 1;
            if !it.is_open() {
                continue;
            }
            for (side, price) in quote_prices(it, self.skew) {
                let place = (it.id, side);
                actions.extend(match resting.get(&place) {
                    Some(order) => amendment(order, price),
                    None => self.placement(place, price),
                });
            }
            if actions.len() + 2 > QUOTE_ACTIONS {
                break;
            }
        }
        actions
    }

    fn placement(&mut self, place: Place, price: Ticks) -> Option<Action> {
        let now = Instant::now();
        if self.placed.get(&place).is_some_and(|at| now.duration_since(*at) < PLACE_PAUSE) {
            return None;
        }
        self.placed.insert(place, now);
        let order = NewOrder {
            instrument: place.0,
            side: place.1,
            lots: QUOTE_LOTS,
            kind: OrderKind::Limit { price },
            time_in_force: TimeInForce::GoodTilCancelled,
            post_only: PostOnly::Reject,
            reduce_only: ReduceOnly::Off,
            label: Label::default(),
        };
        Some(Action::Place { order })
    }
}

fn amendment(order: &Order, price: Ticks) -> Option<Action> {
    if order.price == price {
        return None;
    }
    let lots = QUOTE_LOTS.checked_add(order.filled)?;
    Some(Action::Amend { target: OrderTarget::Id { order: order.id }, lots, price })
}

/// Bid and ask around the mark: two ticks and 2 % of an option's value, or 0.02 % of a future's.
fn quote_prices(it: &exchange::Instrument, skew: i64) -> Vec<(Side, Ticks)> {
    let Some(mark) = it.mark() else { return Vec::new() };
    let tick = it.market.tick_size().micros();
    let part = if it.is_option() { mark.micros() / 50 } else { mark.micros() / 5_000 };
    let half = part.max(2 * tick) + skew * tick;
    let price = |shift: i64, rounding| {
        let price = mark.checked_add(Cash::from_micros(shift))?;
        it.market.ticks(price, rounding)
    };
    let bid = price(-half, Rounding::Floor).filter(|ticks| ticks.get() >= 1).map(|ticks| (Side::Buy, ticks));
    let ask = price(half, Rounding::Ceil).map(|ticks| (Side::Sell, Ticks::new(ticks.get().max(2))));
    bid.into_iter().chain(ask).collect()
}

/// Takes what is offered, here and there, for ever.
pub async fn take(state: Followed, mut wallet: Wallet, submit: Submit) {
    loop {
        let actions = read(&state, |state| {
            let mut rng = rand::rng();
            (0..4).filter_map(|_| taking(state, &mut rng)).collect()
        });
        if let Some(transaction) = sign(&mut wallet, actions) {
            drop(submit.send(transaction).await);
        }
        tokio::time::sleep(TAKE_PAUSE).await;
    }
}

fn taking(state: &State, rng: &mut impl rand::Rng) -> Option<Action> {
    let listed = state.instruments();
    let count = u64::try_from(listed.len()).ok()?;
    let it = &listed[usize::try_from(rng.next_u64().checked_rem(count)?).ok()?];
    let side = if rng.next_u64().is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let price = state.best(it.id, side.opposite())?;
    let order = NewOrder {
        instrument: it.id,
        side,
        lots: Lots::new(1 + rng.next_u64() % 5),
        kind: OrderKind::Limit { price },
        time_in_force: TimeInForce::ImmediateOrCancel,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::Off,
        label: Label::default(),
    };
    Some(Action::Place { order })
}

/// Prices that move, the same for all reporters.
#[derive(Clone, Debug)]
pub struct Path(Arc<Mutex<Vec<f64>>>);

impl Path {
    pub fn new(spot: &BTreeMap<String, Cash>) -> Self {
        Self(Arc::new(Mutex::new(spot.values().map(|price| price.micros() as f64 / 1e6).collect())))
    }

    fn prices(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Walks on for ever.
    pub async fn walk(self) {
        let deviation = 0.6 * (0.25_f64 / (365.0 * 86_400.0)).sqrt();
        loop {
            tokio::time::sleep(REPORT_PAUSE).await;
            let mut rng = rand::rng();
            let mut prices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for price in prices.iter_mut() {
                // The sum of twelve uniform numbers less six is normal enough for a walk.
                let normal: f64 =
                    (0..12).map(|_| (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64).sum::<f64>() - 6.0;
                *price *= 1.0 + deviation * normal;
            }
        }
    }
}

/// Reports every underlying's price, for ever.
pub async fn report(path: Path, mut wallet: Wallet, submit: Submit, clock: Clock) {
    loop {
        let prices = path.prices();
        let observed_at = clock.now();
        let actions = prices.iter().enumerate().map(|(place, price)| Action::Observe {
            underlying: UnderlyingId(u16::try_from(place).unwrap_or(0)),
            price: Cash::from_micros((price * 1e6).round() as i64),
            observed_at,
        });
        if let Some(transaction) = sign(&mut wallet, actions.collect()) {
            drop(submit.send(transaction).await);
        }
        tokio::time::sleep(REPORT_PAUSE).await;
    }
}
