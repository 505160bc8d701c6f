//! Validators whose logs are cut: they restart, catch up from far behind, and come back without a disk.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::fs;

use support::{
    edit,
    load::Load,
    network::{Network, Person, until},
};

async fn executed(network: &Network, place: u16) -> u64 {
    network.client(place).await.status().await.unwrap().executed
}

/// Waits until a validator has done what another had done when asked.
async fn until_level(network: &Network, place: u16, with: u16) {
    let target = executed(network, with).await;
    until(&format!("{place} catches up with {with}"), async || {
        (executed(network, place).await >= target).then_some(())
    })
    .await;
}

/// The lowest section of a validator's log that is on disk.
fn oldest_section(network: &Network, place: u16) -> Option<Vec<u8>> {
    let sections = fs::read_dir(network.folder.of_validator(place, "data/journal")).ok()?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Some(entry.ok()?.file_name().into_encoded_bytes()).filter(|it| !it.starts_with(b"."))
    };
    sections.filter_map(name).min()
}

async fn go_on(network: &Network, commits: u64) {
    let target = executed(network, 0).await + commits;
    until("there are more commits", async || (executed(network, 0).await > target).then_some(())).await;
}

async fn balance(network: &Network, place: u16, person: &Person) -> i64 {
    network.client(place).await.account(person.account()).await.unwrap().balance_micros / 1_000_000
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_cut_and_whoever_falls_behind_them_comes_back() {
    let mut network = Network::prepare(4);
    network.checkpoint_every(10);
    for place in network.validators() {
        edit(&network.folder.of_validator(place, "config.toml"), "[pacing]", "[pacing]\nretain_rounds = 40");
    }
    network.start_all().await;
    let name = network.digest().await;
    let load = Load::start(&network, 0, Person::new(name, 1)).await;
    load.until_accepted(40).await;
    let first = oldest_section(&network, 0);
    until("the log is cut", async || (oldest_section(&network, 0) > first).then_some(())).await;

    // Away for longer than anybody keeps rounds.
    network.kill(1);
    go_on(&network, 150).await;
    network.restart(1).await;
    until_level(&network, 1, 0).await;
    assert!(network.client(1).await.status().await.unwrap().first_commit_kept > 1, "it skipped commits");

    // The disk is gone.
    network.kill(2);
    fs::remove_dir_all(network.folder.of_validator(2, "data")).unwrap();
    go_on(&network, 10).await;
    network.restart(2).await;
    until_level(&network, 2, 0).await;

    // Everybody at once.
    network.validators().for_each(|place| network.kill(place));
    let accepted = i64::try_from(load.stop().len()).unwrap();
    network.start_all().await;
    let mut late = Person::new(name, 2);
    let transaction = late.faucet(7);
    assert_eq!(network.client(2).await.submit(vec![transaction]).await.unwrap(), [""]);
    for place in network.validators() {
        until("what was accepted is there", async || {
            let early = balance(&network, place, &Person::new(name, 1)).await;
            let is_there = early >= accepted && balance(&network, place, &late).await == 7;
            is_there.then_some(())
        })
        .await;
    }
    network.assert_agreement(executed(&network, 3).await).await;
    network.assert_alive();
}
