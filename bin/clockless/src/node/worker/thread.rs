//! The worker's thread: inputs in, outputs to the storage.
//!
//! Invariant: the core runs on one thread and is never waited for by a network task; when its queue is full, peers'
//! messages are dropped and clients are made to wait. What the primary says is never dropped.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;
use worker::{Input, Output, Worker};

use crate::node::Clock;

/// Inputs that may wait.
pub const INPUTS_MAX: usize = 64 * 1024;
/// Inputs taken at once before the outputs are passed on.
const TURN_MAX: usize = 256;
/// How long to sleep when nothing is due.
const IDLE: Duration = Duration::from_millis(200);

/// Starts the thread.
pub fn spawn(
    mut worker: Worker,
    inputs: Receiver<Input>,
    outbox: mpsc::Sender<Vec<Output>>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let clock = Clock { offset_ms: 0 };
    thread::Builder::new().name("worker".to_owned()).spawn(move || {
        let mut out = Vec::new();
        while turn(&mut worker, &inputs, clock, &mut out) {
            if !out.is_empty() && outbox.blocking_send(core::mem::take(&mut out)).is_err() {
                return;
            }
        }
    })
}

/// Takes what waits and does what is due; false when nobody will ever send anything again.
fn turn(worker: &mut Worker, inputs: &Receiver<Input>, clock: Clock, out: &mut Vec<Output>) -> bool {
    let due = worker.wake_at().map(|at| Duration::from_millis(at.since(clock.now()).millis().max(1)));
    match inputs.recv_timeout(due.unwrap_or(IDLE).min(IDLE)) {
        Ok(input) => {
            let now = clock.now();
            for input in core::iter::once(input).chain(inputs.try_iter().take(TURN_MAX)) {
                worker.take(now, input, out);
            }
        }
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    worker.settle(clock.now(), out);
    true
}
