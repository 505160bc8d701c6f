//! `clockless faucet`: USDC out of nothing, on networks whose genesis allows it.

use clap::Args;
use num::Cash;
use wire::Action;

use crate::{
    commands::{
        block_on,
        outcome::Units,
        trader::{NodeArguments, SignerArguments},
    },
    failure::Failure,
};

#[derive(Args, Debug)]
pub struct FaucetArguments {
    #[command(flatten)]
    node: NodeArguments,
    #[command(flatten)]
    signer: SignerArguments,
    /// USDC, such as 1000 or 0.5.
    #[arg(long)]
    amount: String,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &FaucetArguments) -> Result<(), Failure> {
    let micros = gateway::decimal::parse(&arguments.amount, 6)
        .map_err(|error| Failure::bad_input(format!("--amount: {error}")))?;
    let signer = arguments.signer.read()?;
    block_on(async {
        let mut connection = arguments.node.connect().await?;
        let action = Action::Faucet { amount: Cash::from_micros(micros) };
        let became = connection.submit(&signer, action).await?;
        became.tell(signer.account, &Units(&[]), arguments.json)
    })?
}
