//! Money that came in, left, or went from one subaccount to another.
//!
//! Invariant: one entry a deposit and a transfer's side, and one a withdrawal from its request to its end.

use num::Cash;
use wire::AccountId;

/// One movement of an account's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Rises by one for each of the gateway; of a withdrawal the number that the exchange gave it.
    pub id: u64,
    pub amount: Cash,
    pub time_ms: u64,
    pub updated_ms: u64,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Deposit,
    /// To another subaccount, or from it.
    Transfer {
        other: AccountId,
        is_income: bool,
    },
    Withdrawal {
        to: String,
        ready_ms: u64,
        state: WithdrawalState,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalState {
    /// It waits, or is paid in parts.
    Waiting,
    Paid,
    /// What was left of it came back.
    Returned,
}

impl WithdrawalState {
    /// The venue's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "confirmed",
            Self::Paid => "completed",
            Self::Returned => "cancelled",
        }
    }
}
