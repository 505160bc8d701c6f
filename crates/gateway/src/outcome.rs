//! What became of an intent, in the venue's words.
//!
//! Invariant: every reject of the exchange has a code of the venue, and its text names what was had and what
//! was needed.

use wire::{InstrumentId, IntentId, OrderId, Outcome as Result_, Reject};

use crate::rpc::{Code, RpcError};

/// An executed intent.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub intent: IntentId,
    pub commit: u64,
    pub orders: Vec<OrderId>,
    /// The combo or exotic that was asked for, new or not.
    pub listed: Option<InstrumentId>,
    /// Trades with numbers above this one came of it.
    pub trades_above: u64,
    /// The last trade of the commit.
    pub trades_last: u64,
    /// Why actions of it were refused.
    pub rejected: Vec<RpcError>,
}

impl Outcome {
    /// Reads the receipt.
    pub fn read((intent, commit): (IntentId, u64), trades_above: u64, outcomes: &[Result_]) -> Self {
        let mut read = Self {
            intent,
            commit,
            orders: Vec::new(),
            listed: None,
            trades_above,
            trades_last: trades_above,
            rejected: Vec::new(),
        };
        for outcome in outcomes {
            match outcome {
                Result_::Done | Result_::Withdrawing { .. } | Result_::Proposed { .. } => {}
                Result_::Combo { instrument, .. } | Result_::Exotic { instrument } => {
                    read.listed = Some(*instrument);
                }
                Result_::Placed { order } | Result_::Repeated { order, .. } => read.orders.push(*order),
                Result_::Quoted { bid, ask } => read.orders.extend(bid.iter().chain(ask)),
                // The others of a group fell with the one that was refused.
                Result_::Rejected { reject: Reject::GroupFailed { .. } } => {}
                Result_::Rejected { reject } => read.rejected.push(rejected(reject)),
            }
        }
        read
    }

    /// The first refused action as the error.
    pub fn whole(mut self) -> Result<Self, RpcError> {
        if self.rejected.is_empty() { Ok(self) } else { Err(self.rejected.swap_remove(0)) }
    }
}

/// A reject as the venue would say it.
pub fn rejected(reject: &Reject) -> RpcError {
    RpcError::new(code(reject).unwrap_or(Code::BadRequest), reject.to_string())
}

/// The venue's code of a reject. A test holds that every reject has one, here and in docs/api.md.
fn code(reject: &Reject) -> Option<Code> {
    of_order(reject).or_else(|| of_account(reject))
}

/// What is wrong with an order, or with the market for it.
fn of_order(reject: &Reject) -> Option<Code> {
    Some(match reject {
        Reject::UnknownInstrument { .. } | Reject::UnknownUnderlying { .. } => Code::InvalidInstrument,
        Reject::InstrumentClosed { .. } | Reject::Halted { .. } | Reject::NoBook { .. } => Code::BookClosed,
        Reject::PositionTooLarge { .. } | Reject::OpenInterestLimit { .. } => Code::PositionLimit,
        Reject::LotsZero
        | Reject::LotsTooLarge { .. }
        | Reject::AmendBelowFilled { .. }
        | Reject::AmountNotPositive { .. }
        | Reject::AmountTooLarge { .. }
        | Reject::PartOutOfRange { .. }
        | Reject::ExoticAmount { .. }
        | Reject::ExerciseTooLarge { .. }
        | Reject::VaultShares { .. } => Code::InvalidAmount,
        Reject::PriceNotPositive { .. }
        | Reject::TriggerNotPositive { .. }
        | Reject::ExoticPrice { .. }
        | Reject::ExoticLevel { .. } => Code::InvalidPrice,
        Reject::PriceOutsideBand { have, low, .. } if have < low => Code::PriceTooLow,
        Reject::PriceOutsideBand { .. } => Code::PriceTooHigh,
        Reject::OpenOrderLimit { .. } | Reject::BookFull { .. } => Code::OpenOrdersLimit,
        Reject::PostOnlyWouldTrade { .. } | Reject::PostOnlyWithoutLimit => Code::PostOnlyReject,
        Reject::MarginTooLow { .. } | Reject::BalanceTooLow { .. } | Reject::Liquidating => {
            Code::NotEnoughFunds
        }
        Reject::UnknownOrder => Code::OrderNotFound,
        Reject::NotOwner { .. } => Code::NotOwner,
        Reject::PrimaryEnded => Code::NotOpenOrder,
        Reject::OracleRung { .. } | Reject::Paused { .. } | Reject::NoMark { .. } => {
            Code::TemporarilyUnavailable
        }
        Reject::ProtectionFrozen { .. } | Reject::GroupFailed { .. } | Reject::RewardTooLow { .. } => {
            Code::OtherReject
        }
        Reject::DisplayOutOfRange { .. }
        | Reject::NoVolatilityPrice { .. }
        | Reject::ReduceOnlyWouldOpen { .. }
        | Reject::NotFillable { .. }
        | Reject::ComboLegs { .. }
        | Reject::ComboRatios { .. }
        | Reject::ComboInOffer { .. }
        | Reject::ExoticExpiry { .. }
        | Reject::ExoticFixings { .. }
        | Reject::ExoticName { .. }
        | Reject::NotAmerican { .. }
        | Reject::NotInTheMoney { .. }
        | Reject::LabelInUse { .. } => Code::InvalidArguments,
        _ => return None,
    })
}

/// What is wrong with an intent, its key, or what its account asks for.
fn of_account(reject: &Reject) -> Option<Code> {
    Some(match reject {
        Reject::OtherPool { .. } | Reject::SameSubaccount { .. } => Code::TransferNotAllowed,
        Reject::OfferUnsigned | Reject::OfferNotForAccount => Code::Forbidden,
        Reject::WithdrawalsClosed
        | Reject::NotMember
        | Reject::NotGuardian
        | Reject::KeyMayNotTrade
        | Reject::OwnerOnly
        | Reject::FaucetClosed
        | Reject::CombosClosed
        | Reject::ExoticsClosed
        | Reject::NotReporter => Code::PermissionDenied,
        Reject::UnknownWithdrawal { .. }
        | Reject::UnknownProtection { .. }
        | Reject::UnknownParameter
        | Reject::UnknownProposal { .. }
        | Reject::NoAuction
        | Reject::NoVault { .. }
        | Reject::KeyUnknown { .. } => Code::NotFound,
        Reject::WithdrawalLimit { .. } => Code::TooManyRequests,
        Reject::Expired { .. } => Code::TimedOut,
        Reject::UnknownKey { .. } | Reject::KeyExpired { .. } | Reject::BadSignature => Code::Unauthorized,
        Reject::Malformed
        | Reject::WrongNetwork { .. }
        | Reject::NoActions
        | Reject::NonceTooOld { .. }
        | Reject::NonceUsed { .. }
        | Reject::NonceTooLarge { .. }
        | Reject::NotAfter
        | Reject::AccountLimit { .. }
        | Reject::ProposalLimit { .. }
        | Reject::ParameterOutOfRange { .. }
        | Reject::VersionOutOfOrder { .. }
        | Reject::CommitPassed { .. }
        | Reject::PauseTooLong { .. }
        | Reject::PauseTooSoon { .. }
        | Reject::ProtectionLimit { .. }
        | Reject::TimeNotAhead { .. }
        | Reject::SpanZero
        | Reject::KeyIsOwner
        | Reject::KeyLimit { .. }
        | Reject::VaultLocked { .. }
        | Reject::VaultWorthless { .. }
        | Reject::ComboLimit { .. }
        | Reject::ExoticLimit { .. }
        | Reject::ObservationOutOfRange { .. }
        | Reject::ObservationAhead { .. }
        | Reject::ObservationStale { .. } => Code::BadRequest,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use commonware_codec::Read;

    use super::*;

    /// Longer than any reject.
    const ZEROS: usize = 256;

    /// One reject of every kind, with zeros for its numbers.
    fn all() -> Vec<Reject> {
        let of = |tag: u8| {
            let mut bytes = bytes::Bytes::from([vec![tag], vec![0; ZEROS]].concat());
            Reject::read_cfg(&mut bytes, &()).ok()
        };
        (0..=u8::MAX).filter_map(of).collect()
    }

    fn name(reject: &Reject) -> String {
        format!("{reject:?}").split([' ', '{']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn every_reject_and_its_code_stand_in_the_documents() {
        let written = include_str!("../../wire/src/reject.rs");
        let kinds = written
            .lines()
            .filter(|line| line.trim().split_once(" => ").is_some_and(|(tag, _)| tag.parse::<u8>().is_ok()));
        assert_eq!(all().len(), kinds.count(), "a reject that zeros do not make");
        let mut rows: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for reject in all() {
            let code = code(&reject).unwrap_or_else(|| panic!("{} has no code", name(&reject)));
            rows.entry(code.number()).or_default().insert(format!("`{}`", name(&reject)));
        }
        // A price below the band has a code of its own.
        rows.entry(Code::PriceTooLow.number()).or_default().insert("`PriceOutsideBand`".to_owned());
        let document = include_str!("../../../docs/api.md");
        for (number, names) in rows {
            let row = format!("| {number} | {} |", names.into_iter().collect::<Vec<_>>().join(", "));
            assert!(document.contains(&row), "docs/api.md needs the row\n{row}");
        }
    }
}
