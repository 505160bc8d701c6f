//! Networks that make their own coin: no dealer, late validators, lost disks, kill -9 in the middle.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use support::network::{Network, Person};

/// Somebody trades at a validator, and others hear of it.
async fn trade(network: &Network, seed: u8, (at, heard_at): (u16, u16)) -> u64 {
    let mut person = Person::new(network.client(at).await.status().await.map(digest).unwrap(), seed);
    let transaction = person.faucet(100);
    assert_eq!(network.client(at).await.submit(vec![transaction.clone()]).await.unwrap(), [""]);
    network.until_ordered(heard_at, &[transaction]).await
}

fn digest(status: client::protocol::StatusResponse) -> crypto::Digest {
    crypto::Digest(status.network.try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_deals_the_coin_and_a_late_validator_gets_its_share() {
    let mut network = Network::founded(4);
    let genesis = fs::read_to_string(network.folder.path("genesis.json")).unwrap();
    assert!(!genesis.contains("coin_key"));
    (0..3).for_each(|place| network.launch(place));
    trade(&network, 1, (0, 1)).await;
    for place in 0..3 {
        assert!(!network.folder.of_validator(place, "coin-share").exists());
        for secret in ["data/coin", "data/founding-seed"] {
            let mode = fs::metadata(network.folder.of_validator(place, secret)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{secret}");
        }
    }
    network.launch(3);
    let last = trade(&network, 2, (3, 0)).await;
    network.assert_agreement(last).await;
    // The key file and the others are enough to find the share again.
    let coin = network.folder.of_validator(2, "data/coin");
    let share = fs::read_to_string(&coin).unwrap();
    network.kill(2);
    fs::remove_dir_all(network.folder.of_validator(2, "data")).unwrap();
    network.restart(2).await;
    assert_eq!(fs::read_to_string(&coin).unwrap(), share);
    trade(&network, 3, (0, 3)).await;
    network.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_in_the_middle_of_the_founding_changes_nothing() {
    let mut network = Network::founded(4);
    for pause_ms in [150, 300, 450, 600, 900] {
        network.validators().for_each(|place| network.launch(place));
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        network.validators().for_each(|place| network.kill(place));
    }
    network.start_all().await;
    let last = trade(&network, 1, (1, 2)).await;
    network.assert_agreement(last).await;
    let coin = |place| fs::read_to_string(network.folder.of_validator(place, "data/coin")).unwrap();
    let keys: Vec<String> =
        network.validators().map(|place| coin(place).lines().next().unwrap().to_owned()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
}
