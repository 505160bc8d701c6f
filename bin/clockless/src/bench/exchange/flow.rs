//! What makers and traders send, drawn from one seed.
//!
//! Of all actions two fifths are two-sided quotes that replace the last ones, and the rest are new orders away
//! from the market, amendments, cancels, and orders that take at once.
//!
//! Invariant: an action names what a client could know after the last commit: marks, the best prices, its own
//! orders.

use exchange::{Order, State};
use num::{Cash, Lots, Rounding, Side, Ticks, Timestamp};
use wire::{
    Action, InstrumentId, Label, NewOrder, OrderKind, OrderTarget, PostOnly, QuoteSide, ReduceOnly,
    TimeInForce, Transaction, UnderlyingId,
};

use crate::{
    bench::exchange::market::{REPORTERS, START_MS, Signer, usd},
    failure::Failure,
};

const MAKERS: u64 = 32;
const TRADERS: u64 = 256;
/// Actions under one signature, and signatures in a commit.
pub const ACTIONS: usize = 64;
const INTENTS: usize = 80;
/// Of five intents, those of makers.
const MAKER_SHARE: u64 = 2;
/// Orders of a trader that it lets rest.
const OPEN_MAX: usize = 96;
/// Commits between two words of the reporters: at 5 ms a commit, four a second.
const REPORT_EVERY: u64 = 50;

/// Numbers that only look drawn: the same in every run.
pub struct Draw(u64);

impl Draw {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `end`, which is above zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }
}

/// Everybody who sends.
pub struct Flow {
    makers: Vec<Maker>,
    traders: Vec<Signer>,
    reporters: Vec<Signer>,
    draw: Draw,
    commits: u64,
}

struct Maker {
    signer: Signer,
    /// The instrument it quotes next.
    next: usize,
}

impl Flow {
    pub fn new() -> Self {
        let maker = |number| Maker {
            signer: Signer::new(b'm', number),
            next: usize::try_from(number * 47).unwrap_or(0),
        };
        Self {
            makers: (0..MAKERS).map(maker).collect(),
            traders: (0..TRADERS).map(|number| Signer::new(b't', number)).collect(),
            reporters: (0..REPORTERS).map(|number| Signer::new(b'r', number)).collect(),
            draw: Draw::new(2_026),
            commits: 0,
        }
    }

    /// Money for everybody.
    pub fn deposits(&mut self, network: crypto::Digest) -> Result<Vec<Transaction>, Failure> {
        let deposit = Action::Faucet { amount: usd(200_000_000) };
        let signers = self.makers.iter_mut().map(|it| &mut it.signer).chain(&mut self.traders);
        signers.map(|signer| signer.sign(network, vec![deposit.clone()])).collect()
    }

    /// The transactions of the next commit, and how many actions are in them.
    pub fn next(
        &mut self,
        network: crypto::Digest,
        state: &State,
    ) -> Result<(Vec<Transaction>, usize), Failure> {
        let mut transactions = Vec::with_capacity(INTENTS + self.reporters.len());
        let mut count = 0;
        if self.commits.is_multiple_of(REPORT_EVERY) {
            transactions.extend(self.reports(network, state)?);
            count += 2 * transactions.len();
        }
        self.commits += 1;
        for _ in 0..INTENTS {
            let (signer, actions) = if self.draw.below(5) < MAKER_SHARE {
                let place = usize::try_from(self.draw.below(MAKERS)).unwrap_or(0);
                let maker = &mut self.makers[place];
                let actions = maker.quotes(state, &mut self.draw);
                (&mut maker.signer, actions)
            } else {
                let place = usize::try_from(self.draw.below(TRADERS)).unwrap_or(0);
                let signer = &mut self.traders[place];
                let actions = trades(state, signer, &mut self.draw);
                (signer, actions)
            };
            count += actions.len();
            transactions.push(signer.sign(network, actions)?);
        }
        Ok((transactions, count))
    }

    /// Prices on a walk of a few hundredths of a percent.
    fn reports(&mut self, network: crypto::Digest, state: &State) -> Result<Vec<Transaction>, Failure> {
        let observed_at = Timestamp::from_millis(state.time().millis().max(START_MS));
        let mut actions = Vec::new();
        for (place, underlying) in (0..).zip(state.underlyings()) {
            let step = underlying.index.micros() / 10_000;
            let price = Cash::from_micros(underlying.index.micros() + self.draw.between(-step, step));
            actions.push(Action::Observe { underlying: UnderlyingId(place), price, observed_at });
        }
        self.reporters.iter_mut().map(|it| it.sign(network, actions.clone())).collect()
    }
}

impl Maker {
    /// Quotes around the marks of the next instruments.
    fn quotes(&mut self, state: &State, draw: &mut Draw) -> Vec<Action> {
        let listed = state.instruments();
        let mut actions = Vec::with_capacity(ACTIONS);
        while actions.len() < ACTIONS {
            let it = &listed[self.next % listed.len()];
            self.next += 1;
            let side = |side: Side, shift: i64| {
                let mark = it.market.ticks(it.mark()?, Rounding::Floor)?;
                let price = Ticks::new((mark.get() - side.sign() * shift).max(1));
                Some(QuoteSide { price, lots: Lots::new(20) })
            };
            let (bid, ask) = (side(Side::Buy, draw.between(2, 6)), side(Side::Sell, draw.between(2, 6)));
            let is_crossed = bid.zip(ask).is_some_and(|(bid, ask)| bid.price >= ask.price);
            let ask = ask.filter(|_| !is_crossed);
            actions.push(Action::Quote { instrument: it.id, protection: None, bid, ask });
        }
        actions
    }
}

/// New orders, changes of open ones, and takes of one trader.
fn trades(state: &State, signer: &Signer, draw: &mut Draw) -> Vec<Action> {
    let account = state.account_index(&signer.account());
    let mut open: Vec<&Order> = account.into_iter().flat_map(|it| state.open_orders(it)).collect();
    let mut actions = Vec::with_capacity(ACTIONS);
    while actions.len() < ACTIONS {
        let choice = draw.below(100);
        let instruments = u64::try_from(state.instruments().len()).unwrap_or(1);
        let it = &state.instruments()[usize::try_from(draw.below(instruments)).unwrap_or(0)];
        let side = if draw.below(2) == 0 { Side::Buy } else { Side::Sell };
        let is_full = open.len() + actions.len() > OPEN_MAX;
        let change = if choice < 55 || (is_full && choice < 85) { open.pop() } else { None };
        let action = match change {
            Some(order) if choice < 32 || is_full => {
                Some(Action::Cancel { target: OrderTarget::Id { order: order.id } })
            }
            Some(order) => Some(Action::Amend {
                target: OrderTarget::Id { order: order.id },
                lots: order.lots,
                price: Ticks::new((order.price.get() - order.side.sign() * draw.between(0, 3)).max(1)),
            }),
            None if choice < 85 && !is_full => {
                let mark = it.mark().and_then(|mark| it.market.ticks(mark, Rounding::Floor));
                mark.map(|mark| {
                    let price = mark.get() - side.sign() * draw.between(8, 40);
                    order(it.id, (side, price.max(1)), TimeInForce::GoodTilCancelled)
                })
            }
            None => state
                .best(it.id, side.opposite())
                .map(|best| order(it.id, (side, best.get()), TimeInForce::ImmediateOrCancel)),
        };
        actions.extend(action);
    }
    actions
}

fn order(instrument: InstrumentId, (side, price): (Side, i64), time_in_force: TimeInForce) -> Action {
    let order = NewOrder {
        instrument,
        side,
        lots: Lots::new(3),
        kind: OrderKind::Limit { price: Ticks::new(price) },
        time_in_force,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::Off,
        label: Label::default(),
    };
    Action::Place { order }
}
