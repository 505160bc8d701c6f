//! Committees that change under load: real processes, an ordered vote, kill -9 in the middle, a chain of proofs.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::{collections::BTreeSet, fs};

use support::{
    change::{member, newcomer, until_epoch},
    clockless,
    network::{Network, Person, until},
    run_json,
};
use wire::Transaction;

/// Hands a transaction to a validator until that says that it is durable; between two epochs it may be busy.
async fn accept(network: &Network, place: u16, transaction: &Transaction) {
    until(&format!("validator {place} accepts"), async || {
        let refusals = network.client(place).await.submit(vec![transaction.clone()]).await.unwrap();
        refusals[0].is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_joins_and_another_leaves_while_people_trade() {
    let mut network = Network::prepare(4);
    network.start_all().await;
    let (mut person, mut other) =
        (Person::new(network.digest().await, 1), Person::new(network.digest().await, 2));
    let mut sent = vec![person.faucet(100)];
    accept(&network, 1, &sent[0]).await;
    let file = newcomer(&network, 4).file;
    network.join(4);
    let genesis = fs::read_to_string(network.folder.path("genesis.json")).unwrap();
    let genesis: serde_json::Value = serde_json::from_str(&genesis).unwrap();
    let leaver = genesis["validators"][0]["key"].as_str().unwrap().to_owned();
    let more = ["--newcomer", file.to_str().unwrap(), "--instead-of", &leaver];
    (1..4).for_each(|place| assert_eq!(member(&network, place, "join", &more)["epoch"], 2));
    // kill -9 of a member while the key is handed on, under load; what it has accepted is not lost.
    for step in 0..20 {
        let transaction = person.faucet(1);
        accept(&network, 2, &transaction).await;
        sent.push(transaction);
        let transaction = other.faucet(1);
        accept(&network, 3, &transaction).await;
        sent.push(transaction);
        if step % 7 == 2 {
            network.kill(3);
            network.launch(3);
        }
    }
    for place in 1..5 {
        until_epoch(&network, place, 2).await;
    }
    let said = network.until_ended(0).await;
    assert!(said.contains("has left the committee"), "{said}");
    // The newcomer takes transactions, and others order them; coins are made with its share.
    let last_words = person.faucet(7);
    accept(&network, 4, &last_words).await;
    sent.push(last_words);
    let last = network.until_ordered(1, &sent).await;
    network.assert_agreement_of(&[1, 2, 4], last).await;
    network.kill(1);
    let alone = person.faucet(8);
    accept(&network, 4, &alone).await;
    network.until_ordered(2, &[alone]).await;
    let mut verify = clockless(&["verify", "--json", "--node", &network.folder.rpc_of(4), "--genesis"]);
    verify.arg(network.folder.path("genesis.json"));
    let account = person.key.public_key().to_string();
    let balance = (100 + 20 + 7 + 8).to_string();
    let proved = run_json(verify.args(["--account", &account, "--balance", &balance]));
    assert_eq!(proved["verified"], true);
    let shown = member(&network, 4, "show", &[]);
    let keys: BTreeSet<&str> =
        shown["validators"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    assert!(keys.len() == 4 && !keys.contains(leaver.as_str()), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_refreshed_and_a_whole_network_starts_again_in_its_epoch() {
    let mut network = Network::prepare(4);
    network.start_all().await;
    for epoch in 2..4 {
        (0..3).for_each(|place| assert_eq!(member(&network, place, "refresh", &[])["epoch"], epoch));
        for place in network.validators() {
            until_epoch(&network, place, epoch).await;
        }
        network.validators().for_each(|place| network.kill(place));
        network.start_all().await;
    }
    let mut person = Person::new(network.digest().await, 1);
    let sent = [person.faucet(5)];
    accept(&network, 3, &sent[0]).await;
    let last = network.until_ordered(0, &sent).await;
    network.assert_agreement(last).await;
    network.assert_alive();
}
