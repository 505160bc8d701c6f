//! Many accounts with many positions in 1,500 options of one expiry.
//!
//! Invariant: positions come about as anybody's do: signed offers, taken under a signature, through `apply`.

use std::time::{Duration, Instant};

use crypto::Digest;
use exchange::{
    Genesis, State, apply,
    name::{self, Contract, Right},
};
use num::{DAY_MS, HOUR_MS, Lots, Rounding, Side, Ticks, Timestamp};
use wire::{
    Action, BlockLeg, BlockTerms, Boxed, Event, InstrumentId, List, QuoteSide, Transaction, UnderlyingId,
    limits::BLOCK_LEGS_MAX,
};

use crate::{
    bench::exchange::market::{self, Builder, REPORTERS, START_MS, Signer, usd},
    failure::Failure,
};

const STRIKES: i64 = 750;
const STEP: i64 = 100;
/// What all accounts get together, and what the one that quotes gets, in USD.
const DEPOSITS: i64 = 90_000_000_000;
const QUOTER: i64 = 1_000_000_000;
/// Transactions in a commit.
const TOGETHER: usize = 4_096;
pub const EXPIRY_MS: u64 = START_MS + DAY_MS + 8 * HOUR_MS;

/// An exchange and those who report to it.
pub struct Scene {
    network: Digest,
    pub state: State,
    builder: Builder,
    reporters: Vec<Signer>,
}

/// The usual genesis with nothing but calls and puts of one expiry on its first underlying.
fn genesis() -> Genesis {
    let mut genesis = market::genesis();
    let expiry = Timestamp::from_millis(EXPIRY_MS);
    let strike = |place: i64| usd(64_000 + (place - STRIKES / 2) * STEP);
    let options = (0..STRIKES).flat_map(|place| {
        [Right::Call, Right::Put].map(|right| Contract::Option { expiry, strike: strike(place), right })
    });
    genesis.instruments = options.map(|it| name::format("BTC", &it)).collect();
    genesis.limits.accounts_max = 1 << 20;
    genesis
}

impl Scene {
    pub fn new() -> Result<Self, Failure> {
        let network = Digest::of("clockless bench network 2026", b"scene");
        let state = State::new(&genesis(), network).map_err(|error| Failure::failed(error.to_string()))?;
        let reporters = (0..REPORTERS).map(|number| Signer::new(b'r', number)).collect();
        Ok(Self { network, state, builder: Builder::new(), reporters })
    }

    /// An error when a promise of the exchange does not hold.
    pub fn check(&self) -> Result<(), Failure> {
        self.state.check_invariants().map_err(|broken| Failure::failed(broken.to_string()))
    }

    /// All reporters say a price in whole USD, at a time that becomes that of the commit.
    pub fn report(&mut self, at_ms: u64, price: i64) -> Result<(Vec<Event>, Duration), Failure> {
        let action = Action::Observe {
            underlying: UnderlyingId(0),
            price: usd(price),
            observed_at: Timestamp::from_millis(at_ms),
        };
        let reporters = self.reporters.iter_mut();
        let said =
            reporters.map(|it| it.sign(self.network, vec![action.clone()])).collect::<Result<_, _>>()?;
        self.commit(said, at_ms.saturating_sub(self.state.time().millis()))
    }

    pub fn commit(
        &mut self,
        transactions: Vec<Transaction>,
        later_ms: u64,
    ) -> Result<(Vec<Event>, Duration), Failure> {
        let payload = self.builder.commit(transactions, later_ms)?;
        let mut events = Vec::new();
        let began = Instant::now();
        apply(&mut self.state, &payload, &mut events);
        let took = began.elapsed();
        self.state.forget_changes();
        Ok((events, took))
    }

    /// Pairs of accounts trade blocks with each other until each holds its positions.
    pub fn trade(&mut self, pairs: u64, positions_each: usize) -> Result<(), Failure> {
        let listed = self.state.instruments().len();
        let deposit = Action::Faucet { amount: usd(DEPOSITS / i64::try_from(2 * pairs).unwrap_or(i64::MAX)) };
        let mut transactions = Vec::new();
        for pair in 0..pairs {
            let (mut maker, mut taker) = (Signer::new(b'm', pair), Signer::new(b't', pair));
            let first = usize::try_from(pair).unwrap_or(0) * positions_each;
            let legs: Vec<BlockLeg> =
                (first..first + positions_each).filter_map(|place| self.leg(place % listed)).collect();
            transactions.push(maker.sign(self.network, vec![deposit.clone()])?);
            let offers = legs.chunks(BLOCK_LEGS_MAX).map(|legs| self.offer(&mut maker, legs));
            let actions = core::iter::once(Ok(deposit.clone())).chain(offers);
            transactions.push(taker.sign(self.network, actions.collect::<Result<_, Failure>>()?)?);
            if transactions.len() >= TOGETHER || pair + 1 == pairs {
                let together = core::mem::take(&mut transactions);
                self.commit(together, 1)?;
            }
        }
        Ok(())
    }

    fn leg(&self, place: usize) -> Option<BlockLeg> {
        let it = &self.state.instruments()[place];
        let price = Ticks::new(it.market.ticks(it.mark()?, Rounding::Floor)?.get().max(1));
        let side = if place.is_multiple_of(3) { Side::Sell } else { Side::Buy };
        Some(BlockLeg { instrument: it.id, side, price, lots: Lots::new(2) })
    }

    fn offer(&self, maker: &mut Signer, legs: &[BlockLeg]) -> Result<Action, Failure> {
        let terms = BlockTerms {
            network: self.network,
            maker: maker.account(),
            key: maker.account().owner,
            nonce: maker.next_nonce(),
            taker: None,
            valid_until: Timestamp::MAX,
            legs: List::new(legs.to_vec()).ok_or_else(|| Failure::failed("too many legs"))?,
        };
        Ok(Action::TakeBlock { offer: Boxed::new(terms.sign(maker.key())) })
    }

    /// A quote in every instrument.
    pub fn quote(&mut self) -> Result<(), Failure> {
        let mut maker = Signer::new(b'q', 0);
        let mut actions = vec![Action::Faucet { amount: usd(QUOTER) }];
        for it in self.state.instruments() {
            let Some(mark) = it.mark().and_then(|mark| it.market.ticks(mark, Rounding::Floor)) else {
                continue;
            };
            let side =
                |shift: i64| QuoteSide { price: Ticks::new((mark.get() + shift).max(1)), lots: Lots::new(1) };
            let bid = (mark.get() > 5).then(|| side(-5));
            actions.push(quote(it.id, (bid, side(5))));
        }
        let signed =
            actions.chunks(wire::limits::ACTIONS_MAX).map(|it| maker.sign(self.network, it.to_vec()));
        let transactions = signed.collect::<Result<_, _>>()?;
        self.commit(transactions, 5).map(drop)
    }
}

fn quote(instrument: InstrumentId, (bid, ask): (Option<QuoteSide>, QuoteSide)) -> Action {
    Action::Quote { instrument, protection: None, bid, ask: Some(ask) }
}
