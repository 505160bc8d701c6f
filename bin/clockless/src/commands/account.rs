//! `clockless account`: what an account holds, its balance proved where a genesis is given.

use clap::Args;
use client::protocol::AccountResponse;
use num::Cash;
use serde_json::{Value, json};
use wire::AccountId;

use crate::{
    commands::{
        block_on,
        keys::file_public_key,
        outcome::Units,
        trader::{Connection, NodeArguments, parse_owner, patiently},
    },
    failure::Failure,
};

#[derive(Args, Debug)]
pub struct AccountArguments {
    #[command(flatten)]
    node: NodeArguments,
    /// The owner's key file; its password is not needed.
    #[arg(long, conflicts_with = "owner", required_unless_present = "owner")]
    key: Option<std::path::PathBuf>,
    /// The owner's public key, 64 hexadecimal digits.
    #[arg(long)]
    owner: Option<String>,
    #[arg(long, default_value_t = 0)]
    subaccount: u16,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &AccountArguments) -> Result<(), Failure> {
    block_on(print(arguments))?
}

async fn print(arguments: &AccountArguments) -> Result<(), Failure> {
    let owner = match (&arguments.key, &arguments.owner) {
        (Some(file), _) => file_public_key(file)?,
        (None, owner) => parse_owner(owner.as_deref().unwrap_or_default())?,
    };
    let id = AccountId { owner, subaccount: arguments.subaccount };
    let mut connection = arguments.node.connect().await?;
    let instruments = connection.instruments().await?;
    let account = patiently("account", connection.node.account(id)).await?;
    let proved = prove(&mut connection, id).await?;
    let told = describe(id, &account, &Units(&instruments), proved);
    if arguments.json {
        println!("{told}");
    } else {
        println!("{}", serde_json::to_string_pretty(&told).unwrap_or_default());
    }
    Ok(())
}

/// The balance that the committee vouches for, when there is a genesis that says who that is.
async fn prove(connection: &mut Connection, id: AccountId) -> Result<Option<Value>, Failure> {
    let Some(genesis) = &connection.genesis else { return Ok(None) };
    let committee = genesis.committee()?;
    let proof = patiently("prove", connection.node.prove(id)).await?;
    let (balance, commit, root) = proof
        .verify(genesis.digest(), &committee)
        .map_err(|error| Failure::failed(format!("the node's proof does not hold: {error}")))?;
    let balance = balance.unwrap_or(Cash::ZERO).to_string();
    Ok(Some(json!({ "balance": balance, "commit": commit, "root": root.to_string() })))
}

fn describe(id: AccountId, account: &AccountResponse, units: &Units<'_>, proved: Option<Value>) -> Value {
    let usdc = |micros: i64| Cash::from_micros(micros).to_string();
    let positions = account.positions.iter().map(|it| {
        json!({
            "instrument": units.name(it.instrument),
            "amount": units.amount(it.instrument, it.lots),
            "entry": usdc(it.entry_micros),
        })
    });
    let signed = |lots: u64| i64::try_from(lots).unwrap_or(i64::MAX);
    let orders = account.orders.iter().map(|it| {
        json!({
            "order": it.order,
            "instrument": units.name(it.instrument),
            "side": if it.is_buy { "buy" } else { "sell" },
            "price": units.price(it.instrument, it.price_ticks),
            "amount": units.amount(it.instrument, signed(it.lots)),
            "filled": units.amount(it.instrument, signed(it.filled_lots)),
            "label": String::from_utf8_lossy(&it.label),
        })
    });
    json!({
        "owner": id.owner.to_string(),
        "subaccount": id.subaccount,
        "exists": account.exists,
        "commit": account.commit,
        "balance": usdc(account.balance_micros),
        "equity": usdc(account.equity_micros),
        "initial_margin": usdc(account.initial_margin_micros),
        "maintenance_margin": usdc(account.maintenance_margin_micros),
        "liquidating": account.liquidating,
        "positions": positions.collect::<Vec<_>>(),
        "orders": orders.collect::<Vec<_>>(),
        "proved": proved,
    })
}
