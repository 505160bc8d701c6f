//! The commands, one file each.

pub mod account;
pub mod exotic;
pub mod faucet;
pub mod gateway;
pub mod genesis;
pub mod keys;
pub mod margin;
pub mod money;
pub mod order;
mod outcome;
pub mod price;
pub mod replay;
pub mod sessions;
pub mod shell;
pub mod sim;
mod trader;
pub mod validator;
pub mod var;
pub mod verify;

use std::future::Future;

use crate::failure::Failure;

/// Runs a command that talks to others.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(runtime.block_on(future))
}
