//! Smiles and forwards that follow what the books quote, as fast as the rules allow and never into an arbitrage.

mod support;

use exchange::{
    Genesis, Input, State,
    genesis::{Node, SmileParameters, Surface},
    name::{self, Contract, Right},
};
use num::{Cash, DAY_MS, Fix, HOUR_MS, Lots, Rounding, Side, Ticks, Timestamp};
use pricing::Quote;
use support::*;
use wire::{Action, InstrumentId, QuoteSide};

const STRIKES: [i64; 9] = [46_000, 52_000, 56_000, 60_000, 64_000, 68_000, 72_000, 78_000, 86_000];
const INDEX: i64 = 64_000;
/// The smiles of genesis are flat at 50 %.
const FLAT: i64 = 500_000_000;
const EXPIRIES: [u64; 2] = [START_MS + 14 * DAY_MS + 8 * HOUR_MS, START_MS + 42 * DAY_MS + 8 * HOUR_MS];

/// A bench with two expiries of nine strikes and futures, whose maker is user 1.
fn market(change: impl FnOnce(&mut SmileParameters)) -> Bench {
    let mut rules = SmileParameters::default();
    change(&mut rules);
    let mut bench = Bench::with(list(rules));
    bench.act(1, vec![faucet(100_000_000)]);
    bench
}

fn list(rules: SmileParameters) -> impl FnOnce(&mut Genesis) {
    let node = |strike: i64| Node { strike_micros: usdc(strike).micros(), volatility_billionths: FLAT };
    move |genesis| {
        genesis.smiles = Some(rules);
        genesis.halt = None;
        genesis.limits.price_band_billionths = Fix::SCALE;
        genesis.underlyings.truncate(1);
        genesis.underlyings[0].surfaces = EXPIRIES
            .iter()
            .map(|expiry_ms| Surface {
                expiry_ms: *expiry_ms,
                forward_billionths: Fix::SCALE,
                nodes: STRIKES.iter().map(|it| node(*it)).collect(),
            })
            .collect();
        let expiries = EXPIRIES.iter().map(|it| Timestamp::from_millis(*it));
        genesis.instruments = expiries
            .flat_map(|expiry| {
                let options = STRIKES.iter().flat_map(move |strike| {
                    let strike = usdc(*strike);
                    [Right::Call, Right::Put].map(|right| Contract::Option { expiry, strike, right })
                });
                [Contract::Future { expiry }].into_iter().chain(options)
            })
            .map(|contract| name::format("BTC", &contract))
            .collect();
    }
}

fn id_of(bench: &Bench, contract: &Contract) -> InstrumentId {
    let name = name::format("BTC", contract);
    bench.state.instruments().iter().find(|it| it.name == name).expect("listed").id
}

/// Quotes one option half a point of volatility to either side.
fn quote(bench: &Bench, place: usize, strike: i64, volatility: i64, lots: u64) -> Action {
    let expiry = Timestamp::from_millis(EXPIRIES[place]);
    let right = if strike >= INDEX { Right::Call } else { Right::Put };
    let id = id_of(bench, &Contract::Option { expiry, strike: usdc(strike), right });
    let it = &bench.state.instruments()[usize::try_from(id.0).expect("few")];
    let side = |volatility: i64, rounding: Rounding| {
        let quote = Quote {
            right: if right == Right::Call { pricing::Right::Call } else { pricing::Right::Put },
            forward: usdc(INDEX),
            strike: usdc(strike),
            time: expiry.since(Timestamp::from_millis(bench.now_ms)),
            volatility: Fix::from_raw(volatility),
        };
        let price = it.market.ticks(pricing::quote(&quote).0, rounding).expect("a price");
        Some(QuoteSide { price: Ticks::new(price.get().max(1)), lots: Lots::new(lots) })
    };
    let bid = side(volatility - 5_000_000, Rounding::Floor);
    let ask = side(volatility + 5_000_000, Rounding::Ceil);
    Action::Quote { instrument: id, protection: None, bid, ask }
}

/// A smile around a level, with a skew.
fn smile(level: i64, strike: i64) -> i64 {
    let away = (strike - INDEX) / 1_000;
    level + away * away * 150_000 - away * 1_000_000
}

fn quote_smiles(bench: &mut Bench, levels: [i64; 2]) {
    for (place, level) in levels.into_iter().enumerate() {
        let quotes = STRIKES.iter().map(|it| quote(bench, place, *it, smile(level, *it), 50)).collect();
        bench.act(1, quotes);
    }
}

/// The index stays where it is, and marks are made anew every second.
fn pass(bench: &mut Bench, seconds: u64) {
    for _ in 0..seconds {
        bench.now_ms += 1_000 - 10;
        bench.report(0, INDEX);
    }
}

fn volatility(bench: &Bench, place: usize, strike: i64) -> i64 {
    let expiry = Timestamp::from_millis(EXPIRIES[place]);
    let id = id_of(bench, &Contract::Option { expiry, strike: usdc(strike), right: Right::Call });
    bench.state.instruments()[usize::try_from(id.0).expect("few")]
        .valuation
        .as_ref()
        .and_then(|it| it.volatility)
        .expect("marked")
        .raw()
}

fn mark(bench: &Bench, contract: &Contract) -> Cash {
    let id = id_of(bench, contract);
    bench.state.instruments()[usize::try_from(id.0).expect("few")].mark().expect("marked")
}

/// Calls of an expiry fall with the strike, by no more than it rises, and are convex: from the marks alone.
fn assert_free_of_butterflies(bench: &Bench, place: usize) {
    let expiry = Timestamp::from_millis(EXPIRIES[place]);
    let call = |strike: i64| {
        mark(bench, &Contract::Option { expiry, strike: usdc(strike), right: Right::Call }).micros()
    };
    let calls: Vec<(i64, i64)> = STRIKES.iter().map(|it| (*it, call(*it))).collect();
    // Marks are rounded to a millionth, and smiles may be off by 1e-8 of the forward.
    let slack = 2_000;
    for pair in calls.windows(2) {
        let fall = pair[0].1 - pair[1].1;
        assert!((-slack..=(pair[1].0 - pair[0].0) * 1_000_000 + slack).contains(&fall), "{pair:?}");
    }
    for three in calls.windows(3) {
        let (low, high) = (three[1].0 - three[0].0, three[2].0 - three[1].0);
        let line = (three[0].1 * high + three[2].1 * low) / (low + high);
        assert!(three[1].1 <= line + slack, "{three:?}");
    }
}

#[test]
fn a_smile_goes_to_what_is_quoted_and_no_faster_than_the_rule() {
    let mut bench = market(|_| ());
    quote_smiles(&mut bench, [600_000_000, 560_000_000]);
    let mut last = volatility(&bench, 0, INDEX);
    assert_eq!(last, FLAT);
    for _ in 0..60 {
        pass(&mut bench, 1);
        let now = volatility(&bench, 0, INDEX);
        // A turn comes every other second: at most two points a turn.
        assert!((0..=20_000_000).contains(&(now - last)), "from {last} to {now}");
        last = now;
        (0..2).for_each(|place| assert_free_of_butterflies(&bench, place));
    }
    for strike in STRIKES {
        let off = [smile(600_000_000, strike), smile(560_000_000, strike)];
        for (place, wanted) in off.into_iter().enumerate() {
            let have = volatility(&bench, place, strike);
            assert!((have - wanted).abs() < 15_000_000, "{place} {strike}: {have}, quoted {wanted}");
        }
    }
}

#[test]
fn thin_wide_and_small_quotes_say_nothing() {
    let four = |bench: &mut Bench| {
        let quotes = STRIKES[2..6].iter().map(|it| quote(bench, 0, *it, 700_000_000, 50)).collect();
        bench.act(1, quotes);
    };
    let small = |bench: &mut Bench| {
        let quotes = STRIKES.iter().map(|it| quote(bench, 0, *it, 700_000_000, 9)).collect();
        bench.act(1, quotes);
    };
    let fine = |bench: &mut Bench| {
        let quotes = STRIKES.iter().map(|it| quote(bench, 0, *it, 700_000_000, 10)).collect();
        bench.act(1, quotes);
    };
    type Quotes<'a> = &'a dyn Fn(&mut Bench);
    let cases: [(Quotes<'_>, i64, bool); 4] = [
        (&four, 250_000_000, false),
        (&small, 250_000_000, false),
        (&fine, 5_000_000, false),
        (&fine, 250_000_000, true),
    ];
    for (case, (quotes, spread, follows)) in cases.into_iter().enumerate() {
        let mut bench = market(|rules| rules.spread_billionths_max = spread);
        quotes(&mut bench);
        pass(&mut bench, 10);
        assert_eq!(volatility(&bench, 0, INDEX) > FLAT, follows, "case {case}");
        assert_eq!(volatility(&bench, 1, INDEX), FLAT, "nobody quotes the later expiry");
    }
}

#[test]
fn quotes_that_give_something_away_never_become_marks() {
    let mut bench = market(|rules| rules.speed_billionths = Fix::SCALE);
    // The earlier expiry has far more variance than the later one.
    quote_smiles(&mut bench, [2_000_000_000, 400_000_000]);
    for _ in 0..30 {
        pass(&mut bench, 1);
        let variance = |place: usize, strike| {
            let volatility = i128::from(volatility(&bench, place, strike));
            volatility * volatility * i128::from(EXPIRIES[place] - bench.now_ms)
        };
        for strike in STRIKES {
            let (early, late) = (variance(0, strike), variance(1, strike));
            assert!(early <= late + late / 1_000_000, "{strike}: {early} before {late}");
        }
    }
    // A single strike out of line.
    let mut bench = market(|rules| rules.speed_billionths = Fix::SCALE);
    quote_smiles(&mut bench, [FLAT, FLAT]);
    let odd = quote(&bench, 0, 68_000, 1_200_000_000, 50);
    bench.act(1, vec![odd]);
    for _ in 0..30 {
        pass(&mut bench, 1);
        (0..2).for_each(|place| assert_free_of_butterflies(&bench, place));
    }
}

#[test]
fn a_forward_follows_the_book_of_its_future() {
    let mut bench = market(|_| ());
    let future = Contract::Future { expiry: Timestamp::from_millis(EXPIRIES[0]) };
    let id = id_of(&bench, &future);
    // One percent above the index, half a dollar to a tick.
    bench.act(1, vec![buy(id, 100, 2 * 64_630), sell(id, 100, 2 * 64_650)]);
    pass(&mut bench, 2);
    let early = mark(&bench, &future);
    assert!(early > usdc(INDEX) && early < usdc(64_030), "{early}");
    pass(&mut bench, 120);
    assert_eq!(mark(&bench, &future), usdc(64_640));
    let later = Contract::Future { expiry: Timestamp::from_millis(EXPIRIES[1]) };
    assert_eq!(mark(&bench, &later), usdc(INDEX), "nobody quotes the later one");
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    bench.act(1, vec![buy(id, 100, 2 * 60_000), sell(id, 100, 2 * 70_000)]);
    pass(&mut bench, 30);
    assert_eq!(mark(&bench, &future), usdc(64_640), "a wide market says nothing");
    assert_eq!(bench.state.best(id, Side::Buy).map(Ticks::get), Some(120_000));
}

#[test]
fn without_the_rule_smiles_stay_and_a_snapshot_goes_on_in_the_same_turn() {
    let mut still = market(|rules| rules.speed_billionths = 0);
    quote_smiles(&mut still, [700_000_000, 700_000_000]);
    pass(&mut still, 10);
    assert_eq!(volatility(&still, 0, INDEX), FLAT);

    let mut bench = market(|_| ());
    quote_smiles(&mut bench, [600_000_000, 560_000_000]);
    pass(&mut bench, 7);
    let mut bytes = Vec::new();
    bench.state.save(&mut bytes);
    let mut begun = genesis();
    list(SmileParameters::default())(&mut begun);
    let loaded = State::load(&begun, network(), &mut Input::new(&bytes)).expect("what was saved");
    let went_on = |state: State, bench: &mut Bench| {
        bench.state = state;
        pass(bench, 9);
        (0..2).map(|place| volatility(bench, place, 72_000)).collect::<Vec<_>>()
    };
    let (now, own) = (bench.now_ms, bench.state.clone());
    let first = went_on(own, &mut bench);
    bench.now_ms = now;
    assert_eq!(went_on(loaded, &mut bench), first);
}
