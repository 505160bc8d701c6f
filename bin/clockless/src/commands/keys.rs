//! `clockless keys new|show|register|revoke|backup|restore`: a person's keys.
//!
//! Invariant: a secret reaches the output only when `backup` is asked for it; a key file is never overwritten.

use std::{
    fs,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use crypto::{PublicKey, SigningKey};
use rand::Rng as _;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    commands::sessions::{RegisterArguments, RevokeArguments},
    failure::Failure,
    keystore::{self, Keystore},
    network::{read_signing_key, write_secret},
};

const PASSWORD_VARIABLE: &str = "CLOCKLESS_PASSWORD";

#[derive(Args, Debug)]
pub struct KeysArguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a key and encrypt it under a password
    New {
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Print the public key of a file
    Show { file: PathBuf },
    /// Print a key as 24 words: whoever reads them has the key
    Backup {
        file: PathBuf,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Let another key sign for an account: to trade or to read, never to move money
    Register(Box<RegisterArguments>),
    /// Take such a key back at once
    Revoke(Box<RevokeArguments>),
    /// Read 24 words and encrypt the key again
    Restore {
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
        /// The words; without it they are read from the input.
        #[arg(long)]
        words_file: Option<PathBuf>,
        #[command(flatten)]
        password: PasswordArguments,
    },
}

/// Where a password comes from: a file, else CLOCKLESS_PASSWORD, else the terminal.
#[derive(Args, Clone, Debug, Default)]
pub struct PasswordArguments {
    /// A file whose first line is the password; else CLOCKLESS_PASSWORD or the terminal is asked.
    #[arg(long)]
    password_file: Option<PathBuf>,
}

/// Whether a password is chosen or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Choose,
    Ask,
}

pub fn run(arguments: &KeysArguments) -> Result<(), Failure> {
    match &arguments.what {
        What::New { out, password } => {
            let mut secret = Zeroizing::new([0; 32]);
            rand::rng().fill_bytes(&mut secret[..]);
            write(out, &SigningKey::from_bytes(*secret), password, arguments.json)
        }
        What::Show { file } => {
            let public_key = file_public_key(file)?.to_string();
            let out = json!({ "file": file, "public_key": public_key });
            print(arguments.json, &out, &public_key);
            Ok(())
        }
        What::Register(it) => it.run(arguments.json),
        What::Revoke(it) => it.run(arguments.json),
        What::Backup { file, password } => {
            let key = unlock(file, password)?;
            let words = keystore::to_words(&key);
            let out = json!({ "public_key": key.public_key().to_string(), "words": words.as_str() });
            eprintln!("Whoever has these words has the key. Write them down; keep no file of them.");
            print(arguments.json, &out, &words);
            Ok(())
        }
        What::Restore { out, words_file, password } => {
            let words = read_words(words_file.as_deref())?;
            let key = keystore::from_words(&words).map_err(|error| {
                Failure::bad_input(format!("{}: {error}", source_of(words_file.as_deref())))
            })?;
            write(out, &key, password, arguments.json)
        }
    }
}

fn print(as_json: bool, object: &serde_json::Value, text: &str) {
    if as_json {
        println!("{object}");
    } else {
        println!("{text}");
    }
}

fn write(path: &Path, key: &SigningKey, password: &PasswordArguments, as_json: bool) -> Result<(), Failure> {
    let password = password.read(Purpose::Choose)?;
    let store = Keystore::seal(key, &password, &mut rand::rng())
        .map_err(|error| Failure::failed(error.to_string()))?;
    let text = serde_json::to_string_pretty(&store).map_err(|error| Failure::failed(error.to_string()))?;
    write_secret(path, &text)?;
    let public_key = key.public_key().to_string();
    print(as_json, &json!({ "file": path, "public_key": public_key }), &public_key);
    Ok(())
}

/// What a key file holds.
enum KeyFile {
    Encrypted(Keystore),
    Plain(SigningKey),
}

fn read(path: &Path) -> Result<KeyFile, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let text = Zeroizing::new(text);
    if !text.trim_start().starts_with('{') {
        return read_signing_key(path).map(KeyFile::Plain);
    }
    let store = serde_json::from_str(&text);
    store.map(KeyFile::Encrypted).map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
}

/// The key in a file, plain or encrypted.
pub fn unlock(path: &Path, password: &PasswordArguments) -> Result<SigningKey, Failure> {
    match read(path)? {
        KeyFile::Plain(key) => Ok(key),
        KeyFile::Encrypted(store) => {
            let opened = store.open(&password.read(Purpose::Ask)?);
            opened.map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
        }
    }
}

/// The public key of a file; its password is not needed.
pub fn file_public_key(path: &Path) -> Result<PublicKey, Failure> {
    match read(path)? {
        KeyFile::Plain(key) => Ok(key.public_key()),
        KeyFile::Encrypted(store) => {
            store.public_key().map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
        }
    }
}

impl PasswordArguments {
    /// A password that stands in a file.
    #[cfg(test)]
    pub fn of_file(path: PathBuf) -> Self {
        Self { password_file: Some(path) }
    }

    fn read(&self, purpose: Purpose) -> Result<Zeroizing<String>, Failure> {
        let (password, source) = self.find(purpose)?;
        if password.is_empty() {
            return Err(Failure::bad_input(format!("{source}: the password is empty")));
        }
        Ok(password)
    }

    fn find(&self, purpose: Purpose) -> Result<(Zeroizing<String>, String), Failure> {
        if let Some(path) = &self.password_file {
            let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            let text = Zeroizing::new(text);
            let line = text.lines().next().unwrap_or_default().to_owned();
            return Ok((Zeroizing::new(line), path.display().to_string()));
        }
        if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
            return Ok((Zeroizing::new(password), PASSWORD_VARIABLE.to_owned()));
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::bad_input(format!(
                "no password: --password-file, {PASSWORD_VARIABLE} or a terminal is expected"
            )));
        }
        let ask = |prompt: &str| {
            let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
            typed.map_err(|error| Failure::bad_input(format!("the terminal: {error}")))
        };
        let password = ask("Password: ")?;
        if purpose == Purpose::Choose && *ask("Once more: ")? != *password {
            return Err(Failure::bad_input("the terminal: the two passwords differ"));
        }
        Ok((password, "the terminal".to_owned()))
    }
}

fn read_words(path: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    let Some(path) = path else {
        let mut text = Zeroizing::new(String::new());
        let mut input = std::io::stdin().take(64 * 1024);
        let read = input.read_to_string(&mut text);
        read.map_err(|error| Failure::bad_input(format!("the input: {error}")))?;
        return Ok(text);
    };
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| Failure::file(path, &error))
}

fn source_of(path: Option<&Path>) -> String {
    path.map_or_else(|| "the input".to_owned(), |path| path.display().to_string())
}
