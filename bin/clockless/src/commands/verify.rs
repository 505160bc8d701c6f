//! `clockless verify`: a balance against a certified root, with the genesis only.

use std::path::PathBuf;

use clap::Args;
use client::NodeClient;
use serde_json::json;
use wire::AccountId;

use crate::{
    failure::Failure,
    network::{NetworkGenesis, parse_key},
};

#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The network's genesis: its keys are all that is trusted.
    #[arg(long)]
    genesis: PathBuf,
    /// A node to ask for the proof; it is not trusted.
    #[arg(long)]
    node: String,
    /// The owner's public key, 64 hexadecimal digits.
    #[arg(long)]
    account: String,
    #[arg(long, default_value_t = 0)]
    subaccount: u16,
    /// The balance that is claimed, in USDC; without it any proved balance will do.
    #[arg(long)]
    balance: Option<String>,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    let genesis = NetworkGenesis::read(&arguments.genesis)?;
    let committee = genesis.committee()?;
    let owner = parse_key(&arguments.account)
        .ok_or_else(|| Failure::bad_input("--account: 64 hexadecimal digits are expected"))?;
    let claimed = match &arguments.balance {
        None => None,
        Some(text) => Some(
            gateway::decimal::parse(text, 6)
                .map(num::Cash::from_micros)
                .map_err(|error| Failure::bad_input(format!("--balance: {error}")))?,
        ),
    };
    let account = AccountId { owner, subaccount: arguments.subaccount };
    let proof = super::block_on(async {
        let mut node = NodeClient::connect(&arguments.node).await?;
        node.prove(account).await
    })?
    .map_err(|error| Failure::bad_input(error.to_string()))?;
    let (balance, commit, root) =
        proof.verify(genesis.digest(), &committee).map_err(|error| Failure::failed(error.to_string()))?;
    let out = json!({
        "verified": true,
        "account": arguments.account,
        "balance": balance.map(|it| it.to_string()),
        "commit": commit,
        "root": root.to_string(),
    });
    if arguments.json {
        println!("{out}");
    } else {
        let shown = balance.map_or_else(|| "no such account".to_owned(), |it| format!("{it} USDC"));
        println!("{shown} at commit {commit}, root {root}: signed by a quorum of the committee");
    }
    match claimed {
        Some(claimed) if balance != Some(claimed) => {
            let have = balance.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
            Err(Failure::failed(format!("the claim is {claimed}, the committee signed {have}")))
        }
        _ => Ok(()),
    }
}
