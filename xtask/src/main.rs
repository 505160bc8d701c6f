//! `cargo xtask tidy`: says where the project breaks its own habits; `cargo xtask links FOLDER`: which links of rendered
//! pages lead nowhere.
//!
//! Invariant: exit code 0 means no finding, 1 means findings or an unreadable project, 2 bad usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::{env, io, path::Path, process::ExitCode};

use xtask::Finding;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [command] if command == "tidy" => tell(command, xtask::tidy(Path::new(xtask::ROOT))),
        [command, folder] if command == "links" => tell(command, xtask::broken_links(Path::new(folder))),
        _ => {
            eprintln!("usage: cargo xtask tidy | cargo xtask links FOLDER");
            ExitCode::from(2)
        }
    }
}

fn tell(command: &str, findings: io::Result<Vec<Finding>>) -> ExitCode {
    match findings {
        Err(error) => {
            eprintln!("{command}: {error}");
            ExitCode::FAILURE
        }
        Ok(findings) if findings.is_empty() => {
            println!("{command}: nothing to say");
            ExitCode::SUCCESS
        }
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}");
            }
            println!("{command}: {} findings", findings.len());
            ExitCode::FAILURE
        }
    }
}
