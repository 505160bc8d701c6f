//! The deterministic state machine: books, ledger, margin, liquidation, settlement, oracle.

pub mod book;
pub mod stream;
