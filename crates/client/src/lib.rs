//! Builds and signs intents, talks to a node, verifies receipts, roots and proofs.
//!
//! Invariant: nothing a node says about money is believed without a certificate that the committee's keys
//! alone confirm. Only `node` touches a socket.
#![allow(
    clippy::disallowed_types,
    reason = "the transport is a shell: no order of iteration is seen outside"
)]

mod balance;
mod leaf;
mod node;
mod receipt;
mod wallet;

/// The node's protocol, as generated from proto/clockless/node/v1/node.proto.
pub mod protocol {
    #![allow(
        missing_debug_implementations,
        clippy::all,
        clippy::as_conversions,
        clippy::too_many_lines,
        clippy::excessive_nesting,
        clippy::semicolon_if_nothing_returned,
        rust_2018_idioms,
        reason = "generated code"
    )]
    tonic::include_proto!("clockless.node.v1");

    /// For the reflection service.
    pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/node_descriptor.bin"));
}

pub use balance::BalanceProof;
pub use leaf::{LeafProof, Unproved};
pub use node::{Committed, NodeClient, NodeError};
pub use receipt::{ProvedReceipt, ReceiptProof};
pub use wallet::Wallet;
