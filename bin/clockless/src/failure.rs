//! How a command ends: 0 done, 1 the thing asked about is false or failed, 2 bad usage or bad input.
//!
//! Invariant: every failure says what is wrong and where.

use std::{
    io::{ErrorKind, Write},
    path::Path,
};

/// A command that did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Exit 1.
    Failed(String),
    /// Exit 2.
    BadInput(String),
}

impl Failure {
    pub fn bad_input(reason: impl Into<String>) -> Self {
        Self::BadInput(reason.into())
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// A file that cannot be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::BadInput(format!("{}: {error}", path.display()))
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::BadInput(_) => 2,
        }
    }
}

/// Writes an answer to the standard output. Who reads only its beginning, as `head` does, has got what was asked for.
pub fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed(reason) | Self::BadInput(reason) => f.write_str(reason),
        }
    }
}
