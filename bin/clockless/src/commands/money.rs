//! `clockless transfer` and `clockless withdraw`: what a gateway refuses, because it takes the owner's key.
//!
//! Invariant: an amount is exact to a millionth or refused.

use clap::Args;
use num::Cash;
use wire::{Action, Destination};

use crate::{commands::trader::Through, failure::Failure};

#[derive(Args, Debug)]
pub struct TransferArguments {
    #[command(flatten)]
    through: Through,
    /// USDC, such as 1000 or 0.5.
    #[arg(long)]
    amount: String,
    /// The owner's subaccount that gets it.
    #[arg(long)]
    to_subaccount: u16,
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub struct WithdrawArguments {
    #[command(flatten)]
    through: Through,
    /// USDC, such as 1000 or 0.5.
    #[arg(long, requires = "to", required_unless_present = "cancel")]
    amount: Option<String>,
    /// Where it goes: up to 64 bytes, in hexadecimal digits.
    #[arg(long, requires = "amount")]
    to: Option<String>,
    /// The number of a withdrawal: what of it has not been paid comes back.
    #[arg(long, conflicts_with_all = ["amount", "to"])]
    cancel: Option<u64>,
    #[arg(long)]
    json: bool,
}

pub fn transfer(arguments: &TransferArguments) -> Result<(), Failure> {
    let amount = usdc(&arguments.amount)?;
    let action = Action::Transfer { subaccount: arguments.to_subaccount, amount };
    arguments.through.submit(action, arguments.json)
}

pub fn withdraw(arguments: &WithdrawArguments) -> Result<(), Failure> {
    let action = match arguments.cancel {
        Some(withdrawal) => Action::CancelWithdrawal { withdrawal },
        None => Action::Withdraw {
            amount: usdc(arguments.amount.as_deref().unwrap_or_default())?,
            to: destination(arguments.to.as_deref().unwrap_or_default())?,
        },
    };
    arguments.through.submit(action, arguments.json)
}

fn usdc(text: &str) -> Result<Cash, Failure> {
    let micros = gateway::decimal::parse(text, 6);
    let micros = micros.map_err(|error| Failure::bad_input(format!("--amount: {error}")))?;
    let wrong = || Failure::bad_input(format!("--amount {text}: an amount above zero is expected"));
    (micros > 0).then(|| Cash::from_micros(micros)).ok_or_else(wrong)
}

fn destination(text: &str) -> Result<Destination, Failure> {
    let most = Destination::MAX;
    let wrong = || {
        Failure::bad_input(format!("--to {text:?}: 1 to {most} bytes are expected, in hexadecimal digits"))
    };
    let bytes = hex::decode(text).ok().filter(|bytes| !bytes.is_empty());
    bytes.and_then(Destination::new).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_destinations_are_exact_or_refused() {
        assert_eq!(usdc("0.5").unwrap(), Cash::from_micros(500_000));
        for text in ["0", "-1", "0.0000001", "much", ""] {
            assert!(usdc(text).unwrap_err().to_string().starts_with("--amount"), "{text}");
        }
        assert_eq!(&destination("0a0b").unwrap()[..], [10, 11]);
        for text in ["", "0", "xy", &"00".repeat(65)] {
            assert!(destination(text).unwrap_err().to_string().contains("--to"), "{text}");
        }
    }
}
