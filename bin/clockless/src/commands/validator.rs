//! `clockless validator`: who the validators are, and votes to change that.
//!
//! Invariant: a vote names the whole next committee, as it follows from the changes that the network has made so far.
//! Members that run the same command vote for the same change; a quorum of their stake carries it.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use client::NodeClient;
use crypto::{OpeningKey, SealingKey, SigningKey};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::{AgreedChange, Committee, CommitteeChange, Endpoint, List, Successor, committee_after};

use crate::{
    failure::Failure,
    network::{NetworkGenesis, endpoint_of, parse_key, read_signing_key, write_config, write_secret},
    node::{config::NodeConfig, worker::config::WorkerConfig},
};

#[derive(Args, Debug)]
pub struct ValidatorArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make the folder of a validator that is to join, and print what members vote for
    New(NewArguments),
    /// Show the committee as the network has made it, every change checked from the genesis on
    Show(MemberArguments),
    /// Vote that a new validator joins
    Join(JoinArguments),
    /// Vote that a validator leaves
    Leave(LeaveArguments),
    /// Vote that the members stay and refresh their shares of the coin
    Refresh(MemberArguments),
}

#[derive(Args, Debug)]
struct NewArguments {
    /// The configuration of a member, or a copy of it: for the genesis and the addresses of its validators.
    #[arg(long)]
    like: PathBuf,
    /// The folder to make, beside that of the member.
    #[arg(long)]
    out: PathBuf,
    /// The address that others reach it at.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// It listens on this (links), the next (rpc) and the one after (metrics). Where workers are processes of their own they
    /// meet it on the next port, and each takes two more (links, rpc).
    #[arg(long)]
    base_port: u16,
}

#[derive(Args, Debug)]
struct MemberArguments {
    /// The own configuration.
    #[arg(long)]
    config: PathBuf,
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct JoinArguments {
    #[command(flatten)]
    member: MemberArguments,
    /// What `clockless validator new` printed, in a file.
    #[arg(long)]
    newcomer: PathBuf,
    /// A member whose place it takes: its public key, 64 hexadecimal digits.
    #[arg(long)]
    instead_of: Option<String>,
}

#[derive(Args, Debug)]
struct LeaveArguments {
    #[command(flatten)]
    member: MemberArguments,
    /// Its public key, 64 hexadecimal digits.
    #[arg(long)]
    validator: String,
}

/// A validator that is to join, for everybody to know.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Newcomer {
    key: String,
    sealing: String,
    stake: u64,
    address: SocketAddr,
    /// Of its workers that are processes of their own, for other workers, by their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    workers: Vec<SocketAddr>,
}

pub fn run(arguments: &ValidatorArguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::New(arguments) => make(arguments),
        Command::Show(member) => super::block_on(show(member))?,
        Command::Refresh(member) => super::block_on(vote(member, Ok))?,
        Command::Join(join) => {
            let newcomer = read_newcomer(&join.newcomer)?;
            let leaver = join.instead_of.as_deref();
            let change = |members| {
                let mut members =
                    leaver.map_or_else(|| Ok(Vec::clone(&members)), |key| without(&members, key))?;
                members.push(newcomer);
                Ok(members)
            };
            super::block_on(vote(&join.member, change))?
        }
        Command::Leave(leave) => {
            super::block_on(vote(&leave.member, |members| without(&members, &leave.validator)))?
        }
    }
}

fn make(arguments: &NewArguments) -> Result<(), Failure> {
    let NewArguments { like, out, .. } = arguments;
    let member = NodeConfig::read(like)?;
    let address = |place| address(arguments, place);
    let whole = |path: &Path| path.canonicalize().map_err(|error| Failure::file(path, &error));
    fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    write_secret(&out.join("key"), &hex::encode(secret))?;
    let genesis = whole(&member.genesis)?;
    let workers = make_workers(arguments, &member, &genesis)?;
    let config = NodeConfig {
        genesis,
        key: PathBuf::from("key"),
        coin_share: None,
        data: PathBuf::from("data"),
        listen: address(0)?,
        rpc: address(1)?,
        metrics: address(2)?,
        worker_listen: member.worker_listen.map(|_| address(3)).transpose()?,
        joins: true,
        load: None,
        ..member
    };
    write_config(&out.join("config.toml"), &config)?;
    let newcomer = Newcomer {
        key: SigningKey::from_bytes(secret).public_key().to_string(),
        sealing: OpeningKey::from_secret(&secret).sealing_key().to_string(),
        stake: 1,
        address: config.listen,
        workers,
    };
    println!("{}", serde_json::to_string(&newcomer).unwrap_or_default());
    Ok(())
}

/// The configurations of the newcomer's workers, like those beside the member's, and where they listen for others; none
/// where workers are in the node's process.
fn make_workers(
    arguments: &NewArguments,
    member: &NodeConfig,
    genesis: &Path,
) -> Result<Vec<SocketAddr>, Failure> {
    let mut listening = Vec::new();
    let places = if member.worker_listen.is_some() { member.workers } else { 0 };
    for number in 0..places {
        let like = WorkerConfig::read(&worker_file(&arguments.like, number))?;
        let first = 4 + 2 * u16::from(number);
        let config = WorkerConfig {
            genesis: genesis.to_owned(),
            key: PathBuf::from("key"),
            data: PathBuf::from(format!("worker-{number}-data")),
            listen: address(arguments, first)?,
            rpc: address(arguments, first + 1)?,
            primary: address(arguments, 3)?,
            ..like
        };
        write_config(&worker_file(&arguments.out.join("config.toml"), number), &config)?;
        listening.push(config.listen);
    }
    Ok(listening)
}

/// The configuration of a worker is beside that of its node.
fn worker_file(node: &Path, number: u8) -> PathBuf {
    node.with_file_name(format!("worker-{number}.toml"))
}

fn first_worker(node: &Path) -> Result<WorkerConfig, Failure> {
    WorkerConfig::read(&worker_file(node, 0))
}

/// Where the newcomer listens on its n-th port.
fn address(arguments: &NewArguments, place: u16) -> Result<SocketAddr, Failure> {
    let port = arguments.base_port.checked_add(place);
    let port = port.ok_or_else(|| Failure::bad_input("--base-port: the ports go beyond 65535"))?;
    Ok(SocketAddr::new(arguments.ip, port))
}

fn read_newcomer(path: &Path) -> Result<Successor, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let bad = |reason: &str| Failure::bad_input(format!("{}: {reason}", path.display()));
    let newcomer: Newcomer = serde_json::from_str(&text).map_err(|error| bad(&error.to_string()))?;
    let key = parse_key(&newcomer.key).ok_or_else(|| bad("key must be 64 hexadecimal digits"))?;
    let sealing = hex::decode(&newcomer.sealing).ok().and_then(|it| it.try_into().ok()).map(SealingKey);
    let sealing = sealing.ok_or_else(|| bad("sealing must be 96 hexadecimal digits"))?;
    let workers: Vec<Endpoint> = newcomer.workers.iter().copied().map(endpoint_of).collect();
    let workers = List::new(workers).ok_or_else(|| bad("workers: at most 16 addresses are expected"))?;
    let endpoint = Some(endpoint_of(newcomer.address));
    Ok(Successor { key, sealing, stake: newcomer.stake, endpoint, workers })
}

fn without(members: &[Successor], key: &str) -> Result<Vec<Successor>, Failure> {
    let leaver = parse_key(key);
    let staying: Vec<Successor> = members.iter().filter(|it| Some(it.key) != leaver).cloned().collect();
    if staying.len() == members.len() {
        return Err(Failure::bad_input(format!("{key}: this is no member of the committee")));
    }
    Ok(staying)
}

/// The network as it is now.
struct Present {
    genesis: NetworkGenesis,
    node: NodeClient,
    committee: Committee,
    members: Vec<Successor>,
}

async fn present(config: &NodeConfig) -> Result<Present, Failure> {
    let genesis = NetworkGenesis::read(&config.genesis)?;
    let refused = |error: client::NodeError| Failure::bad_input(error.to_string());
    let mut node = NodeClient::connect(&config.rpc.to_string()).await.map_err(refused)?;
    let changes: Vec<AgreedChange> = node.changes().await.map_err(refused)?;
    let committee = committee_after(genesis.digest(), &genesis.committee()?, &changes);
    let committee = committee.map_err(|error| Failure::failed(format!("the node's committee: {error}")))?;
    let members = match changes.last() {
        Some(last) => last.change.members.iter().map(staying).collect(),
        None => genesis.successors()?,
    };
    Ok(Present { genesis, node, committee, members })
}

/// A member that stays where it is.
fn staying(member: &Successor) -> Successor {
    Successor { endpoint: None, workers: List::default(), ..member.clone() }
}

async fn show(member: &MemberArguments) -> Result<(), Failure> {
    let Present { committee, .. } = present(&NodeConfig::read(&member.config)?).await?;
    let keys = committee.authors().filter_map(|author| committee.key(author));
    let keys: Vec<String> = keys.map(|key| key.to_string()).collect();
    if member.json {
        println!("{}", json!({ "epoch": committee.epoch(), "validators": keys }));
    } else {
        println!("epoch {}: {} validators", committee.epoch(), keys.len());
        keys.iter().for_each(|key| println!("{key}"));
    }
    Ok(())
}

async fn vote(
    member: &MemberArguments,
    change: impl FnOnce(Vec<Successor>) -> Result<Vec<Successor>, Failure>,
) -> Result<(), Failure> {
    let config = NodeConfig::read(&member.config)?;
    let refused = |error: client::NodeError| Failure::bad_input(error.to_string());
    let key = read_signing_key(&config.key)?;
    let Present { genesis, mut node, committee, members } = present(&config).await?;
    if committee.author_of(&key.public_key()).is_none() {
        return Err(Failure::bad_input(format!("{}: only members vote", config.key.display())));
    }
    let members = List::new(change(members)?);
    let members = members.ok_or_else(|| Failure::bad_input("a committee has at most 256 members"))?;
    let change = CommitteeChange { network: genesis.digest(), epoch: committee.epoch() + 1, members };
    let next = change.committee_after(genesis.digest(), &committee);
    let next = next.map_err(|error| Failure::bad_input(error.to_string()))?;
    let transaction = change.vote(&key).to_transaction();
    let transaction = transaction.ok_or_else(|| Failure::bad_input("the change names too many members"))?;
    if config.worker_listen.is_some() {
        // Transactions go to the workers of this validator.
        node = NodeClient::connect(&first_worker(&member.config)?.rpc.to_string()).await.map_err(refused)?;
    }
    let refusals = node.submit(vec![transaction]).await;
    let refusals = refusals.map_err(|error| Failure::failed(error.to_string()))?;
    if let Some(refusal) = refusals.into_iter().find(|refusal| !refusal.is_empty()) {
        return Err(Failure::failed(refusal));
    }
    if member.json {
        println!("{}", json!({ "epoch": next.epoch(), "validators": next.size() }));
    } else {
        println!(
            "voted for {} validators in epoch {}; members with stake {} must vote for the same",
            next.size(),
            next.epoch(),
            committee.quorum()
        );
    }
    Ok(())
}
