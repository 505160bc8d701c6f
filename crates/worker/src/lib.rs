//! Turns intents into available batches: one worker of a validator, pure.
//!
//! A [`Worker`] takes submissions, seals them into batches, hands those to the workers of its number at the other
//! validators, keeps theirs, and asks for what its primary (the validator's agreement) lacks. Between the two pass
//! references, never bytes, until the primary asks for the contents of what is ordered. One that is a process of its own
//! outlives committees: [`Epochs`].
//!
//! Invariant: an own batch is persisted before anything is said of it, and so is a batch before it is said to be
//! held; a batch that is held can be handed to whoever asks until it is forgotten; what waits to be batched is
//! bounded, and beyond the bound a client is told so.
//! Left out on purpose: what a transaction means, and which batches are ordered.

mod builder;
mod epochs;
mod questions;
mod room;
mod sections;
mod shelf;
mod unordered;
mod worker;

pub use builder::{Builder, BuilderLimits, Sealed};
pub use epochs::{Effect, Epochs, Event};
pub use room::{Busy, Shares};
pub use shelf::{Held, Shelf};
pub use unordered::Unordered;
pub use worker::{Input, Output, Settings, Worker};
