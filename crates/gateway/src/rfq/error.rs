//! Why a call about a request for quotes is refused.
//!
//! Invariant: who may not see a request or a quote is told that there is none.

use num::Fix;

use crate::rpc::{Code, RpcError};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RfqError {
    #[error("there is no block RFQ {have}")]
    UnknownRequest { have: u64 },
    #[error("there is no quote {have}")]
    UnknownQuote { have: u64 },
    #[error("block RFQ {have} has ended")]
    RequestEnded { have: u64 },
    #[error("block RFQ {have} is being traded")]
    RequestTrading { have: u64 },
    #[error("quote {have} has ended")]
    QuoteEnded { have: u64 },
    #[error("the block RFQ is the caller's own")]
    OwnRequest,
    #[error("the legs are others than those of the block RFQ")]
    OtherLegs,
    #[error("the hedge is another than that of the block RFQ")]
    OtherHedge,
    #[error("nothing waits on block RFQ {have}")]
    NoTrigger { have: u64 },
    #[error("the price of the structure is too large")]
    PriceTooLarge,
    #[error("an amount of {have}, must be a multiple of {need} above zero")]
    AmountStep { have: Fix, need: Fix },
    #[error("an amount of {have}, at most {need} was asked for")]
    AmountTooLarge { have: Fix, need: Fix },
    #[error("{have} of {need} can be had at this price")]
    NotFillable { have: Fix, need: Fix },
    #[error("{have} block RFQs are open, and {need} is the most there can be")]
    RequestLimit { have: usize, need: usize },
    #[error("{have} quotes are open on the block RFQ, and {need} is the most there can be")]
    QuoteLimit { have: usize, need: usize },
}

impl From<RfqError> for RpcError {
    fn from(error: RfqError) -> Self {
        let code = match error {
            RfqError::UnknownRequest { .. } | RfqError::UnknownQuote { .. } | RfqError::NoTrigger { .. } => {
                Code::NotFound
            }
            RfqError::RequestEnded { .. } | RfqError::QuoteEnded { .. } => Code::NotOpenOrder,
            RfqError::RequestTrading { .. } => Code::TemporarilyUnavailable,
            RfqError::OwnRequest => Code::Forbidden,
            RfqError::OtherLegs | RfqError::OtherHedge | RfqError::PriceTooLarge => Code::InvalidArguments,
            RfqError::AmountStep { .. } | RfqError::AmountTooLarge { .. } => Code::InvalidAmount,
            RfqError::NotFillable { .. } => Code::OtherReject,
            RfqError::RequestLimit { .. } | RfqError::QuoteLimit { .. } => Code::OpenOrdersLimit,
        };
        Self::new(code, error.to_string())
    }
}
