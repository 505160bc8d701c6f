//! The real binary for tests: commands that must end, networks in folders of their own.
//!
//! Invariant: whatever a test started is gone when the test is, failed or not.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::panic, clippy::print_stdout, reason = "a test fails with what it saw")]

pub mod change;
pub mod load;
pub mod network;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a command may take that should fail at once.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
pub const PAUSE: Duration = Duration::from_millis(20);

/// The binary, with a quiet log and no input.
pub fn clockless<T: AsRef<std::ffi::OsStr>>(arguments: &[T]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clockless"));
    command.args(arguments).env("CLOCKLESS_LOG", "error").stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when it had to be killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end; one that does not end is killed.
pub fn run(command: &mut Command) -> Ended {
    let folder = tempfile::tempdir().expect("a folder for the output");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let create = |path: &Path| fs::File::create(path).expect("a file for the output");
    let child = command.stdout(create(&out)).stderr(create(&err)).spawn().expect("the binary is built");
    let mut child = Killed(child);
    let code = wait_until(PATIENCE, || child.0.try_wait().expect("a child of ours"));
    drop(child);
    let text = |path: &Path| fs::read_to_string(path).expect("text");
    Ended { code: code.and_then(|status| status.code()), stdout: text(&out), stderr: text(&err) }
}

/// Runs a command that must succeed with one JSON object as its output.
pub fn run_json(command: &mut Command) -> serde_json::Value {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{command:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).expect("JSON on stdout")
}

/// A child that does not outlive its test.
#[derive(Debug)]
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Looks until there is something to see, or returns `None` when the time is up.
pub fn wait_until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let give_up = Instant::now() + patience;
    loop {
        let seen = look();
        if seen.is_some() || Instant::now() > give_up {
            return seen;
        }
        std::thread::sleep(PAUSE);
    }
}

/// A run of ports that nobody listens on, below those that the system gives to connections.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let of_process = u16::try_from(std::process::id() % 400).unwrap_or(0) * 50;
    for _ in 0..1_000 {
        let first = 10_000 + (of_process + NEXT.fetch_add(count, Ordering::Relaxed)) % 20_000;
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if (first..first + count).all(free) {
            return first;
        }
    }
    unreachable!("nobody listens on twenty thousand ports")
}

/// A network's folder, as `clockless genesis` makes it.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    /// Validator i listens on this and 3i (links), 3i + 1 (rpc), 3i + 2 (metrics).
    pub base_port: u16,
}

impl Folder {
    /// A network whose exchange lists nothing, with a coin that is dealt.
    pub fn new(validators: u16) -> Self {
        Self::with(validators, &["--dealt"])
    }

    /// A network that makes its own coin.
    pub fn founded(validators: u16, exchange: &exchange::Genesis) -> Self {
        Self::of_exchange(validators, exchange, &[])
    }

    /// A network with an exchange of its own.
    pub fn with_exchange(validators: u16, exchange: &exchange::Genesis) -> Self {
        Self::of_exchange(validators, exchange, &["--dealt"])
    }

    /// A network with one worker a validator, a process of its own.
    pub fn with_workers(validators: u16, exchange: &exchange::Genesis) -> Self {
        Self::of_exchange(validators, exchange, &["--dealt", "--workers", "1"])
    }

    fn of_exchange(validators: u16, exchange: &exchange::Genesis, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("exchange.json");
        fs::write(&file, serde_json::to_vec(exchange).expect("plain values")).expect("a file");
        let exchange = ["--exchange", file.to_str().expect("a plain path")];
        Self::with(validators, &[&exchange, more].concat())
    }

    fn with(validators: u16, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Above the validators is where they meet their worker, and where that listens.
        let each = if more.contains(&"--workers") { 6 } else { 3 };
        let base_port = free_ports(each * validators);
        let (count, port) = (validators.to_string(), base_port.to_string());
        let mut command = clockless(&["genesis", "--json", "--validators", &count, "--base-port", &port]);
        let made = run_json(command.arg("--out").arg(folder.path()).args(more));
        assert_eq!(made["validators"], validators);
        Self { folder, base_port }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn of_validator(&self, place: u16, name: &str) -> PathBuf {
        self.path(&format!("validator-{place}")).join(name)
    }

    /// Where a validator answers clients.
    pub fn rpc(&self, place: u16) -> String {
        format!("127.0.0.1:{}", self.base_port + 3 * place + 1)
    }

    /// Where any validator answers clients, by its configuration.
    pub fn rpc_of(&self, place: u16) -> String {
        let text = fs::read_to_string(self.of_validator(place, "config.toml")).expect("a configuration");
        let line = text.lines().find_map(|line| line.strip_prefix("rpc = ")).expect("a line that says rpc");
        line.trim_matches('"').to_owned()
    }

    /// Where the first worker of a validator answers clients, when each has `workers` processes of them.
    pub fn worker_rpc(&self, place: u16, (validators, workers): (u16, u16)) -> String {
        format!("127.0.0.1:{}", self.base_port + 3 * validators + (1 + 2 * workers) * place + 2)
    }

    pub fn worker(&self, place: u16, number: u16) -> Command {
        let mut command = clockless(&["worker", "--config"]);
        command.arg(self.of_validator(place, &format!("worker-{number}.toml")));
        command
    }

    pub fn node(&self, place: u16) -> Command {
        let mut command = clockless(&["node", "--config"]);
        command.arg(self.of_validator(place, "config.toml"));
        command
    }
}

/// Replaces a part of a text file that must be there.
pub fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{} has no {from:?}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("a file");
}
