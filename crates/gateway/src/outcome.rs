//! What became of an intent, in the venue's words.
//!
//! Invariant: every reject of the exchange has a code of the venue, and its text names what was had and what
//! was needed.

use wire::{OrderId, Outcome as Result_, Reject};

use crate::rpc::{Code, RpcError};

/// An executed intent.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub commit: u64,
    pub orders: Vec<OrderId>,
    /// Trades with numbers above this one came of it.
    pub trades_above: u64,
    /// Why actions of it were refused.
    pub rejected: Vec<RpcError>,
}

impl Outcome {
    /// Reads the receipt.
    pub fn read(commit: u64, trades_above: u64, outcomes: &[Result_]) -> Self {
        let mut read = Self { commit, orders: Vec::new(), trades_above, rejected: Vec::new() };
        for outcome in outcomes {
            match outcome {
                Result_::Done
                | Result_::Withdrawing { .. }
                | Result_::Proposed { .. }
                | Result_::Combo { .. } => {}
                Result_::Placed { order } | Result_::Repeated { order, .. } => read.orders.push(*order),
                Result_::Quoted { bid, ask } => read.orders.extend(bid.iter().chain(ask)),
                Result_::Rejected { reject } => read.rejected.push(rejected(reject)),
            }
        }
        read
    }

    /// The first refused action as the error.
    pub fn whole(mut self) -> Result<Self, RpcError> {
        if self.rejected.is_empty() { Ok(self) } else { Err(self.rejected.swap_remove(0)) }
    }

    /// Whether a trade in the venue's JSON is one of this outcome.
    pub fn has_trade(&self, trade: &serde_json::Value) -> bool {
        let id = trade["trade_id"].as_str().and_then(|id| id.parse::<u64>().ok());
        id.is_some_and(|id| id > self.trades_above)
    }
}

/// A reject as the venue would say it.
pub fn rejected(reject: &Reject) -> RpcError {
    let code = match reject {
        Reject::UnknownInstrument { .. } | Reject::UnknownUnderlying { .. } => Code::InvalidInstrument,
        Reject::InstrumentClosed { .. } => Code::BookClosed,
        Reject::PositionTooLarge { .. } => Code::PositionLimit,
        Reject::LotsZero | Reject::LotsTooLarge { .. } | Reject::AmendBelowFilled { .. } => {
            Code::InvalidAmount
        }
        Reject::PriceNotPositive { .. } => Code::InvalidPrice,
        Reject::PriceOutsideBand { have, low, .. } if have < low => Code::PriceTooLow,
        Reject::PriceOutsideBand { .. } => Code::PriceTooHigh,
        Reject::OpenOrderLimit { .. } | Reject::BookFull { .. } => Code::OpenOrdersLimit,
        Reject::PostOnlyWouldTrade { .. } | Reject::PostOnlyWithoutLimit => Code::PostOnlyReject,
        Reject::MarginTooLow { .. } | Reject::BalanceTooLow { .. } | Reject::Liquidating => {
            Code::NotEnoughFunds
        }
        Reject::UnknownOrder => Code::OrderNotFound,
        Reject::OracleRung { .. } | Reject::Paused { .. } => Code::TemporarilyUnavailable,
        Reject::OtherPool { .. } => Code::TransferNotAllowed,
        Reject::OfferUnsigned | Reject::OfferNotForAccount => Code::Forbidden,
        Reject::WithdrawalsClosed | Reject::NotMember | Reject::NotGuardian => Code::PermissionDenied,
        Reject::UnknownWithdrawal { .. } => Code::NotFound,
        Reject::WithdrawalLimit { .. } => Code::TooManyRequests,
        Reject::NotOwner { .. } => Code::NotOwner,
        Reject::ProtectionFrozen { .. } => Code::OtherReject,
        Reject::Expired { .. } => Code::TimedOut,
        Reject::DisplayOutOfRange { .. } | Reject::NoVolatilityPrice { .. } => Code::InvalidArguments,
        Reject::TriggerNotPositive { .. } => Code::InvalidPrice,
        Reject::PrimaryEnded => Code::NotOpenOrder,
        Reject::KeyMayNotTrade | Reject::OwnerOnly | Reject::FaucetClosed | Reject::NotReporter => {
            Code::PermissionDenied
        }
        Reject::UnknownKey { .. } | Reject::KeyExpired { .. } | Reject::BadSignature => Code::Unauthorized,
        Reject::ReduceOnlyWouldOpen { .. } | Reject::NotFillable { .. } | Reject::LabelInUse { .. } => {
            Code::InvalidArguments
        }
        _ => Code::BadRequest,
    };
    RpcError::new(code, reject.to_string())
}
