//! The processes of a local network, and free ports for them.
//!
//! Invariant: no process outlives the demo.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::failure::Failure;

/// Ports that nobody listens on at the moment.
pub fn free_addresses(count: usize) -> Result<Vec<SocketAddr>, Failure> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: Result<Vec<TcpListener>, _> = (0..count).map(|_| bind()).collect();
    let addresses = listeners.and_then(|all| all.iter().map(TcpListener::local_addr).collect());
    addresses.map_err(|error| Failure::failed(format!("no free port: {error}")))
}

/// A child of this process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    arguments: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts this binary with other arguments, its output in a file.
    pub fn start(arguments: &[&str], log: &Path) -> Result<Self, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let child = launch(&arguments, log)?;
        Ok(Self { arguments, log: log.to_owned(), child })
    }

    /// Power off: SIGKILL.
    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    pub fn restart(&mut self) -> Result<(), Failure> {
        self.child = launch(&self.arguments, &self.log)?;
        Ok(())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(arguments: &[String], log: &Path) -> Result<Child, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("{arguments:?}: {error}"));
    let binary = std::env::current_exe().map_err(failed)?;
    let file = File::options().create(true).append(true).open(log).map_err(failed)?;
    let copy = file.try_clone().map_err(failed)?;
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(copy);
    command.spawn().map_err(failed)
}
