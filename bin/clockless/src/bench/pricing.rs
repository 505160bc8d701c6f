//! `clockless bench pricing`: how many options a second one thread values, with every variant that the machine has,
//! beside two crates that others use.
//!
//! Invariant: everybody gets the same options and is measured by the best of many short runs, since whatever else a
//! machine does only adds time.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use clap::Args;
use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility, PriceBlackScholes};
use pricing::{American, Columns, Market, Move, Right, ValueColumns, Variant, contract_price};
use serde_json::{Map, Value, json};

use crate::{bench::rounded, failure::Failure};

/// A batch that stays in the caches.
const ROWS: usize = 2_048;
/// The chain of Deribit on a day of August 2026, and a grid of scenarios.
const CHAIN: usize = 1_540;
const SCENARIOS: usize = 33;
const AMERICANS: usize = 16;

#[derive(Args, Debug)]
pub struct PricingArguments {
    /// How long each figure is measured.
    #[arg(long = "for", value_parser = crate::demo::parse_span, default_value = "1s")]
    span: Duration,
    #[arg(long)]
    json: bool,
}

/// Options and what they cost.
struct Book {
    options: Vec<pricing::Option>,
    columns: Columns,
    prices: Vec<f64>,
}

pub fn run(arguments: &PricingArguments) -> Result<(), Failure> {
    let span = arguments.span;
    let (book, chain) = (Book::of(ROWS)?, Book::of(CHAIN)?);
    let mut variants = Map::new();
    for variant in Variant::all() {
        variants.insert(variant.name().into(), measure(variant, &book, &chain, span));
    }
    let best = variants.get(Variant::best().name()).cloned().unwrap_or(Value::Null);
    let peers = peers(&book, span);
    let ratio = |ours: &str, peer: &str, theirs: &str| {
        Some(rounded(best[ours].as_f64()? / peers[peer][theirs].as_f64()?))
    };
    let out = json!({
        "threads": 1,
        "variant": Variant::best().name(),
        "variants": variants,
        "american_options_per_s": americans(span)?.round(),
        "peers": peers,
        "ratio": {
            "price_to_implied_vol": ratio("price_m_per_s", "implied-vol", "price_m_per_s"),
            "implied_to_implied_vol": ratio("implied_m_per_s", "implied-vol", "implied_m_per_s"),
            "price_to_black_scholes": ratio("price_m_per_s", "black_scholes", "price_m_per_s"),
            "greeks_to_black_scholes": ratio("greeks_m_per_s", "black_scholes", "greeks_m_per_s"),
        },
    });
    if arguments.json {
        println!("{out}");
    } else {
        println!("{}", serde_json::to_string_pretty(&out).unwrap_or_default());
    }
    Ok(())
}

impl Book {
    fn of(rows: usize) -> Result<Self, Failure> {
        let mut state = 42_u64;
        let mut between = |low: f64, high: f64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            low + (high - low) * ((state >> 11) as f64 / (1_u64 << 53) as f64)
        };
        let (mut options, mut columns, mut prices) = (Vec::new(), Columns::default(), Vec::new());
        for row in 0..rows {
            let option = pricing::Option {
                right: if row % 2 == 0 { Right::Call } else { Right::Put },
                forward: 64_000.0,
                strike: 64_000.0 * between(0.4, 2.2),
                time: between(0.01, 1.5),
                rate: 0.0,
                volatility: between(0.3, 1.2),
            };
            columns.push(&option).map_err(|error| Failure::failed(error.to_string()))?;
            options.push(option);
        }
        columns.prices(Variant::best(), &mut prices);
        Ok(Self { options, columns, prices })
    }
}

/// Seconds that the fastest of many runs takes.
fn best_of(span: Duration, mut run: impl FnMut()) -> f64 {
    let until = Instant::now() + span;
    let mut best = f64::INFINITY;
    while Instant::now() < until {
        let began = Instant::now();
        run();
        best = best.min(began.elapsed().as_secs_f64());
    }
    best
}

fn millions(rows: usize, seconds: f64) -> f64 {
    rounded(rows as f64 / seconds / 1e6)
}

fn measure(variant: Variant, book: &Book, chain: &Book, span: Duration) -> Value {
    let (mut prices, mut values, mut implied, mut gains) =
        (Vec::new(), ValueColumns::default(), Vec::new(), Vec::new());
    let moves: Vec<Move> = (0..SCENARIOS)
        .map(|i| Move {
            shift: 0.01 * (i as f64 - SCENARIOS as f64 / 2.0),
            volatility_factor: [0.7, 1.0, 1.4][i % 3],
        })
        .collect();
    let price = best_of(span, || black_box(&book.columns).prices(variant, &mut prices));
    let greeks = best_of(span, || black_box(&book.columns).values(variant, &mut values));
    let solved = best_of(span, || black_box(&book.columns).implied(variant, &book.prices, &mut implied));
    let arrays = best_of(span, || black_box(&chain.columns).gains(variant, &moves, &mut gains));
    json!({
        "price_m_per_s": millions(ROWS, price),
        "greeks_m_per_s": millions(ROWS, greeks),
        "implied_m_per_s": millions(ROWS, solved),
        "chain_1540_by_33_ms": rounded(arrays * 1e3),
    })
}

fn americans(span: Duration) -> Result<f64, Failure> {
    let market = Market { spot: 100.0, rate: 0.05, dividend: 0.02, volatility: 0.4 };
    let terms: Vec<American> = (0..AMERICANS)
        .map(|i| American {
            right: if i % 2 == 0 { Right::Call } else { Right::Put },
            strike: 80.0 + 3.0 * i as f64,
            time: 0.2 + 0.1 * i as f64,
        })
        .collect();
    for it in &terms {
        contract_price(it, &market).map_err(|error| Failure::failed(error.to_string()))?;
    }
    let seconds = best_of(span, || {
        for it in &terms {
            let _ = black_box(contract_price(black_box(it), &market));
        }
    });
    Ok(AMERICANS as f64 / seconds)
}

fn peers(book: &Book, span: Duration) -> Value {
    let is_call = |it: &pricing::Option| it.right == Right::Call;
    let price = best_of(span, || {
        for it in black_box(&book.options) {
            let builder = PriceBlackScholes::builder().forward(it.forward).strike(it.strike).expiry(it.time);
            let terms = builder.volatility(it.volatility).is_call(is_call(it)).build_unchecked();
            black_box(terms.calculate::<DefaultSpecialFn>());
        }
    });
    let implied = best_of(span, || {
        for (it, price) in black_box(&book.options).iter().zip(&book.prices) {
            let builder = ImpliedBlackVolatility::builder().option_price(*price).forward(it.forward);
            let terms = builder.strike(it.strike).expiry(it.time).is_call(is_call(it)).build_unchecked();
            black_box(terms.calculate::<DefaultSpecialFn>());
        }
    });
    let other_price = best_of(span, || {
        for it in black_box(&book.options) {
            let price = if is_call(it) { black_scholes::call } else { black_scholes::put };
            black_box(price(it.forward, it.strike, it.rate, it.volatility, it.time));
        }
    });
    let other_greeks = best_of(span, || {
        for it in black_box(&book.options) {
            black_box(black_scholes::compute_all(it.forward, it.strike, it.rate, it.volatility, it.time));
        }
    });
    json!({
        "implied-vol": {"price_m_per_s": millions(ROWS, price), "implied_m_per_s": millions(ROWS, implied)},
        "black_scholes": {
            "price_m_per_s": millions(ROWS, other_price),
            "greeks_m_per_s": millions(ROWS, other_greeks),
        },
    })
}
