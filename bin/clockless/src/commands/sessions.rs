//! `clockless keys register|revoke`: who else may sign for an account.
//!
//! Invariant: only the owner's key signs these; a session key can trade or read, and never move money or register keys.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crypto::PublicKey;
use num::{DAY_MS, Timestamp};
use wire::{Action, Permission};

use crate::{
    commands::{keys::file_public_key, trader::Through},
    failure::Failure,
    network::parse_key,
    node::Clock,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PermissionArgument {
    /// Trades, and reads
    Trade,
    Read,
}

/// The key that is meant.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct SessionArguments {
    /// Its file; the password is not needed.
    #[arg(long)]
    session: Option<PathBuf>,
    /// Its public key, 64 hexadecimal digits.
    #[arg(long)]
    session_key: Option<String>,
}

#[derive(Args, Debug)]
pub struct RegisterArguments {
    #[command(flatten)]
    through: Through,
    #[command(flatten)]
    session: SessionArguments,
    #[arg(long, default_value = "trade")]
    permission: PermissionArgument,
    /// For how many days; until it is revoked without this.
    #[arg(long)]
    days: Option<u32>,
}

#[derive(Args, Debug)]
pub struct RevokeArguments {
    #[command(flatten)]
    through: Through,
    #[command(flatten)]
    session: SessionArguments,
}

impl SessionArguments {
    fn read(&self) -> Result<PublicKey, Failure> {
        match (&self.session, &self.session_key) {
            (Some(file), _) => file_public_key(file),
            (None, text) => {
                let text = text.as_deref().unwrap_or_default();
                let wrong = || format!("--session-key {text:?}: 64 hexadecimal digits are expected");
                parse_key(text).ok_or_else(|| Failure::bad_input(wrong()))
            }
        }
    }
}

impl RegisterArguments {
    pub fn run(&self, as_json: bool) -> Result<(), Failure> {
        let permission = match self.permission {
            PermissionArgument::Trade => Permission::Trade,
            PermissionArgument::Read => Permission::Read,
        };
        let valid_until = self.days.map_or(Timestamp::MAX, days_from_now);
        let action = Action::RegisterKey { key: self.session.read()?, permission, valid_until };
        self.through.submit(action, as_json)
    }
}

impl RevokeArguments {
    pub fn run(&self, as_json: bool) -> Result<(), Failure> {
        let action = Action::RevokeKey { key: self.session.read()? };
        self.through.submit(action, as_json)
    }
}

fn days_from_now(days: u32) -> Timestamp {
    let now_ms = Clock { offset_ms: 0 }.now().millis();
    Timestamp::from_millis(now_ms.saturating_add(u64::from(days).saturating_mul(DAY_MS)))
}
