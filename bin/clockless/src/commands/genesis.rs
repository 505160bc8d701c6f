//! `clockless genesis`: keys, a genesis and one configuration per validator; coin shares when they are dealt.
//!
//! Invariant: nothing is overwritten; secrets are readable by their owner alone.

use std::{
    fmt::Display,
    fs,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use clap::Args;
use crypto::{OpeningKey, SigningKey, ThresholdShare, deal};
use rand::Rng as _;
use serde_json::json;

use crate::{
    failure::Failure,
    network::{NetworkGenesis, Validator, write_config, write_secret},
    node::{
        config::{ExecutionMode, LoadConfig, NodeConfig, PacingConfig},
        worker::{self, config::WorkerConfig},
    },
};

#[derive(Args, Debug)]
pub struct GenesisArguments {
    /// How many validators.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    validators: u16,
    /// The folder to make.
    #[arg(long)]
    out: PathBuf,
    /// The exchange's part of the genesis, as JSON; without it the exchange lists nothing.
    #[arg(long)]
    exchange: Option<PathBuf>,
    /// Validator i listens on base + 3i (links), + 3i + 1 (rpc) and + 3i + 2 (metrics).
    #[arg(long, default_value_t = 7000)]
    base_port: u16,
    /// Makes so many workers a validator, each to be run as a process of its own with worker-I.toml. They listen above
    /// the validators. Without it a node runs two workers in its own process.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: Option<u8>,
    /// Deals the coin's shares here instead of leaving it to the validators: for tests and benchmarks, because this
    /// command then knows every coin.
    #[arg(long)]
    dealt: bool,
    #[arg(long)]
    json: bool,
}

/// Who makes the coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoinOrigin {
    /// The validators, before the first round of trading.
    Validators,
    /// The command that makes the genesis.
    Dealer,
}

/// Where the workers of one validator are.
#[derive(Clone, Debug)]
pub struct Apart {
    /// Where they meet their primary.
    pub meeting: SocketAddr,
    /// Where each listens for other workers, and for clients.
    pub workers: Vec<[SocketAddr; 2]>,
}

/// What a network is made with.
#[derive(Debug)]
pub struct Plan {
    pub exchange: exchange::Genesis,
    /// Links, rpc and metrics of each validator.
    pub addresses: Vec<[SocketAddr; 3]>,
    pub execution: ExecutionMode,
    pub fsync: bool,
    pub clock_offset_ms: i64,
    /// Of each validator.
    pub workers: u8,
    /// Of each validator, when its workers are processes of their own.
    pub apart: Vec<Apart>,
    pub pacing: PacingConfig,
    pub load: Option<LoadConfig>,
    pub coin: CoinOrigin,
}

impl Default for Plan {
    /// An exchange that lists nothing, everything switched on, and no addresses yet.
    fn default() -> Self {
        Self {
            exchange: exchange::Genesis::with_usual_parameters(),
            addresses: Vec::new(),
            execution: ExecutionMode::Exchange,
            fsync: true,
            clock_offset_ms: 0,
            workers: 2,
            apart: Vec::new(),
            pacing: PacingConfig::default(),
            load: None,
            coin: CoinOrigin::Validators,
        }
    }
}

pub fn run(arguments: &GenesisArguments) -> Result<(), Failure> {
    let exchange = match &arguments.exchange {
        None => exchange::Genesis::with_usual_parameters(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            let bad = |error: &dyn Display| Failure::bad_input(format!("{}: {error}", path.display()));
            let exchange = serde_json::from_str(&text).map_err(|error| bad(&error))?;
            exchange::State::new(&exchange, crypto::Digest::default()).map_err(|error| bad(&error))?;
            exchange
        }
    };
    let port = |place: u16| {
        let port = arguments.base_port.checked_add(place);
        let port = port.ok_or_else(|| Failure::bad_input("--base-port: the ports go beyond 65535"));
        port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let mut addresses = Vec::new();
    for validator in 0..arguments.validators {
        let first = validator.checked_mul(3).ok_or_else(|| Failure::bad_input("--validators: too many"))?;
        addresses.push([port(first)?, port(first + 1)?, port(first + 2)?]);
    }
    let workers = arguments.workers.unwrap_or(2);
    let each = 1 + 2 * u16::from(workers);
    let mut apart = Vec::new();
    for validator in (0..arguments.validators).take_while(|_| arguments.workers.is_some()) {
        let first = 3 * u32::from(arguments.validators) + u32::from(each) * u32::from(validator);
        let first = u16::try_from(first).map_err(|_| Failure::bad_input("--validators: too many"))?;
        let of_worker = |worker: u16| Ok([port(first + 1 + 2 * worker)?, port(first + 2 + 2 * worker)?]);
        let addresses: Result<Vec<_>, Failure> = (0..u16::from(workers)).map(of_worker).collect();
        apart.push(Apart { meeting: port(first)?, workers: addresses? });
    }
    let coin = if arguments.dealt { CoinOrigin::Dealer } else { CoinOrigin::Validators };
    let plan = Plan { exchange, addresses, coin, workers, apart, ..Plan::default() };
    let genesis = make(&arguments.out, plan)?;
    let warning = arguments.dealt.then_some(
        "the coin's shares were dealt by this command, which therefore knew every coin: for tests and \
                   local networks only",
    );
    if arguments.json {
        let out = json!({
            "out": arguments.out,
            "validators": arguments.validators,
            "network": genesis.digest().to_string(),
            "warning": warning,
        });
        println!("{out}");
    } else {
        println!(
            "{} validators in {}, network {}",
            arguments.validators,
            arguments.out.display(),
            genesis.digest()
        );
        if let Some(warning) = warning {
            println!("Note: {warning}.");
        }
    }
    Ok(())
}

/// Makes the folder of a network.
pub fn make(out: &Path, plan: Plan) -> Result<NetworkGenesis, Failure> {
    let members = u32::try_from(plan.addresses.len()).ok().and_then(NonZeroU32::new);
    let members = members.filter(|members| members.get() <= 256);
    let members = members.ok_or_else(|| Failure::bad_input("--validators: 1 to 256 are possible"))?;
    if out.join("genesis.json").exists() {
        return Err(Failure::bad_input(format!("{}: there is a genesis already", out.display())));
    }
    fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
    let mut rng = rand::rng();
    let keys: Vec<SigningKey> = (0..members.get())
        .map(|_| {
            let mut secret = [0; 32];
            rng.fill_bytes(&mut secret);
            SigningKey::from_bytes(secret)
        })
        .collect();
    let dealt = (plan.coin == CoinOrigin::Dealer).then(|| deal(&mut rng, members));
    let (coin_key, shares) = dealt.unzip();
    let validator = |(place, key): (usize, &SigningKey)| Validator {
        name: format!("validator-{place}"),
        key: key.public_key().to_string(),
        stake: 1,
        sealing: Some(OpeningKey::from_secret(&key.to_bytes()).sealing_key().to_string()),
    };
    let genesis = NetworkGenesis {
        name: "local".to_owned(),
        epoch: 1,
        validators: keys.iter().enumerate().map(validator).collect(),
        coin_key: coin_key.as_ref().map(|key| hex::encode(key.encode())),
        wave_length: 4,
        leaders_per_round: 2.min(u16::try_from(members.get()).unwrap_or(1)),
        gc_depth: 60,
        checkpoint_rounds: 128,
        // A busy network makes 200 commits a second: two rounds share the signatures, an idle one waits as long as before.
        attest_every: 4,
        exchange: plan.exchange.clone(),
    };
    let text = serde_json::to_string_pretty(&genesis).map_err(|error| Failure::failed(error.to_string()))?;
    let path = out.join("genesis.json");
    fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    make_validators(out, &plan, &keys, shares.as_deref())?;
    Ok(genesis)
}

/// Makes the folder of each validator: its secrets and its configuration.
fn make_validators(
    out: &Path,
    plan: &Plan,
    keys: &[SigningKey],
    shares: Option<&[ThresholdShare]>,
) -> Result<(), Failure> {
    let peers: Vec<SocketAddr> = plan.addresses.iter().map(|[links, ..]| *links).collect();
    for (place, key) in keys.iter().enumerate() {
        let folder = out.join(format!("validator-{place}"));
        fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        write_secret(&folder.join("key"), &hex::encode(key.to_bytes()))?;
        // Until it has run once a validator need not ask anybody what it said before.
        let newborn = folder.join("newborn");
        fs::write(&newborn, "").map_err(|error| Failure::file(&newborn, &error))?;
        let share = shares.and_then(|shares| shares.get(place));
        if let Some(share) = share {
            write_secret(&folder.join("coin-share"), &hex::encode(share.encode()))?;
        }
        let [listen, rpc, metrics] = plan.addresses[place];
        let config = NodeConfig {
            genesis: PathBuf::from("../genesis.json"),
            key: PathBuf::from("key"),
            coin_share: share.map(|_| PathBuf::from("coin-share")),
            joins: false,
            data: PathBuf::from("data"),
            listen,
            rpc,
            metrics,
            peers: peers.clone(),
            fsync: plan.fsync,
            execution: plan.execution,
            clock_offset_ms: plan.clock_offset_ms,
            workers: plan.workers,
            worker_listen: plan.apart.get(place).map(|apart| apart.meeting),
            pacing: plan.pacing.clone(),
            load: plan.load,
        };
        write_config(&folder.join("config.toml"), &config)?;
        write_workers(&folder, plan, place)?;
    }
    Ok(())
}

/// The configurations of a validator's workers, when they are processes of their own.
fn write_workers(folder: &Path, plan: &Plan, place: usize) -> Result<(), Failure> {
    let Some(apart) = plan.apart.get(place) else { return Ok(()) };
    for (number, [listen, rpc]) in (0_u8..).zip(&apart.workers) {
        let of_number = |apart: &Apart| apart.workers.get(usize::from(number)).map(|[listen, _]| *listen);
        let config = WorkerConfig {
            genesis: PathBuf::from("../genesis.json"),
            key: PathBuf::from("key"),
            number,
            data: PathBuf::from(format!("worker-{number}-data")),
            listen: *listen,
            rpc: *rpc,
            primary: apart.meeting,
            peers: plan.apart.iter().filter_map(of_number).collect(),
            fsync: plan.fsync,
            execution: plan.execution,
            batch_delay_ms: worker::config::batch_delay_ms(),
            retry_ms: worker::config::retry_ms(),
        };
        write_config(&folder.join(format!("worker-{number}.toml")), &config)?;
    }
    Ok(())
}
