//! The worker's thread: events in, effects to the storage.
//!
//! Invariant: the core runs on one thread and is never waited for by a network task; when its queue is full, peers'
//! messages are dropped and clients are made to wait. What the primary says is never dropped.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;
use worker::{Effect, Epochs, Event};

use crate::node::Clock;

/// Events that may wait.
pub const EVENTS_MAX: usize = 64 * 1024;
/// Events taken at once before the outputs are passed on.
const TURN_MAX: usize = 256;
/// How long to sleep when nothing is due.
const IDLE: Duration = Duration::from_millis(200);

/// Starts the thread.
pub fn spawn(
    mut epochs: Epochs,
    events: Receiver<Event>,
    outbox: mpsc::Sender<Vec<Effect>>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let clock = Clock { offset_ms: 0 };
    thread::Builder::new().name("worker".to_owned()).spawn(move || {
        let mut out = Vec::new();
        while turn(&mut epochs, &events, clock, &mut out) {
            if !out.is_empty() && outbox.blocking_send(core::mem::take(&mut out)).is_err() {
                return;
            }
        }
    })
}

/// Takes what waits and does what is due; false when nobody will ever send anything again.
fn turn(epochs: &mut Epochs, events: &Receiver<Event>, clock: Clock, out: &mut Vec<Effect>) -> bool {
    let due = epochs.wake_at().map(|at| Duration::from_millis(at.since(clock.now()).millis().max(1)));
    match events.recv_timeout(due.unwrap_or(IDLE).min(IDLE)) {
        Ok(event) => {
            let now = clock.now();
            for event in core::iter::once(event).chain(events.try_iter().take(TURN_MAX)) {
                epochs.take(now, event, out);
            }
        }
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    epochs.settle(clock.now(), out);
    true
}
