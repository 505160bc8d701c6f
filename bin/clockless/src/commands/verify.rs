//! `clockless verify`: a balance, or what became of an intent, against a certified root, with the genesis only.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use client::NodeClient;
use serde_json::json;
use wire::{AccountId, Committee, IntentId, Outcome};

use crate::{
    failure::Failure,
    network::{NetworkGenesis, parse_key},
};

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["account", "intent"]))]
pub struct VerifyArguments {
    /// The network's genesis: its keys are all that is trusted.
    #[arg(long)]
    genesis: PathBuf,
    /// A node to ask for the proof; it is not trusted.
    #[arg(long)]
    node: String,
    /// The owner's public key, 64 hexadecimal digits: verifies a balance.
    #[arg(long)]
    account: Option<String>,
    #[arg(long, default_value_t = 0, conflicts_with = "intent")]
    subaccount: u16,
    /// The balance that is claimed, in USDC; without it any proved balance will do.
    #[arg(long, conflicts_with = "intent")]
    balance: Option<String>,
    /// The intent's id, 64 hexadecimal digits: verifies its receipt. Nodes have those of the last commits.
    #[arg(long)]
    intent: Option<String>,
    #[arg(long)]
    json: bool,
}

/// What is trusted.
struct Trusted {
    network: crypto::Digest,
    committee: Committee,
}

pub fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    let genesis = NetworkGenesis::read(&arguments.genesis)?;
    let trusted = Trusted { network: genesis.digest(), committee: genesis.committee()? };
    match (&arguments.account, &arguments.intent) {
        (Some(account), _) => verify_balance(arguments, account, &trusted),
        (None, Some(intent)) => verify_receipt(arguments, intent, &trusted),
        (None, None) => Err(Failure::bad_input("--account or --intent is needed")),
    }
}

fn verify_balance(arguments: &VerifyArguments, account: &str, trusted: &Trusted) -> Result<(), Failure> {
    let owner = parse_key(account)
        .ok_or_else(|| Failure::bad_input("--account: 64 hexadecimal digits are expected"))?;
    let claimed = match &arguments.balance {
        None => None,
        Some(text) => Some(
            gateway::decimal::parse(text, 6)
                .map(num::Cash::from_micros)
                .map_err(|error| Failure::bad_input(format!("--balance: {error}")))?,
        ),
    };
    let id = AccountId { owner, subaccount: arguments.subaccount };
    let proof = super::block_on(async {
        let mut node = NodeClient::connect(&arguments.node).await?;
        node.prove(id).await
    })?
    .map_err(|error| Failure::bad_input(error.to_string()))?;
    let (balance, commit, root) = proof
        .verify(trusted.network, &trusted.committee)
        .map_err(|error| Failure::failed(error.to_string()))?;
    let out = json!({
        "verified": true,
        "account": account,
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

fn verify_receipt(arguments: &VerifyArguments, intent: &str, trusted: &Trusted) -> Result<(), Failure> {
    let id = parse_key(intent)
        .map(|bytes| IntentId(crypto::Digest(bytes.0)))
        .ok_or_else(|| Failure::bad_input("--intent: 64 hexadecimal digits are expected"))?;
    let proof = super::block_on(async {
        let mut node = NodeClient::connect(&arguments.node).await?;
        node.prove_receipt(id).await
    })?
    .map_err(|error| Failure::bad_input(error.to_string()))?;
    let proved = proof
        .verify(trusted.network, &trusted.committee)
        .map_err(|error| Failure::failed(error.to_string()))?;
    let outcomes: Vec<String> = proved.outcomes.iter().map(told).collect();
    if arguments.json {
        let out = json!({
            "verified": true,
            "intent": intent,
            "account": proved.account.owner.to_string(),
            "subaccount": proved.account.subaccount,
            "commit": proof.commit,
            "outcomes": outcomes,
            "certified_commit": proved.certified_commit,
            "root": proved.root.to_string(),
        });
        println!("{out}");
    } else {
        let (commit, certified, root) = (proof.commit, proved.certified_commit, proved.root);
        println!("intent {intent} of account {}, executed by commit {commit}", proved.account.owner);
        outcomes.iter().enumerate().for_each(|(place, outcome)| println!("action {place}: {outcome}"));
        println!("under root {root} at commit {certified}: signed by a quorum of the committee");
    }
    Ok(())
}

/// An outcome in words.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Placed { order } => format!("placed as order {order}"),
        Outcome::Rejected { reject } => format!("rejected: {reject}"),
        Outcome::Repeated { order, .. } => format!("a retry of order {order}"),
        Outcome::Quoted { bid, ask } => {
            let side = |name: &str, order: &Option<wire::OrderId>| {
                order.map_or_else(|| format!("no {name}"), |order| format!("{name} {order}"))
            };
            format!("quoted: {}, {}", side("bid", bid), side("ask", ask))
        }
        Outcome::Withdrawing { withdrawal } => format!("withdrawal {withdrawal}"),
        Outcome::Proposed { proposal } => format!("proposal {proposal}"),
        Outcome::Combo { instrument, side } => format!("combo {}, {side:?}", instrument.0),
        Outcome::Exotic { instrument } => format!("exotic {}", instrument.0),
    }
}
