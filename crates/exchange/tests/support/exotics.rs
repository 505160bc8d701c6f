//! Exotics for tests: their terms, offers of them, and an exchange that lists them for nothing.

use exchange::{Genesis, Input, State, genesis::ExoticParameters};
use num::{Cash, HOUR_MS, Lots, MINUTE_MS, Side, Ticks, Timestamp};
use wire::{
    Action, BlockLeg, BlockTerms, Boxed, Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, Knock,
    List, OptionRight, Outcome, UnderlyingId,
};

use super::{Bench, START_MS, account, genesis, key, network, usdc};

pub const BTC: UnderlyingId = UnderlyingId(0);
/// 2026-08-08T08:00:00Z and 2026-08-28T08:00:00Z.
pub const NEAR_MS: u64 = START_MS + 8 * HOUR_MS;
pub const FAR_MS: u64 = NEAR_MS + 20 * 24 * HOUR_MS;

/// Listing costs nothing, and what nobody holds stays.
pub fn free() -> ExoticParameters {
    ExoticParameters { fee_micros: 0, idle_ms: u32::MAX.into(), ..ExoticParameters::default() }
}

/// The genesis of these tests with exotics by such rules.
pub fn genesis_with(rules: ExoticParameters) -> Genesis {
    Genesis { exotics: Some(rules), ..genesis() }
}

pub fn bench_with(rules: ExoticParameters) -> Bench {
    Bench::with(|it| it.exotics = Some(rules)).fund()
}

pub fn bench() -> Bench {
    bench_with(free())
}

/// An underlying whose symbol is as long as they get, with exotics as fine as their names can say.
pub fn bench_of_long_names() -> Bench {
    let rules = ExoticParameters { step_billionths: 10_000, ..free() };
    Bench::with(|it| {
        it.instruments.iter_mut().for_each(|name| *name = name.replace("BTC", "LONGNAME"));
        it.underlyings[0].symbol = "LONGNAME".to_owned();
        it.underlyings[0].option.tick_micros = 1;
        it.exotics = Some(rules);
    })
    .fund()
}

/// Terms whose name does not fit where `bench_of_long_names` lists them.
pub fn long_named() -> ExoticTerms {
    let (level, rebate) = (usdc(200_001), Cash::from_micros(12_345_678_901));
    far(call(ExoticStyle::Barrier { crossing: Crossing::Rises, knock: Knock::Out, level, rebate }))
}

/// On BTC at 64,000, in the nearer expiry.
pub fn terms(right: OptionRight, style: ExoticStyle) -> ExoticTerms {
    let expiry = Timestamp::from_millis(NEAR_MS);
    ExoticTerms { underlying: BTC, expiry, strike: usdc(64_000), right, style }
}

pub fn call(style: ExoticStyle) -> ExoticTerms {
    terms(OptionRight::Call, style)
}

pub fn put(style: ExoticStyle) -> ExoticTerms {
    terms(OptionRight::Put, style)
}

pub fn far(it: ExoticTerms) -> ExoticTerms {
    ExoticTerms { expiry: Timestamp::from_millis(FAR_MS), ..it }
}

/// A barrier option's style with a level and a rebate in whole USDC.
pub fn barrier(crossing: Crossing, knock: Knock, level: i64, rebate: i64) -> ExoticStyle {
    ExoticStyle::Barrier { crossing, knock, level: usdc(level), rebate: usdc(rebate) }
}

pub fn create(terms: ExoticTerms) -> Action {
    Action::CreateExotic { terms }
}

pub fn list(bench: &mut Bench, terms: ExoticTerms) -> InstrumentId {
    let listed = match bench.act(1, vec![create(terms)])[..] {
        [Outcome::Exotic { instrument }] => Some(instrument),
        _ => None,
    };
    listed.expect("the terms make an exotic")
}

pub fn leg(instrument: InstrumentId, side: Side, lots: u64, price: i64) -> BlockLeg {
    BlockLeg { instrument, side, price: Ticks::new(price), lots: Lots::new(lots) }
}

/// An offer of `maker` to whoever takes it.
pub fn offer(bench: &mut Bench, maker: u8, legs: Vec<BlockLeg>) -> Action {
    let terms = BlockTerms {
        network: network(),
        maker: account(maker),
        key: key(maker).public_key(),
        nonce: bench.next_nonce(),
        taker: None,
        valid_until: Timestamp::MAX,
        legs: List::new(legs).expect("few legs"),
    };
    Action::TakeBlock { offer: Boxed::new(terms.sign(&key(maker))) }
}

/// `seller` sells lots to `buyer` at a price in half dollars.
pub fn deal(bench: &mut Bench, (seller, buyer): (u8, u8), (id, lots, price): (InstrumentId, u64, i64)) {
    let taken = offer(bench, seller, vec![leg(id, Side::Sell, lots, price)]);
    assert_eq!(bench.act(buyer, vec![taken]), [Outcome::Done], "{id:?} trades");
}

/// Goes to some minutes before a time, where all reporters say a price.
pub fn report_before(bench: &mut Bench, (at_ms, minutes): (u64, u64), usd: i64) -> Vec<Event> {
    bench.now_ms = at_ms - minutes * MINUTE_MS;
    bench.report(0, usd)
}

pub fn mark(bench: &Bench, id: InstrumentId) -> Cash {
    let it = bench.state.instrument(id).and_then(exchange::Instrument::mark);
    it.expect("it has a mark")
}

/// Puts the state back that its own snapshot says, and checks that both are one.
pub fn reload(bench: &mut Bench, genesis: &Genesis) {
    let mut saved = Vec::new();
    bench.state.save(&mut saved);
    let again = State::load(genesis, network(), &mut Input::new(&saved)).expect("a saved state loads");
    let mut resaved = Vec::new();
    again.save(&mut resaved);
    assert_eq!(saved, resaved);
    let leaves = |state: &State| {
        let mut all = Vec::new();
        state.leaves(|key, leaf| all.push((key.encode(), leaf)));
        all
    };
    assert_eq!(leaves(&again), leaves(&bench.state));
    bench.state = again;
}
