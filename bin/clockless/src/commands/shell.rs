//! `clockless completions SHELL` and `clockless man --out FOLDER`: what shells and readers need, made of the commands
//! themselves.
//!
//! Invariant: nothing is written down twice: a new command is completed and has its page at once.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// For which shell; its own manual says where the text goes.
    shell: Shell,
}

#[derive(Args, Debug)]
pub struct ManArguments {
    /// The folder to write to, such as /usr/local/share/man/man1.
    #[arg(long)]
    out: PathBuf,
}

pub fn completions(mut command: clap::Command, arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "clockless", &mut text);
    match io::stdout().write_all(&text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error.to_string())),
        _ => Ok(()),
    }
}

pub fn man(command: clap::Command, arguments: &ManArguments) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file(&arguments.out, &error);
    fs::create_dir_all(&arguments.out).map_err(failed)?;
    clap_mangen::generate_to(command, &arguments.out).map_err(failed)
}
