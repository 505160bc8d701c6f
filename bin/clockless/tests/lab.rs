//! Four validators on four hosts of their own, in network namespaces, with a network that loses frames and falls
//! apart. Needs root, iproute2, nftables and the lab script of the shared folder; says so and skips without them.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test waits by the clock, says what it skips, and fails by a panic"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{Folder, PAUSE, edit};

const HOSTS: u16 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// The hosts, gone when this is dropped.
struct Lab {
    script: PathBuf,
    state: tempfile::TempDir,
}

impl Lab {
    /// `None`, with the reason told, where there can be no lab.
    fn up() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tools/netns-lab");
        let skip = |why: &str| {
            println!("skipped: {why}");
            None
        };
        if !script.exists() {
            return skip("no shared folder with its network lab");
        }
        let lab = Self { script, state: tempfile::tempdir().unwrap() };
        let tools =
            Command::new("sh").args(["-c", "command -v ip && command -v nft && ip netns list"]).output();
        if !tools.is_ok_and(|it| it.status.success()) {
            return skip("network namespaces need root, iproute2 and nftables");
        }
        let up = lab.run(&["up", &HOSTS.to_string(), "bridge"]);
        if !up.status.success() {
            return skip(&format!("no hosts on this machine: {}", String::from_utf8_lossy(&up.stderr)));
        }
        Some(lab)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.arg(&self.script).args(arguments).env("NETLAB_DIR", self.state.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn must(&self, arguments: &[&str]) {
        let done = self.run(arguments);
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    /// A command of the binary on a host.
    fn on(&self, host: u16, arguments: &[&str]) -> Command {
        let host = format!("h{}", host + 1);
        let mut command = self.command(&["exec", &host, env!("CARGO_BIN_EXE_clockless")]);
        command.args(arguments).env("CLOCKLESS_LOG", "warn");
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _gone = self.run(&["down"]);
    }
}

/// The validators on their hosts.
struct Network<'a> {
    lab: &'a Lab,
    folder: Folder,
    _nodes: Vec<support::Killed>,
}

impl<'a> Network<'a> {
    fn start(lab: &'a Lab) -> Self {
        let folder = Folder::new(HOSTS);
        let address = |place: u16, offset: u16| {
            (
                format!("127.0.0.1:{}", folder.base_port + 3 * place + offset),
                format!("10.77.0.{}:700{offset}", place + 1),
            )
        };
        let mut nodes = Vec::new();
        for place in 0..HOSTS {
            let config = folder.of_validator(place, "config.toml");
            for peer in 0..HOSTS {
                let (from, to) = address(peer, 0);
                while fs::read_to_string(&config).unwrap().contains(&from) {
                    edit(&config, &from, &to);
                }
            }
            for offset in [1, 2] {
                let (from, to) = address(place, offset);
                edit(&config, &from, &to);
            }
            let log = fs::File::create(folder.of_validator(place, "log")).unwrap();
            let mut command = lab.on(place, &["node", "--config", config.to_str().unwrap()]);
            nodes.push(support::Killed(command.stderr(log).spawn().unwrap()));
        }
        Self { lab, folder, _nodes: nodes }
    }

    /// Metric of a validator, asked on its own host.
    fn commits(&self, place: u16) -> u64 {
        let page = format!(
            "import urllib.request;print(urllib.request.urlopen('http://10.77.0.{}:7002/metrics',timeout=2).read().decode())",
            place + 1
        );
        let host = format!("h{}", place + 1);
        let asked = self.lab.run(&["exec", &host, "python3", "-c", &page]);
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("clockless_node_commits_total "));
        line.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Most commits that any validator has.
    fn furthest(&self) -> u64 {
        (0..HOSTS).map(|place| self.commits(place)).max().unwrap_or(0)
    }

    fn until_commits(&self, places: &[u16], more: u64, what: &str) {
        let from: Vec<u64> = places.iter().map(|place| self.commits(*place)).collect();
        let give_up = Instant::now() + PATIENCE;
        let level = || places.iter().zip(&from).all(|(place, from)| self.commits(*place) >= from + more);
        while !level() {
            assert!(Instant::now() < give_up, "waited in vain: {what}: {:?}", self.logs());
            std::thread::sleep(PAUSE);
        }
    }

    fn logs(&self) -> Vec<String> {
        let log = |place| fs::read_to_string(self.folder.of_validator(place, "log")).unwrap_or_default();
        (0..HOSTS).map(log).collect()
    }

    /// The root that a validator proves, with the commit.
    fn proof(&self, place: u16) -> Value {
        let (node, genesis) = (format!("10.77.0.{}:7001", place + 1), self.folder.path("genesis.json"));
        let account = "11".repeat(32);
        let genesis = genesis.to_str().unwrap();
        let asked = self
            .lab
            .on(place, &["verify", "--json", "--node", &node, "--genesis", genesis, "--account", &account])
            .output()
            .unwrap();
        assert!(asked.status.success(), "{asked:?}");
        serde_json::from_slice(&asked.stdout).unwrap()
    }
}

#[test]
fn hosts_that_lose_frames_and_each_other_go_on_together() {
    let Some(lab) = Lab::up() else { return };
    let network = Network::start(&lab);
    network.until_commits(&[0, 1, 2, 3], 10, "all begin");
    lab.must(&["profile", "lossy"]);
    network.until_commits(&[0, 1, 2, 3], 10, "with every twentieth frame lost");
    lab.must(&["profile", "clean"]);

    // Three of four are a quorum; the fourth is alone.
    lab.must(&["partition", "h1,h2,h3", "h4"]);
    network.until_commits(&[0, 1, 2], 20, "a quorum goes on");
    let alone = network.commits(3);
    network.until_commits(&[0, 1, 2], 5, "and on");
    assert!(network.commits(3) <= alone + 5, "one of four decides nothing");
    lab.must(&["heal"]);
    network.until_commits(&[3], 25, "the fourth comes back");

    // Two and two: nobody may go on, and everybody must afterwards.
    lab.must(&["partition", "h1,h2", "h3,h4"]);
    std::thread::sleep(Duration::from_secs(2));
    let stuck = network.furthest();
    std::thread::sleep(Duration::from_secs(2));
    // Who is behind may still learn from its half what was decided before: only the furthest tells.
    assert!(network.furthest() <= stuck + 2, "half of the stake decides nothing");
    lab.must(&["heal"]);
    network.until_commits(&[0, 1, 2, 3], 10, "all go on after the split");

    // One direction only: h1 hears h2 and is not heard by it.
    lab.must(&["oneway", "h1", "h2"]);
    network.until_commits(&[2, 3], 10, "with one deaf link");
    lab.must(&["heal"]);
    network.until_commits(&[0, 1, 2, 3], 10, "and healed");
    for place in 0..HOSTS {
        assert_eq!(network.proof(place)["verified"], true, "validator {place}");
    }
}
