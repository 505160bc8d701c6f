//! A network of real processes, to be killed and restarted at will, and clients of it.
//!
//! Invariant: nothing waits for a span of time, only for what it wants to see; a wait that is in vain fails
//! with what it waited for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use client::{NodeClient, Wallet};
use crypto::{Digest, SigningKey};
use num::Cash;
use wire::{AccountId, Action, Atomicity, Transaction};

use super::{Folder, Killed, PAUSE};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < give_up, "waited {PATIENCE:?} in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Validators as processes.
#[derive(Debug)]
pub struct Network {
    pub folder: Folder,
    nodes: Vec<Option<Killed>>,
}

impl Network {
    /// Starts all validators of a network whose faucet is open.
    pub async fn start(validators: u16) -> Self {
        let mut network = Self::prepare(validators);
        network.start_all().await;
        network
    }

    /// A network whose faucet is open and whose validators are still to be started.
    pub fn prepare(validators: u16) -> Self {
        let faucet = exchange::genesis::Faucet::Open { micros_max: 1_000_000_000_000 };
        let exchange = exchange::Genesis { faucet, ..exchange::Genesis::with_usual_parameters() };
        Self::prepare_with(validators, &exchange)
    }

    /// A network whose workers are processes of their own, one a validator. Nobody runs yet.
    pub fn with_workers(validators: u16) -> Self {
        let faucet = exchange::genesis::Faucet::Open { micros_max: 1_000_000_000_000 };
        let exchange = exchange::Genesis { faucet, ..exchange::Genesis::with_usual_parameters() };
        let folder = Folder::with_workers(validators, &exchange);
        Self { folder, nodes: (0..validators).map(|_| None).collect() }
    }

    /// A network that makes its own coin. Nobody runs yet.
    pub fn founded(validators: u16) -> Self {
        let faucet = exchange::genesis::Faucet::Open { micros_max: 1_000_000_000_000 };
        let exchange = exchange::Genesis { faucet, ..exchange::Genesis::with_usual_parameters() };
        let folder = Folder::founded(validators, &exchange);
        Self { folder, nodes: (0..validators).map(|_| None).collect() }
    }

    pub async fn start_with(validators: u16, exchange: &exchange::Genesis) -> Self {
        let mut network = Self::prepare_with(validators, exchange);
        network.start_all().await;
        network
    }

    fn prepare_with(validators: u16, exchange: &exchange::Genesis) -> Self {
        let folder = Folder::with_exchange(validators, exchange);
        Self { folder, nodes: (0..validators).map(|_| None).collect() }
    }

    /// Rounds from one snapshot to the next.
    pub fn checkpoint_every(&self, rounds: u64) {
        let to = format!("\"checkpoint_rounds\": {rounds},");
        super::edit(&self.folder.path("genesis.json"), "\"checkpoint_rounds\": 128,", &to);
    }

    pub fn validators(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.nodes.len()).unwrap_or(u16::MAX)
    }

    /// Starts those that do not run, and waits until all answer.
    pub async fn start_all(&mut self) {
        for place in self.validators() {
            self.launch(place);
        }
        for place in self.validators() {
            self.client(place).await;
        }
    }

    pub async fn restart(&mut self, place: u16) {
        self.launch(place);
        self.client(place).await;
    }

    /// Starts a validator that is none yet, and whose folder is there.
    pub fn join(&mut self, place: u16) {
        assert_eq!(self.nodes.len(), usize::from(place), "places are taken in their order");
        self.nodes.push(None);
        self.launch(place);
    }

    /// Starts a validator and waits for nothing.
    pub fn launch(&mut self, place: u16) {
        if self.nodes[usize::from(place)].is_none() {
            self.spawn(place, self.folder.node(place));
        }
    }

    fn spawn(&mut self, place: u16, mut command: Command) {
        let log = fs::File::options().create(true).append(true).open(self.log(place)).expect("a log");
        let command =
            command.env("CLOCKLESS_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.nodes[usize::from(place)] = Some(Killed(command.spawn().expect("the binary is built")));
    }

    fn log(&self, place: u16) -> std::path::PathBuf {
        self.folder.of_validator(place, "log")
    }

    /// Power off: SIGKILL.
    pub fn kill(&mut self, place: u16) {
        self.nodes[usize::from(place)] = None;
    }

    /// Sends a validator a signal by its name.
    pub fn signal(&self, place: u16, name: &str) {
        let node = self.nodes[usize::from(place)].as_ref().expect("it runs");
        let sent = Command::new("kill").args([&format!("-{name}"), &node.0.id().to_string()]).status();
        assert!(sent.expect("kill is everywhere").success());
    }

    /// What a validator has of memory, in MB.
    pub fn memory_mb(&self, place: u16) -> u64 {
        let node = self.nodes[usize::from(place)].as_ref().expect("it runs");
        let status = fs::read_to_string(format!("/proc/{}/status", node.0.id())).expect("it runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.expect("a process has memory") / 1_000
    }

    /// Starts a validator that does not run by a shell line in which `"$@"` is its command.
    pub fn launch_by(&mut self, place: u16, line: &str) {
        let mut command = self.folder.node(place);
        let mut shell = Command::new("sh");
        shell.args(["-c", line, "sh"]).arg(command.get_program()).args(command.get_args());
        command = shell;
        self.spawn(place, command);
    }

    /// Waits until a validator has ended by itself; what it said.
    pub async fn until_ended(&mut self, place: u16) -> String {
        let slot = &mut self.nodes[usize::from(place)];
        until("the validator ends", async || slot.as_mut()?.0.try_wait().expect("a child of ours")).await;
        *slot = None;
        fs::read_to_string(self.log(place)).unwrap_or_default()
    }

    /// Whether all still run that were not killed.
    pub fn assert_alive(&mut self) {
        for (place, node) in self.nodes.iter_mut().enumerate() {
            let ended = node.as_mut().and_then(|node| node.0.try_wait().expect("a child of ours"));
            assert!(ended.is_none(), "validator {place} ended with {ended:?}");
        }
    }

    /// A connection to a validator that answers.
    pub async fn client(&self, place: u16) -> NodeClient {
        let rpc = self.folder.rpc_of(place);
        until(&format!("validator {place} answers"), async || {
            let mut client = NodeClient::connect(&rpc).await.ok()?;
            client.status().await.ok().map(|_| client)
        })
        .await
    }

    /// The name of the network.
    pub async fn digest(&self) -> Digest {
        let status = self.client(0).await.status().await.expect("it answers");
        Digest(status.network.try_into().expect("a digest has 32 bytes"))
    }

    /// Every validator's commits from the first that it keeps to `last`: what was ordered, and the root after it.
    pub async fn histories(&self, last: u64) -> Vec<BTreeMap<u64, (Digest, Vec<u8>)>> {
        let all: Vec<u16> = self.validators().collect();
        self.histories_of(&all, last).await
    }

    async fn histories_of(&self, places: &[u16], last: u64) -> Vec<BTreeMap<u64, (Digest, Vec<u8>)>> {
        let mut histories = Vec::new();
        for place in places.iter().copied() {
            let mut history = BTreeMap::new();
            let mut client = self.client(place).await;
            let first = client.status().await.expect("it answers").first_commit_kept;
            let read = client.commits(first, |committed| {
                let commit = &committed.payload.commit;
                history.insert(commit.index, (commit.digest(), committed.root));
                if committed.payload.commit.index >= last {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            let read = tokio::time::timeout(PATIENCE, read).await;
            read.unwrap_or_else(|_| panic!("validator {place} does not get to commit {last}"))
                .expect("commits");
            histories.push(history);
        }
        histories
    }

    /// All validators tell the same story up to `last`.
    pub async fn assert_agreement(&self, last: u64) {
        let all: Vec<u16> = self.validators().collect();
        self.assert_agreement_of(&all, last).await;
    }

    /// These validators tell the same story up to `last`.
    pub async fn assert_agreement_of(&self, places: &[u16], last: u64) {
        let histories = self.histories_of(places, last).await;
        for (place, history) in histories.iter().enumerate() {
            let (first, end) = (history.first_key_value(), history.last_key_value());
            let (first, end) = first.zip(end).expect("validator {place} keeps no commit");
            assert_eq!(*end.0, last, "validator {place}");
            assert_eq!(u64::try_from(history.len()).expect("few commits"), last + 1 - first.0, "no gap");
            for (index, commit) in history {
                let others = histories.iter().filter_map(|it| it.get(index));
                others.for_each(|other| assert!(other == commit, "validator {place} differs at {index}"));
            }
        }
    }

    /// Follows a validator's commits from the first that it keeps until all of `wanted` are ordered; the last commit seen.
    /// None may be ordered twice by an honest network unless it was submitted twice.
    pub async fn until_ordered(&self, place: u16, wanted: &[Transaction]) -> u64 {
        let mut missing: BTreeSet<Vec<u8>> = wanted.iter().map(|it| it.bytes().to_vec()).collect();
        let mut last = 0;
        let mut client = self.client(place).await;
        let first = client.status().await.expect("it answers").first_commit_kept;
        let follow = client.commits(first, |committed| {
            last = committed.payload.commit.index;
            for block in &committed.payload.blocks {
                for transaction in &block.transactions {
                    missing.remove(transaction.bytes().as_ref());
                }
            }
            if missing.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let followed = tokio::time::timeout(PATIENCE, follow).await;
        let (open, all) = (missing.len(), wanted.len());
        assert!(open == 0, "validator {place}: {open} of {all} never ordered: {followed:?}");
        last
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for place in self.validators() {
            let log = fs::read_to_string(self.log(place)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("validator {place}: {}", lines[lines.len().saturating_sub(12)..].join("\n"));
        }
    }
}

/// Somebody with a key.
#[derive(Debug)]
pub struct Person {
    pub key: SigningKey,
    wallet: Wallet,
}

impl Person {
    pub fn new(network: Digest, seed: u8) -> Self {
        let key = SigningKey::from_bytes([seed; 32]);
        Self { wallet: Wallet::of_owner(network, key.clone(), 1), key }
    }

    pub fn account(&self) -> AccountId {
        self.wallet.account()
    }

    pub fn sign(&mut self, action: Action) -> Transaction {
        let signed = self.wallet.sign(vec![action], Atomicity::Independent);
        signed.expect("one action fits").1
    }

    /// Asks for so many USDC.
    pub fn faucet(&mut self, whole: i64) -> Transaction {
        self.sign(Action::Faucet { amount: Cash::from_whole(whole).expect("a small amount") })
    }
}
