//! Deribit-compatible JSON-RPC, WebSocket and REST server, and the trading page.
//!
//! Invariant: a gateway follows the commits of a node and runs the same deterministic program on them, so what
//! it shows is what the validators decided; two gateways that saw the same commits answer the same.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::as_conversions,
    reason = "the shell: clocks, and numbers for JSON"
)]

pub mod decimal;
