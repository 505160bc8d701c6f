//! `clockless bench faults`: validators as processes at a constant load, and what becomes of it when one is
//! stopped where it is (SIGSTOP), killed, or killed and started again, and when all are killed at once.
//!
//! The last validator is the one that fails. Latencies are of the clients of the others, healthy and faulty in
//! the same run, from the moment of the fault on. Caught up means within [`LEVEL`] commits of the highest.

use std::time::{Duration, Instant};

use clap::Args;
use client::NodeClient;
use serde_json::{Value, json};

use crate::{
    bench::{clients::Client, consensus::WARM_UP, quantile, rounded},
    commands::{block_on, genesis::Plan},
    demo::parse_span,
    failure::Failure,
    load::Load,
    local::LocalNetwork,
    node::config::{ExecutionMode, LoadConfig},
};

const VALIDATORS: u16 = 4;
const VICTIM: usize = 3;
/// How long a validator that comes back is away.
const AWAY: Duration = Duration::from_secs(4);
/// Commits that a validator may be behind and still count as level.
const LEVEL: u64 = 20;
/// How long a recovery is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Args, Debug)]
pub struct FaultsArguments {
    /// Transactions a second, over all validators.
    #[arg(long, default_value_t = 20_000)]
    load: u64,
    /// Size of a transaction, 16 to 16,384.
    #[arg(long, default_value_t = 512)]
    tx_bytes: usize,
    /// How long each part is measured.
    #[arg(long = "for", value_parser = parse_span, default_value = "10s")]
    span: Duration,
    #[arg(long)]
    json: bool,
}

/// A network under load.
struct Scene {
    network: LocalNetwork,
    each: LoadConfig,
    clients: Vec<Client>,
}

pub fn run(arguments: &FaultsArguments) -> Result<(), Failure> {
    let each = LoadConfig {
        transactions_per_s: arguments.load / u64::from(VALIDATORS),
        transaction_bytes: arguments.tx_bytes,
    };
    let span = arguments.span;
    let stopped = block_on(slowed(scene(each)?, span, |scene| scene.network.nodes[VICTIM].freeze()))??;
    let dead = block_on(slowed(scene(each)?, span, |scene| {
        scene.network.nodes[VICTIM].kill();
        Ok(())
    }))??;
    let restart = block_on(restarted(scene(each)?))??;
    let blackout = block_on(all_killed(scene(each)?))??;
    let out = json!({
        "validators": VALIDATORS,
        "load_tps": arguments.load,
        "tx_bytes": arguments.tx_bytes,
        "stopped": stopped,
        "dead": dead,
        "restart": restart,
        "blackout": blackout,
    });
    println!("{}", if arguments.json { out.to_string() } else { format!("{out:#}") });
    Ok(())
}

fn scene(each: LoadConfig) -> Result<Scene, Failure> {
    let plan = Plan { execution: ExecutionMode::None, fsync: true, ..Plan::default() };
    Ok(Scene { network: LocalNetwork::start(VALIDATORS, plan)?, each, clients: Vec::new() })
}

impl Scene {
    fn start_clients(&mut self) {
        let clients = (0..).zip(&self.network.rpc);
        self.clients = clients.map(|(maker, rpc)| Client::start(*rpc, Load::new(self.each, maker))).collect();
    }

    /// The median and the 99th percentile of the clients of those that do not fail, in ms.
    fn latencies(&self, from: Instant, to: Instant) -> (f64, f64) {
        let others = self.clients.iter().enumerate().filter(|(place, _)| *place != VICTIM);
        let mut all: Vec<f64> = others.flat_map(|(_, client)| client.latencies(from, to)).collect();
        all.sort_by(f64::total_cmp);
        let at = |part| quantile(&all, part).unwrap_or(f64::INFINITY);
        (at(0.5), at(0.99))
    }

    /// The commits of a validator, when it answers.
    async fn commits(&self, place: usize) -> Option<u64> {
        let ask = async {
            let mut node = NodeClient::connect(&self.network.rpc[place].to_string()).await.ok()?;
            Some(node.status().await.ok()?.commits)
        };
        tokio::time::timeout(Duration::from_secs(2), ask).await.ok()?
    }

    async fn highest(&self, places: std::ops::Range<usize>) -> u64 {
        let mut highest = 0;
        for place in places {
            highest = highest.max(self.commits(place).await.unwrap_or(0));
        }
        highest
    }
}

async fn slowed(
    mut scene: Scene,
    span: Duration,
    fault: impl FnOnce(&mut Scene) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    scene.start_clients();
    tokio::time::sleep(WARM_UP).await;
    let began = Instant::now();
    tokio::time::sleep(span).await;
    let failed = Instant::now();
    fault(&mut scene)?;
    tokio::time::sleep(span).await;
    let (healthy, faulty) = (scene.latencies(began, failed), scene.latencies(failed, Instant::now()));
    scene.network.nodes[VICTIM].kill();
    scene.network.check_alive(Some(VICTIM))?;
    Ok(json!({
        "healthy_p50_ms": rounded(healthy.0),
        "p50_ms": rounded(faulty.0),
        "ratio": rounded(faulty.0 / healthy.0),
        "healthy_p99_ms": rounded(healthy.1),
        "p99_ms": rounded(faulty.1),
    }))
}

async fn restarted(mut scene: Scene) -> Result<Value, Failure> {
    scene.start_clients();
    tokio::time::sleep(2 * WARM_UP).await;
    scene.network.nodes[VICTIM].kill();
    let left_at = scene.highest(0..VICTIM).await;
    tokio::time::sleep(AWAY).await;
    scene.network.nodes[VICTIM].restart()?;
    let (began, missed) = (Instant::now(), scene.highest(0..VICTIM).await.saturating_sub(left_at));
    while began.elapsed() < PATIENCE {
        let (others, own) = (scene.highest(0..VICTIM).await, scene.commits(VICTIM).await);
        if own.is_some_and(|own| own + LEVEL >= others) {
            let seconds = rounded(began.elapsed().as_secs_f64());
            return Ok(json!({ "away_s": AWAY.as_secs(), "missed_commits": missed, "caught_up_s": seconds }));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure::failed(format!("the validator has not caught up in {PATIENCE:?}")))
}

async fn all_killed(mut scene: Scene) -> Result<Value, Failure> {
    scene.start_clients();
    tokio::time::sleep(2 * WARM_UP).await;
    let before = scene.highest(0..usize::from(VALIDATORS)).await;
    scene.clients.clear();
    scene.network.nodes.iter_mut().for_each(crate::local::Process::kill);
    for node in &mut scene.network.nodes {
        node.restart()?;
    }
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let mut level = true;
        for place in 0..usize::from(VALIDATORS) {
            level &= scene.commits(place).await.is_some_and(|commits| commits > before);
        }
        if level && scene.is_live().await {
            let seconds = rounded(began.elapsed().as_secs_f64());
            return Ok(json!({ "commits_before": before, "live_again_s": seconds }));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure::failed(format!("the validators are not where they were after {PATIENCE:?}")))
}

impl Scene {
    /// Whether every validator makes something final.
    async fn is_live(&mut self) -> bool {
        self.start_clients();
        let (began, mut all) = (Instant::now(), false);
        while !all && began.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(PAUSE).await;
            all = self.clients.iter().all(|client| !client.latencies(began, Instant::now()).is_empty());
        }
        all
    }
}
