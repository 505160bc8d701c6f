//! Exotics: terms, books, exercise.

use exchange::genesis::ExoticParameters;
use num::{Cash, Lots, Side, Timestamp};
use wire::{Action, Crossing, ExoticStyle, ExoticTerms, InstrumentId, Knock, Reject};

use super::{Row, told};
use crate::support::{exotics::*, *};

fn refused(terms: ExoticTerms) -> Option<Reject> {
    bench().reject_of(1, create(terms))
}

fn digital(micros: i64) -> ExoticTerms {
    call(ExoticStyle::Cash { amount: Cash::from_micros(micros) })
}

/// User 2 holds ten lots of an American call at a strike, and exercises some.
fn exercised(strike: i64, lots: u64) -> Option<Reject> {
    let mut bench = bench();
    let instrument = list(&mut bench, ExoticTerms { strike: usdc(strike), ..call(ExoticStyle::American) });
    deal(&mut bench, (1, 2), (instrument, 10, 8_000));
    bench.reject_of(2, Action::Exercise { instrument, lots: Lots::new(lots) })
}

pub const ROWS: &[Row] = &[
    ("ExoticsClosed", || told(create(digital(1_000_000)))),
    ("ExoticExpiry", || refused(ExoticTerms { expiry: Timestamp::from_millis(9), ..digital(1_000_000) })),
    ("ExoticPrice", || refused(ExoticTerms { strike: Cash::ZERO, ..digital(1_000_000) })),
    ("ExoticAmount", || refused(digital(-1))),
    ("ExoticLevel", || refused(call(barrier(Crossing::Rises, Knock::Out, 64_000, 0)))),
    ("ExoticFixings", || refused(far(call(ExoticStyle::Asian { fixings: 1 })))),
    ("ExoticName", || bench_of_long_names().reject_of(1, create(long_named()))),
    ("ExoticLimit", || {
        let mut bench = bench_with(ExoticParameters { open_max: 1, ..free() });
        list(&mut bench, digital(1_000_000));
        bench.reject_of(1, create(digital(2_000_000)))
    }),
    ("NoBook", || {
        let mut bench = bench();
        let id: InstrumentId = list(&mut bench, digital(1_000_000));
        bench.reject_of(1, Action::Place { order: limit(id, Side::Buy, 1, 1) })
    }),
    ("NotAmerican", || told(Action::Exercise { instrument: CALL, lots: Lots::new(1) })),
    ("ExerciseTooLarge", || exercised(60_000, 11)),
    ("NotInTheMoney", || exercised(64_000, 1)),
];
