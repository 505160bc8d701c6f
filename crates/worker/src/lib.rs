//! Turns intents into available batches.
//!
//! Invariant: a batch that is held can be handed to whoever asks until it is forgotten; what waits to be
//! batched is bounded, and beyond the bound a client is told so.
//! Left out on purpose: what a transaction means.

mod builder;
mod shelf;

pub use builder::{Builder, BuilderLimits, Busy, Sealed};
pub use shelf::{Held, Shelf};
