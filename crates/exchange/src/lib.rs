//! The deterministic state machine: books, ledger, margin, liquidation, settlement, oracle.

pub mod book;
pub mod calendar;
pub mod ledger;
pub mod name;
pub mod nonce;
pub mod oracle;
pub mod stream;
