//! The agreement's thread: inputs in, outputs to the storage.
//!
//! Invariant: the core runs on one thread and is never waited for by a network task; when its queue is full,
//! messages are dropped and clients are made to wait.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use num::Timestamp;
use replica::agreement::{Agreement, Input, Output, Status};

use crate::node::links::Outbox;

/// Inputs that may wait.
const QUEUE_MAX: usize = 64 * 1024;
/// Inputs taken at once before the outputs are passed on.
const TURN_MAX: usize = 256;

/// The way to the agreement.
#[derive(Clone, Debug)]
pub struct Inbox(SyncSender<Input>);

impl Inbox {
    pub fn new() -> (Self, Receiver<Input>) {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        (Self(sender), receiver)
    }

    /// Drops the input when the queue is full; false then.
    pub fn put(&self, input: Input) -> bool {
        match self.0.try_send(input) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// The node's clock: this machine's, and an offset for chains of another day.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub offset_ms: i64,
}

impl Clock {
    pub fn now(self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(millis.saturating_add_signed(self.offset_ms))
    }
}

/// The last status, for whoever asks.
pub type SharedStatus = Arc<Mutex<Option<Status>>>;

/// Starts the thread. `first` are the outputs of the start.
pub fn spawn(
    mut agreement: Agreement,
    (inputs, outbox): (Receiver<Input>, Outbox),
    clock: Clock,
    status: SharedStatus,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("agreement".to_owned()).spawn(move || {
        let mut out = Vec::new();
        agreement.start(clock.now(), &mut out);
        let mut wake = pass_on(&mut out, &outbox);
        loop {
            let wait = wake.map_or(Duration::from_millis(50), |at| {
                Duration::from_millis(at.since(clock.now()).millis())
            });
            match inputs.recv_timeout(wait) {
                Ok(input) => {
                    let now = clock.now();
                    for input in core::iter::once(input).chain(inputs.try_iter().take(TURN_MAX)) {
                        agreement.take(now, input, &mut out);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            agreement.settle(clock.now(), &mut out);
            wake = pass_on(&mut out, &outbox);
            *status.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreement.status());
        }
    })
}

/// Hands the outputs to the storage and returns the next moment to wake at.
fn pass_on(out: &mut Vec<Output>, outbox: &Outbox) -> Option<Timestamp> {
    let mut wake = None;
    out.retain(|output| match output {
        Output::WakeAt(at) => {
            wake = Some(*at);
            false
        }
        _ => true,
    });
    if !out.is_empty() && outbox.blocking_send(core::mem::take(out)).is_err() {
        tracing::error!("the storage is gone");
    }
    wake
}
