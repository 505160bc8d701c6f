//! `clockless demo`: a local network of real processes with market makers, takers, an oracle, a gateway and the
//! page.
//!
//! Invariant: nothing is simulated: validators are processes with sockets and files; who trades here signs and
//! submits like anybody else.

pub mod chain;
mod figures;
pub mod listing;
mod submit;
mod traffic;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::Args;
use client::{NodeClient, Wallet};
use crypto::SigningKey;
use exchange::State;
use num::{Cash, DAY_MS, Timestamp};
use rand::Rng as _;
use serde_json::{Value, json};
use wire::{Action, Permission};

use crate::{
    commands::{block_on, genesis::Plan},
    demo::{
        chain::Chain,
        figures::{Figures, Reading},
        traffic::{Followed, Path as PricePath},
    },
    failure::Failure,
    local::{LocalGateway, LocalNetwork, Process, api_key, free_addresses, wait_for},
    node::Clock,
};

const MAKERS: usize = 2;
const TAKERS: usize = 2;
/// How long a killed validator stays down.
const DOWN: Duration = Duration::from_secs(4);

#[derive(Args, Debug)]
pub struct DemoArguments {
    /// A CSV of options to list, such as a day of real open interest; without it a chain is made.
    #[arg(long)]
    chain: Option<PathBuf>,
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    validators: u16,
    /// How long, such as 30s or 5m; without it until interrupted.
    #[arg(long = "for", value_parser = parse_span)]
    span: Option<Duration>,
    /// No page: the gateway takes any free port.
    #[arg(long)]
    headless: bool,
    #[arg(long)]
    json: bool,
    /// Kills a validator, which restarts after four seconds: 1@10s.
    #[arg(long, value_parser = parse_kill)]
    kill: Option<(usize, Duration)>,
    /// Where the page is.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// A time such as 30s, 250ms or 5m.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => match text.strip_suffix('m') {
            Some(digits) => (digits, 60_000),
            None => (text.strip_suffix('s').unwrap_or(text), 1_000),
        },
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text:?}: a time such as 30s is expected"))?;
    Ok(Duration::from_millis(number.saturating_mul(unit)))
}

fn parse_kill(text: &str) -> Result<(usize, Duration), String> {
    let wrong = || format!("{text:?}: a validator and a time such as 1@10s are expected");
    let (validator, at) = text.split_once('@').ok_or_else(wrong)?;
    Ok((validator.parse().map_err(|_| wrong())?, parse_span(at)?))
}

/// Everything a demo runs on.
struct Demo {
    network: LocalNetwork,
    clock: Clock,
    chain: Chain,
    _gateway: Process,
    people: People,
}

/// Keys of all who take part.
struct People {
    reporters: Vec<SigningKey>,
    makers: Vec<SigningKey>,
    takers: Vec<SigningKey>,
    trader: SigningKey,
    session: SigningKey,
}

pub fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    if let Some((validator, _)) = arguments.kill
        && validator >= usize::from(arguments.validators)
    {
        let count = arguments.validators;
        return Err(Failure::bad_input(format!(
            "--kill {validator}: validators are numbered 0 to {}",
            count - 1
        )));
    }
    let chain = match &arguments.chain {
        None => chain::built_in(today_ms()),
        Some(path) => {
            let file = fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
            chain::read(file).map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))?
        }
    };
    let demo = Demo::start(arguments, chain)?;
    block_on(demo.trade(arguments))?
}

fn now_ms() -> u64 {
    Clock { offset_ms: 0 }.now().millis()
}

fn today_ms() -> u64 {
    now_ms() / DAY_MS * DAY_MS
}

fn new_key() -> SigningKey {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    SigningKey::from_bytes(secret)
}

impl Demo {
    fn start(arguments: &DemoArguments, chain: Chain) -> Result<Self, Failure> {
        let keys = |count: usize| (0..count).map(|_| new_key()).collect::<Vec<_>>();
        let validators = usize::from(arguments.validators);
        let people = People {
            reporters: keys(validators),
            makers: keys(MAKERS),
            takers: keys(TAKERS),
            trader: new_key(),
            session: new_key(),
        };
        let reporters: Vec<_> = people.reporters.iter().map(SigningKey::public_key).collect();
        let offset = i64::try_from(chain.day_ms).unwrap_or(0) - i64::try_from(now_ms()).unwrap_or(0);
        // A chain of today goes by the clock; a chain of another day begins at its midnight.
        let clock = Clock { offset_ms: if arguments.chain.is_some() { offset } else { 0 } };
        let plan = Plan {
            exchange: listing::genesis(&chain, &reporters),
            clock_offset_ms: clock.offset_ms,
            ..Plan::default()
        };
        let network = LocalNetwork::start(arguments.validators, plan)?;
        let listen = if arguments.headless { free_addresses(1)?[0] } else { arguments.listen };
        let gateway = start_gateway((&network, clock), listen, &people)?;
        if !arguments.json {
            println!(
                "{validators} validators, {} instruments; the page: http://{listen}/",
                network.genesis.exchange.instruments.len()
            );
            println!(
                "trade there with client_id \"demo\" and client_secret \"demo\"; logs in {}",
                network.path("").display()
            );
        }
        Ok(Self { network, clock, chain, _gateway: gateway, people })
    }

    async fn trade(mut self, arguments: &DemoArguments) -> Result<(), Failure> {
        let network = self.network.genesis.digest();
        let state = State::new(&self.network.genesis.exchange, network)
            .map_err(|error| Failure::failed(error.to_string()))?;
        let state: Followed = Arc::new(Mutex::new(state));
        let figures = Arc::new(Figures::default());
        tokio::spawn(follow(self.network.rpc.clone(), Arc::clone(&state), Arc::clone(&figures)));
        self.open_accounts(network).await?;
        self.start_traffic(network, &state, &figures);
        let began = Instant::now();
        let mut last = (Instant::now(), figures.read());
        let mut restart_at = None;
        let mut kill = arguments.kill;
        let stop = crate::node::stop_signal();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(1_000)) => {}
                () = &mut stop => break,
            }
            let elapsed = began.elapsed();
            if let Some((validator, _)) = kill.take_if(|(_, at)| elapsed >= *at) {
                self.network.nodes[validator].kill();
                restart_at = Some((validator, elapsed + DOWN));
                say(arguments, &format!("validator {validator} killed"));
            }
            if let Some((validator, _)) = restart_at.take_if(|(_, at)| elapsed >= *at) {
                self.network.nodes[validator].restart()?;
                say(arguments, &format!("validator {validator} restarted"));
            }
            let now = (Instant::now(), figures.read());
            say(arguments, &progress(elapsed, &last, &now));
            last = now;
            self.network.check_alive(restart_at.map(|(validator, _)| validator))?;
            if arguments.span.is_some_and(|span| elapsed >= span) {
                break;
            }
        }
        let summary = self.summarise(&figures, &state, began.elapsed()).await;
        self.report(arguments, &summary, &figures)
    }

    /// Money for all, and a session key for the page's trader.
    async fn open_accounts(&self, network: crypto::Digest) -> Result<(), Failure> {
        let unreachable = |error: client::NodeError| Failure::failed(error.to_string());
        let mut node = NodeClient::connect(&self.network.rpc[0].to_string()).await.map_err(unreachable)?;
        let people = &self.people;
        let mut transactions = Vec::new();
        for key in people.makers.iter().chain(&people.takers) {
            let amount = Cash::from_whole(1_000_000_000).unwrap_or(Cash::ZERO);
            let mut wallet = Wallet::of_owner(network, key.clone(), 1);
            transactions.extend(wallet.sign(vec![Action::Faucet { amount }], wire::Atomicity::Independent));
        }
        let register = Action::RegisterKey {
            key: people.session.public_key(),
            permission: Permission::Trade,
            valid_until: Timestamp::MAX,
        };
        let amount = Cash::from_whole(1_000_000).unwrap_or(Cash::ZERO);
        let mut wallet = Wallet::of_owner(network, people.trader.clone(), 1);
        transactions
            .extend(wallet.sign(vec![Action::Faucet { amount }, register], wire::Atomicity::Independent));
        let transactions = transactions.into_iter().map(|(_, transaction)| transaction).collect();
        let refusals = node.submit(transactions).await.map_err(unreachable)?;
        match refusals.into_iter().find(|it| !it.is_empty()) {
            Some(reason) => Err(Failure::failed(reason)),
            None => Ok(()),
        }
    }

    fn start_traffic(&self, network: crypto::Digest, state: &Followed, figures: &Arc<Figures>) {
        let submit: Vec<_> =
            self.network.rpc.iter().map(|rpc| submit::open(rpc.to_string(), Arc::clone(figures))).collect();
        let wallet = |key: &SigningKey| Wallet::of_owner(network, key.clone(), 1_000);
        let path = PricePath::new(&self.chain.spot);
        tokio::spawn(path.clone().walk());
        for (place, key) in self.people.reporters.iter().enumerate() {
            let queue = submit[place % submit.len()].clone();
            tokio::spawn(traffic::report(path.clone(), wallet(key), queue, self.clock));
        }
        for (place, key) in self.people.makers.iter().enumerate() {
            let queue = submit[(2 * place) % submit.len()].clone();
            let skew = i64::try_from(place).unwrap_or(0);
            tokio::spawn(traffic::make_markets(Arc::clone(state), wallet(key), queue, skew));
        }
        for (place, key) in self.people.takers.iter().enumerate() {
            let queue = submit[(2 * place + 1) % submit.len()].clone();
            tokio::spawn(traffic::take(Arc::clone(state), wallet(key), queue));
        }
    }

    async fn summarise(&self, figures: &Figures, state: &Followed, elapsed: Duration) -> Value {
        let reading = figures.read();
        let (roots_equal, nodes_agree_on_money) = compare_roots(&self.network.rpc).await;
        let sound = state.lock().unwrap_or_else(PoisonError::into_inner).check_invariants().is_ok();
        let seconds = elapsed.as_secs_f64();
        json!({
            "validators": self.network.nodes.len(),
            "seconds": (seconds * 10.0).round() / 10.0,
            "commits": reading.commits,
            "intents": reading.intents,
            "orders": reading.orders,
            "trades": reading.trades,
            "orders_per_s": (reading.orders as f64 / seconds).round(),
            "finality_ms": { "p50": reading.p50_ms, "p99": reading.p99_ms },
            "roots_equal": roots_equal,
            "money_conserved": sound && nodes_agree_on_money,
            "instruments": self.network.genesis.exchange.instruments.len(),
            "rejected": reading.rejected,
        })
    }

    fn report(
        mut self,
        arguments: &DemoArguments,
        summary: &Value,
        figures: &Figures,
    ) -> Result<(), Failure> {
        if arguments.json {
            println!("{summary}");
        } else {
            println!("{}", serde_json::to_string_pretty(summary).unwrap_or_default());
            println!("rejected by kind: {:?}", figures.reasons());
        }
        let fine = summary["roots_equal"] == true && summary["money_conserved"] == true;
        if fine {
            return Ok(());
        }
        let folder = self.network.keep_folder();
        Err(Failure::failed(format!("roots differ or money is not conserved; see {}", folder.display())))
    }
}

fn say(arguments: &DemoArguments, text: &str) {
    if arguments.json {
        eprintln!("{text}");
    } else {
        println!("{text}");
    }
}

fn progress(elapsed: Duration, last: &(Instant, Reading), now: &(Instant, Reading)) -> String {
    let seconds = now.0.duration_since(last.0).as_secs_f64().max(0.001);
    let rate = |now: u64, then: u64| ((now - then) as f64 / seconds).round();
    let (then, now) = (&last.1, &now.1);
    format!(
        "{:>4} s  commits {:>6} ({}/s)  orders {:>7} ({}/s)  trades {:>6} ({}/s)  final p50 {} ms p99 {} ms",
        elapsed.as_secs(),
        now.commits,
        rate(now.commits, then.commits),
        now.orders,
        rate(now.orders, then.orders),
        now.trades,
        rate(now.trades, then.trades),
        now.p50_ms,
        now.p99_ms,
    )
}

fn start_gateway(
    (network, clock): (&LocalNetwork, Clock),
    listen: SocketAddr,
    people: &People,
) -> Result<Process, Failure> {
    let gateway = LocalGateway {
        home: &network.path(""),
        log: network.path("gateway.log"),
        listen,
        nodes: &network.rpc,
        limits: gateway::Limits::default(),
        clock,
    };
    let mut process =
        gateway.start(vec![api_key(("demo", "demo"), &people.trader.public_key(), &people.session)])?;
    wait_for(listen, &mut process).map_err(|failure| Failure::bad_input(failure.to_string()))?;
    Ok(process)
}

/// Follows the commits of whichever validator answers.
async fn follow(rpc: Vec<SocketAddr>, state: Followed, figures: Arc<Figures>) {
    for address in rpc.iter().cycle() {
        if let Ok(mut node) = NodeClient::connect(&address.to_string()).await {
            let from = state.lock().unwrap_or_else(PoisonError::into_inner).commit() + 1;
            let _ended = node
                .commits(from, |committed| {
                    let mut events = Vec::new();
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    exchange::apply(&mut state, &committed.payload, &mut events);
                    state.forget_changes();
                    drop(state);
                    figures.note_commit(&events);
                    std::ops::ControlFlow::Continue(())
                })
                .await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether all validators have the same root at the highest commit that all have executed, and whether each
/// says that its money is conserved.
async fn compare_roots(rpc: &[SocketAddr]) -> (bool, bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    let (mut lowest, mut conserved) = (u64::MAX, true);
    for address in rpc {
        let Ok(mut node) = NodeClient::connect(&address.to_string()).await else { return (false, false) };
        let status = node.status().await;
        let Ok(status) = status else { return (false, false) };
        lowest = lowest.min(status.executed);
        conserved &= status.money_conserved;
    }
    let mut roots = Vec::new();
    for address in rpc {
        let Ok(mut node) = NodeClient::connect(&address.to_string()).await else { return (false, conserved) };
        let asked = node.commits(lowest, |committed| {
            roots.push((committed.payload.commit.digest(), committed.root));
            std::ops::ControlFlow::Break(())
        });
        let wait = give_up.saturating_duration_since(Instant::now());
        if !matches!(tokio::time::timeout(wait, asked).await, Ok(Ok(()))) {
            return (false, conserved);
        }
    }
    (roots.len() == rpc.len() && roots.windows(2).all(|pair| pair[0] == pair[1]), conserved)
}
