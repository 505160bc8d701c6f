//! A network of validator processes on this machine, in a folder of its own.
//!
//! Invariant: these are the processes an operator would run, with their sockets and files; nothing is shared
//! with them but the loopback.

mod gateway;
mod process;

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

pub use self::{
    gateway::{LocalGateway, api_key},
    process::{Process, end_with_parent, free_addresses},
};

use crate::{
    commands::genesis::{Plan, make},
    failure::Failure,
    network::NetworkGenesis,
};

/// How long a process may take to listen.
const START_MAX: Duration = Duration::from_secs(30);

/// Running validators. The folder goes when this is dropped.
pub struct LocalNetwork {
    folder: tempfile::TempDir,
    pub genesis: NetworkGenesis,
    pub nodes: Vec<Process>,
    pub rpc: Vec<SocketAddr>,
    pub metrics: Vec<SocketAddr>,
}

impl LocalNetwork {
    /// Starts validators and waits until each answers. The addresses of the plan are chosen here.
    pub fn start(validators: u16, plan: Plan) -> Result<Self, Failure> {
        let addresses = free_addresses(3 * usize::from(validators))?;
        let addresses = addresses.chunks_exact(3).map(|it| [it[0], it[1], it[2]]).collect();
        let plan = Plan { addresses, ..plan };
        let rpc: Vec<SocketAddr> = plan.addresses.iter().map(|it| it[1]).collect();
        let metrics = plan.addresses.iter().map(|it| it[2]).collect();
        let folder = tempfile::Builder::new().prefix("clockless-").tempdir();
        let folder = folder.map_err(|error| Failure::failed(format!("no temporary folder: {error}")))?;
        let genesis = make(folder.path(), plan)?;
        let mut nodes = Vec::new();
        for validator in 0..validators {
            let home = folder.path().join(format!("validator-{validator}"));
            let config = home.join("config.toml").display().to_string();
            nodes.push(Process::start(&["node", "--config", &config], &home.join("log"))?);
        }
        for (address, node) in rpc.iter().zip(&mut nodes) {
            wait_for(*address, node)?;
        }
        Ok(Self { folder, genesis, nodes, rpc, metrics })
    }

    /// A file in the network's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Leaves the folder in place for whoever looks into a failure.
    pub fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// An error when a validator other than those told `down` has ended.
    pub fn check_alive(&mut self, down: Option<usize>) -> Result<(), Failure> {
        for (place, node) in self.nodes.iter_mut().enumerate() {
            if Some(place) != down && node.has_ended() {
                let words = node.last_words();
                return Err(Failure::failed(format!("validator {place} has stopped:\n{words}")));
            }
        }
        Ok(())
    }
}

/// Waits until a process listens.
pub fn wait_for(address: SocketAddr, process: &mut Process) -> Result<(), Failure> {
    let give_up = Instant::now() + START_MAX;
    while std::net::TcpStream::connect(address).is_err() {
        if process.has_ended() || Instant::now() > give_up {
            let words = process.last_words();
            return Err(Failure::failed(format!("nobody listens on {address}:\n{words}")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
