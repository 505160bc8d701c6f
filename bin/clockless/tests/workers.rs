//! Workers as processes of their own: killed, restarted, and without their primary, they lose nothing that they
//! accepted.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::{fs, process::Stdio};

use client::NodeClient;
use commonware_codec::DecodeExt;
use support::{
    Killed,
    change::{member, newcomer, until_epoch},
    load::Load,
    network::{Network, Person, until},
};
use wire::{SignedIntent, Transaction};

const VALIDATORS: u16 = 4;

/// The worker processes of a network, one a validator.
struct Workers(Vec<Option<Killed>>);

impl Workers {
    fn start(network: &Network) -> Self {
        let mut workers = Self(Vec::new());
        network.validators().for_each(|place| workers.launch(network, place));
        workers
    }

    fn launch(&mut self, network: &Network, place: u16) {
        self.0.resize_with(self.0.len().max(usize::from(place) + 1), || None);
        let log = network.folder.of_validator(place, "worker-log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = network.folder.worker(place, 0);
        let command = command.env("CLOCKLESS_LOG", "warn").stdout(Stdio::null()).stderr(log);
        self.0[usize::from(place)] = Some(Killed(command.spawn().unwrap()));
    }

    /// Power off: SIGKILL.
    fn kill(&mut self, place: u16) {
        self.0[usize::from(place)] = None;
    }

    fn assert_alive(&mut self) {
        for (place, worker) in self.0.iter_mut().enumerate() {
            let ended = worker.as_mut().and_then(|worker| worker.0.try_wait().unwrap());
            assert!(ended.is_none(), "worker of validator {place} ended with {ended:?}");
        }
    }
}

async fn client(network: &Network, place: u16) -> NodeClient {
    let rpc = network.folder.worker_rpc(place, (VALIDATORS, 1));
    until(&format!("the worker of validator {place} listens"), async || NodeClient::connect(&rpc).await.ok())
        .await
}

async fn submit(network: &Network, place: u16, transaction: Transaction) {
    let answers = client(network, place).await.submit(vec![transaction]).await.unwrap();
    assert_eq!(answers, [""]);
}

async fn executed(network: &Network, place: u16) -> u64 {
    network.client(place).await.status().await.unwrap().executed
}

async fn until_more_are_executed(network: &Network, place: u16) {
    let before = executed(network, place).await;
    until("there are more commits", async || (executed(network, place).await > before + 10).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_a_worker_or_a_primary_loses_nothing_that_was_accepted() {
    let mut network = Network::with_workers(VALIDATORS);
    // Logs stay whole, so that every commit can be looked at in the end.
    network.checkpoint_every(1_000_000);
    let mut workers = Workers::start(&network);
    network.start_all().await;
    let name = network.digest().await;
    let mut loads = Vec::new();
    for place in network.validators() {
        let person = Person::new(name, u8::try_from(place).unwrap() + 1);
        loads.push(Load::start_at(client(&network, place).await, person).await);
    }
    for load in &loads {
        load.until_accepted(20).await;
    }

    workers.kill(1);
    let killed = loads.remove(1);
    until_more_are_executed(&network, 0).await;
    workers.launch(&network, 1);
    let target = executed(&network, 0).await;
    until("validator 1 catches up", async || (executed(&network, 1).await >= target).then_some(())).await;
    let mut accepted = killed.stop();
    assert!(accepted.len() >= 20);

    network.kill(2);
    until_more_are_executed(&network, 0).await;
    network.restart(2).await;
    let target = executed(&network, 0).await;
    until("validator 2 catches up", async || (executed(&network, 2).await >= target).then_some(())).await;

    accepted.extend(loads.into_iter().flat_map(Load::stop));
    let mut late = Person::new(name, 50);
    for place in [1, 2] {
        let transaction = late.faucet(1);
        submit(&network, place, transaction.clone()).await;
        accepted.push(transaction);
    }
    let mut last = 0;
    for place in network.validators() {
        last = last.max(network.until_ordered(place, &accepted).await);
    }
    network.assert_agreement(last).await;
    network.assert_alive();
    workers.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_at_once_comes_back_with_what_was_accepted() {
    let mut network = Network::with_workers(VALIDATORS);
    network.checkpoint_every(20);
    let mut workers = Workers::start(&network);
    network.start_all().await;
    let name = network.digest().await;
    let load = Load::start_at(client(&network, 0).await, Person::new(name, 1)).await;
    load.until_accepted(40).await;
    for place in network.validators() {
        network.kill(place);
        workers.kill(place);
    }
    let accepted = i64::try_from(load.stop().len()).unwrap();
    network.validators().for_each(|place| workers.launch(&network, place));
    network.start_all().await;
    let mut late = Person::new(name, 2);
    submit(&network, 3, late.faucet(7)).await;
    for place in network.validators() {
        until("what was accepted is there", async || {
            let mut client = network.client(place).await;
            let early = client.account(Person::new(name, 1).account()).await.ok()?.balance_micros;
            let late = client.account(late.account()).await.ok()?.balance_micros;
            (early >= accepted * 1_000_000 && late == 7_000_000).then_some(())
        })
        .await;
    }
    network.assert_agreement(executed(&network, 3).await).await;
    network.assert_alive();
    workers.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_follow_the_committee_under_load_and_lose_nothing_that_was_accepted() {
    let mut network = Network::with_workers(VALIDATORS);
    let mut workers = Workers::start(&network);
    network.start_all().await;
    let name = network.digest().await;
    let mut loads = Vec::new();
    for place in 1..VALIDATORS {
        let person = Person::new(name, u8::try_from(place).unwrap() + 1);
        loads.push(Load::start_at(client(&network, place).await, person).await);
    }
    let fifth = newcomer(&network, VALIDATORS);
    network.join(VALIDATORS);
    workers.launch(&network, VALIDATORS);
    let genesis = fs::read_to_string(network.folder.path("genesis.json")).unwrap();
    let genesis: serde_json::Value = serde_json::from_str(&genesis).unwrap();
    let leaver = genesis["validators"][0]["key"].as_str().unwrap().to_owned();
    let more = ["--newcomer", fifth.file.to_str().unwrap(), "--instead-of", &leaver];
    (1..4).for_each(|place| assert_eq!(member(&network, place, "join", &more)["epoch"], 2));
    for place in 1..5 {
        until_epoch(&network, place, 2).await;
    }
    assert!(network.until_ended(0).await.contains("has left the committee"));
    for load in &loads {
        load.until_accepted(40).await;
    }
    // kill -9 of a worker and of another validator's primary, in the new epoch.
    workers.kill(1);
    network.kill(2);
    let mut accepted = loads.remove(0).stop();
    workers.launch(&network, 1);
    network.restart(2).await;
    // The newcomer's worker takes transactions, and one that comes back into the epoch carries them.
    let rpc = format!("127.0.0.1:{}", fifth.base_port + 5);
    let mut fifth = NodeClient::connect(&rpc).await.unwrap();
    let mut late = Person::new(name, 50);
    let transaction = late.faucet(7);
    assert_eq!(fifth.submit(vec![transaction.clone()]).await.unwrap(), [""]);
    accepted.push(transaction);
    let transaction = late.faucet(8);
    submit(&network, 1, transaction.clone()).await;
    accepted.push(transaction);
    accepted.extend(loads.into_iter().flat_map(Load::stop));

    (1..4).for_each(|place| assert_eq!(member(&network, place, "refresh", &[])["epoch"], 3));
    for place in 1..5 {
        until_epoch(&network, place, 3).await;
    }
    let transaction = late.faucet(9);
    submit(&network, 3, transaction).await;
    for person in 2..5 {
        let account = Person::new(name, person).account();
        let of_person = accepted
            .iter()
            .filter(|it| SignedIntent::decode(it.bytes().clone()).unwrap().intent.account == account)
            .count();
        let wanted = i64::try_from(of_person).unwrap() * 1_000_000;
        for place in 1..5 {
            until("what was accepted is executed", async || {
                let balance = network.client(place).await.account(account).await.ok()?.balance_micros;
                (balance >= wanted).then_some(())
            })
            .await;
        }
    }
    for place in 1..5 {
        until("the last words are executed", async || {
            let balance = network.client(place).await.account(late.account()).await.ok()?.balance_micros;
            (balance == 24_000_000).then_some(())
        })
        .await;
    }
    network.assert_agreement_of(&[1, 2, 3, 4], executed(&network, 4).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_workers_elsewhere_says_where_to_submit_and_a_stranger_is_no_worker() {
    use std::io::{Read, Write};
    let mut network = Network::with_workers(VALIDATORS);
    let mut workers = Workers::start(&network);
    network.start_all().await;
    let mut person = Person::new(network.digest().await, 1);
    let refusals = network.client(0).await.submit(vec![person.faucet(1)]).await.unwrap();
    assert_eq!(refusals, ["this validator takes transactions at its workers"]);
    let error = client(&network, 0).await.status().await.unwrap_err();
    assert!(error.to_string().contains("ask its validator's node"), "{error}");

    let meeting = network.folder.base_port + 3 * VALIDATORS;
    let mut stranger = std::net::TcpStream::connect(("127.0.0.1", meeting)).unwrap();
    stranger.set_read_timeout(Some(support::PATIENCE)).unwrap();
    stranger.write_all(&[7; 4_096]).unwrap();
    let mut answer = Vec::new();
    let _reset = stranger.read_to_end(&mut answer);
    assert!(answer.len() < 200, "a stranger is told nothing: {} bytes", answer.len());

    submit(&network, 0, person.faucet(1)).await;
    network.assert_alive();
    workers.assert_alive();
}
