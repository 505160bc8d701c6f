//! The processes of a local network, and free ports for them.
//!
//! Invariant: no process outlives the one that started it, however that ends: children read a pipe that closes
//! with it.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::failure::Failure;

/// What /proc counts processor time in, on Linux everywhere.
const TICKS_PER_SECOND: f64 = 100.0;

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

    /// Stops it where it is, as a machine that hangs: SIGSTOP. Its connections stay up.
    pub fn freeze(&self) -> Result<(), Failure> {
        match Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(Failure::failed(format!("kill -STOP: {other:?}"))),
        }
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

    /// Processor time used so far, in seconds.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The name may hold anything, so count from its end: user and system time are fields 14 and 15.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
        Some(ticks / TICKS_PER_SECOND)
    }

    /// The most memory it ever held, in MB of a million bytes.
    pub fn memory_peak_mb(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib * 1_024.0 / 1e6)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
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
    command.args(arguments).arg("--until-stdin-closes").stdin(Stdio::piped()).stdout(file).stderr(copy);
    command.spawn().map_err(failed)
}

/// Ends this process when the one that started it is gone.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
}
