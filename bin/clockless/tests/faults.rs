//! What a machine does to a validator: it hangs, its disk fills up, its clock jumps. The others go on, and it
//! comes back.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test waits by the clock, says what it skips, and fails by a panic"
)]

mod support;

use std::{fs, path::Path};

use support::{
    load::Load,
    network::{Network, Person, until},
};

/// A validator may be starting again just now.
async fn executed(network: &Network, place: u16) -> u64 {
    until("the validator answers", async || {
        network.client(place).await.status().await.ok().map(|status| status.executed)
    })
    .await
}

/// Waits until a validator has done so many commits more.
async fn go_on(network: &Network, place: u16, commits: u64) {
    let target = executed(network, place).await + commits;
    until("there are more commits", async || (executed(network, place).await >= target).then_some(())).await;
}

async fn until_level(network: &Network, place: u16, with: u16) {
    let target = executed(network, with).await;
    until(&format!("{place} catches up with {with}"), async || {
        (executed(network, place).await >= target).then_some(())
    })
    .await;
}

/// Submits through a validator and waits until all have it, on one chain.
async fn all_take_part(network: &mut Network, seed: u8) {
    let name = network.digest().await;
    for place in network.validators() {
        let transaction = Person::new(name, seed + u8::try_from(place).unwrap()).faucet(1);
        assert_eq!(network.client(place).await.submit(vec![transaction]).await.unwrap(), [""], "{place}");
    }
    let last = executed(network, 0).await.max(1);
    for place in network.validators() {
        until("it gets there", async || (executed(network, place).await >= last).then_some(())).await;
    }
    network.assert_agreement(last).await;
    network.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_hangs_is_left_behind_and_catches_up() {
    let mut network = Network::start(4).await;
    let name = network.digest().await;
    let load = Load::start(&network, 0, Person::new(name, 1)).await;
    load.until_accepted(20).await;
    network.signal(3, "STOP");
    go_on(&network, 0, 40).await;
    network.signal(3, "CONT");
    until_level(&network, 3, 0).await;
    drop(load.stop());
    all_take_part(&mut network, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_stops_its_validator_with_the_reason_and_costs_nothing() {
    let mut network = Network::start(4).await;
    let name = network.digest().await;
    let load = Load::start(&network, 0, Person::new(name, 1)).await;
    load.until_accepted(20).await;
    network.kill(2);
    // No file may grow beyond 256 KiB: what a full disk answers, on any machine and without a disk to fill.
    network.launch_by(2, "trap '' XFSZ; ulimit -f 256; exec \"$@\"");
    let said = network.until_ended(2).await;
    assert!(said.contains("the log failed") || said.contains("File too large"), "{said}");
    go_on(&network, 0, 20).await;
    network.restart(2).await;
    until_level(&network, 2, 0).await;
    let accepted = load.stop();
    network.until_ordered(0, &accepted).await;
    all_take_part(&mut network, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_stops_nobody() {
    let Some(library) = libfaketime() else {
        println!("skipped: no libfaketime (Debian: apt install faketime)");
        return;
    };
    let mut network = Network::start(4).await;
    network.kill(1);
    let clock = network.folder.path("clock");
    fs::write(&clock, "+0").unwrap();
    let line = format!(
        "LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={} FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
         DONT_FAKE_MONOTONIC=1 exec \"$@\"",
        clock.display()
    );
    network.launch_by(1, &line);
    network.client(1).await;
    all_take_part(&mut network, 30).await;
    // Forward by days, back to before the start, and to the present again.
    for (seed, jump) in [(40, "+3d"), (50, "-10d"), (60, "+0")] {
        fs::write(&clock, jump).unwrap();
        go_on(&network, 1, 10).await;
        all_take_part(&mut network, seed).await;
        assert!(commit_time_is_sane(&network).await, "after {jump}");
    }
}

/// Whether the time of the last commits is near that of this machine: one clock of four moves no median.
async fn commit_time_is_sane(network: &Network) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let from = executed(network, 0).await.max(1);
    let mut time = 0;
    let mut client = network.client(0).await;
    let read = client.commits(from, |committed| {
        time = committed.payload.commit.time.millis();
        std::ops::ControlFlow::Break(())
    });
    read.await.unwrap();
    u64::try_from(now.as_millis()).unwrap().abs_diff(time) < 60_000
}

fn libfaketime() -> Option<String> {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
    let library = folders.map(|folder| format!("{folder}/libfaketimeMT.so.1"));
    library.into_iter().find(|path| Path::new(path).exists())
}
