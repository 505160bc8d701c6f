//! Votes for another committee, as members make them.

use std::{fs, path::PathBuf};

use client::protocol::StatusResponse;

use super::{
    clockless, free_ports,
    network::{Network, until},
    run_json,
};

/// What a member is asked to do by `clockless validator`.
pub fn member(network: &Network, place: u16, command: &str, more: &[&str]) -> serde_json::Value {
    let mut asked = clockless(&["validator", command, "--json", "--config"]);
    run_json(asked.arg(network.folder.of_validator(place, "config.toml")).args(more))
}

/// A validator that is to join.
#[derive(Debug)]
pub struct Newcomer {
    /// Says who it is.
    pub file: PathBuf,
    /// It listens on this and the next ones.
    pub base_port: u16,
}

/// Makes the folder of a validator that is to join.
pub fn newcomer(network: &Network, place: u16) -> Newcomer {
    let base_port = free_ports(6);
    let mut made = clockless(&["validator", "new", "--base-port", &base_port.to_string(), "--like"]);
    made.arg(network.folder.of_validator(0, "config.toml"));
    let out = network.folder.path(&format!("validator-{place}"));
    let said = run_json(made.arg("--out").arg(&out));
    let file = out.join("newcomer.json");
    fs::write(&file, said.to_string()).expect("its own folder");
    Newcomer { file, base_port }
}

pub async fn until_epoch(network: &Network, place: u16, epoch: u64) -> StatusResponse {
    until(&format!("validator {place} is in epoch {epoch}"), async || {
        let status = network.client(place).await.status().await.ok()?;
        (status.epoch == epoch).then_some(status)
    })
    .await
}
