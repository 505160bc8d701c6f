//! Replay of command streams: what the format's own reference engine says is what both books say.
//!
//! The golden stream beside this file was written by the generator of the format (seed 7, 600 commands) and
//! its figures by the independent reference engine. The larger streams lie outside the repository; without
//! them their tests say so and pass.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use exchange::book::{OrderBook, PagedBook, ReferenceBook};
use exchange::stream::{Checkpoint, Counts, Replay, Stream, replay, replay_with_checkpoints};
use num::Ticks;

const GOLDEN: &[u8] = include_bytes!("matching_golden.bin");

/// A file of the shared folder; `None`, with a line that says so, where there is none.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn shared(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/matching").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: no shared folder with matching/{name}");
    }
    bytes
}

fn expected_debug_stream() -> Replay {
    Replay {
        counts: Counts {
            commands: 10_000,
            trades: 4_212,
            traded_lots: 50_988,
            notional: 5_098_845_573,
            commands_that_traded: 2_294,
            trades_max: 59,
            rejected_cancels: 88,
            rejected_orders: 0,
            refused_rests: 0,
            dropped_lots: 6_305,
        },
        end: Checkpoint {
            after_command: 10_000,
            trades: 4_212,
            trade_hash: 0x66ab_2ccd_7833_4944,
            book_checksum: 0x2b7b_aaf7_1372_89a7,
            resting: 717,
            best_bid: Some(Ticks::new(100_010)),
            best_ask: Some(Ticks::new(100_011)),
            bid_levels: 109,
            ask_levels: 101,
        },
    }
}

fn expected_golden_stream() -> Replay {
    Replay {
        counts: Counts {
            commands: 600,
            trades: 237,
            traded_lots: 1_962,
            notional: 196_197_511,
            commands_that_traded: 120,
            trades_max: 12,
            rejected_cancels: 5,
            rejected_orders: 0,
            refused_rests: 0,
            dropped_lots: 827,
        },
        end: Checkpoint {
            after_command: 600,
            trades: 237,
            trade_hash: 0xb8cf_3fdd_2c5a_642f,
            book_checksum: 0x02ac_bcfe_5d74_d0ad,
            resting: 39,
            best_bid: Some(Ticks::new(100_000)),
            best_ask: Some(Ticks::new(100_002)),
            bid_levels: 17,
            ask_levels: 16,
        },
    }
}

fn check<B: OrderBook>(bytes: &[u8], expected: &Replay) {
    let stream = Stream::parse(bytes).expect("the stream is well-formed");
    assert_eq!(&replay::<B>(&stream), expected);
}

#[test]
fn both_books_replay_the_golden_stream_as_the_reference_engine_does() {
    check::<PagedBook>(GOLDEN, &expected_golden_stream());
    check::<ReferenceBook>(GOLDEN, &expected_golden_stream());
}

#[test]
fn both_books_replay_the_debug_stream_as_the_reference_engine_does() {
    let Some(bytes) = shared("debug10k.bin") else { return };
    check::<PagedBook>(&bytes, &expected_debug_stream());
    check::<ReferenceBook>(&bytes, &expected_debug_stream());
}

#[test]
fn the_generator_makes_the_streams_of_the_format() {
    let same = |seed, count, bytes: &[u8]| assert!(Stream::generate(seed, count).to_bytes() == bytes);
    same(7, 600, GOLDEN);
    if let Some(bytes) = shared("debug10k.bin") {
        same(42, 10_000, &bytes);
    }
}

#[test]
fn the_public_stream_passes_every_checkpoint() {
    let stream = Stream::generate(20_240_601, 2_000_000);
    let interval = NonZeroUsize::new(100_000).expect("not zero");
    let (replay, checkpoints) = replay_with_checkpoints::<PagedBook>(&stream, interval);
    let last = "2000000,969152,6743138037a12003,48fd472c261141d2,14602,99958,99962,401,435";
    assert_eq!(line(&replay.end), last);
    assert_eq!(replay.counts.rejected_cancels, 24_540);
    let Some(lines) = shared("public.checkpoints.csv") else { return };
    let lines = String::from_utf8(lines).expect("the published checkpoints are text");
    let expected: Vec<&str> = lines.lines().skip(1).collect();
    assert_eq!(checkpoints.iter().map(line).collect::<Vec<_>>(), expected);
}

/// A checkpoint as the published files write it.
fn line(at: &Checkpoint) -> String {
    let price = |price: Option<Ticks>| price.map_or(String::new(), |price| price.get().to_string());
    format!(
        "{},{},{:016x},{:016x},{},{},{},{},{}",
        at.after_command,
        at.trades,
        at.trade_hash,
        at.book_checksum,
        at.resting,
        price(at.best_bid),
        price(at.best_ask),
        at.bid_levels,
        at.ask_levels
    )
}

#[test]
fn checkpoints_end_with_the_state_at_the_end_and_differ_in_between() {
    let stream = Stream::parse(GOLDEN).unwrap();
    let (replay, checkpoints) =
        replay_with_checkpoints::<PagedBook>(&stream, NonZeroUsize::new(250).unwrap());
    let after: Vec<u64> = checkpoints.iter().map(|checkpoint| checkpoint.after_command).collect();
    assert_eq!(after, [250, 500, 600]);
    assert_eq!(checkpoints.last(), Some(&replay.end));
    assert_ne!(checkpoints[0].trade_hash, checkpoints[1].trade_hash);
}
