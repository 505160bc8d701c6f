//! Replay of a recorded command stream through a book: the public yardstick of matching.
//!
//! A stream is a header of 32 bytes (magic, header size, record size, count, seed) and records of 24 bytes
//! (operation, side, two zero bytes, lots, order, price), all little-endian. It is decoded whole before it
//! runs, so that what is timed is matching alone.
//!
//! Invariant: bytes that break the format are refused with the place and the reason before anything runs;
//! a decoded stream replays to the same hashes on every machine and every book. An order outside the
//! market's limits is well-formed: it is counted as rejected and changes nothing.
//! Left out on purpose: files and clocks; whoever times a replay calls `Replayer::apply` between readings.

mod format;
mod generate;
mod replay;

use num::{Lots, Side, Ticks};
use wire::OrderId;

pub use format::{Field, StreamError};
pub use replay::{Checkpoint, Counts, MarketLimits, Replay, Replayer, replay, replay_with_checkpoints};

/// One decoded record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A limit order whose rest stays in the book.
    Add { id: OrderId, side: Side, lots: Lots, price: Ticks },
    /// Takes an order out of the book; the number may mean none.
    Cancel { id: OrderId },
    /// Trades at any price; the rest is dropped.
    Market { id: OrderId, side: Side, lots: Lots },
    /// Trades up to its limit; the rest is dropped.
    Immediate { id: OrderId, side: Side, lots: Lots, limit: Ticks },
}

/// A decoded stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// What the generator started from; for reports only.
    pub seed: u64,
    pub commands: Vec<Command>,
}
