//! Turns intents into available batches.
