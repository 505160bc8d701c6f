//! `clockless faucet`: USDC out of nothing, on networks whose genesis allows it.

use clap::Args;
use num::Cash;
use wire::Action;

use crate::{commands::trader::Through, failure::Failure};

#[derive(Args, Debug)]
pub struct FaucetArguments {
    #[command(flatten)]
    through: Through,
    /// USDC, such as 1000 or 0.5.
    #[arg(long)]
    amount: String,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &FaucetArguments) -> Result<(), Failure> {
    let micros = gateway::decimal::parse(&arguments.amount, 6)
        .map_err(|error| Failure::bad_input(format!("--amount: {error}")))?;
    arguments.through.submit(Action::Faucet { amount: Cash::from_micros(micros) }, arguments.json)
}
