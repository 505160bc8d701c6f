//! A PostgreSQL of Debian's packages, for as long as a test needs it, in a folder of its own.

use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends and its folder goes when this is dropped.
pub struct Postgres {
    pub url: String,
    server: Child,
    folder: PathBuf,
}

impl Postgres {
    /// `None` where there is none to start.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = std::env::temp_dir().join(format!("clockless-postgres-{}", std::process::id()));
        let data = folder.join("data");
        std::fs::create_dir_all(&folder).ok()?;
        own(&folder)?;
        let made = command(&programs.join("initdb"))
            .args(["--username=clockless", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        if !matches!(made, Ok(status) if status.success()) {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).ok()?.port();
        let server = command(&programs.join("postgres"))
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p", &port.to_string(), "-D"])
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let url = format!("postgres://clockless@127.0.0.1:{port}/postgres");
        let postgres = Self { url, server, folder };
        let give_up = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > give_up {
                return None;
            }
            std::thread::yield_now();
        }
        Some(postgres)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: end sessions and stop. SIGKILL would leave the server's children behind.
        let stopped = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        if stopped.is_err() {
            let _gone = self.server.kill();
        }
        let _reaped = self.server.wait();
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the newest server that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(Result::ok).map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// The server refuses to run as root: its own user does it then.
fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn own(folder: &Path) -> Option<()> {
    if !is_root() {
        return Some(());
    }
    let owned: io::Result<_> = Command::new("chown").arg("postgres").arg(folder).status();
    owned.ok().filter(std::process::ExitStatus::success).map(|_| ())
}
