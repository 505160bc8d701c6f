//! The agreement's thread: inputs in, outputs to the storage.
//!
//! Invariant: the core runs on one thread and is never waited for by a network task; when its queue is full,
//! messages are dropped and clients are made to wait.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crypto::PublicKey;
use num::Timestamp;
use replica::{
    agreement::{Input, Output, Status},
    succession::{Effect, Succession},
};
use wire::Letter;

use crate::node::links::Outbox;

/// Words that may wait.
pub const WORDS_MAX: usize = 64 * 1024;
/// Inputs taken at once before the outputs are passed on.
const TURN_MAX: usize = 256;
/// How much the machine's clock may be set back before the node starts again.
const SET_BACK_MAX: num::Duration = num::Duration::from_millis(10_000);

/// What comes to the agreement.
#[derive(Debug)]
pub enum Word {
    Input(Input),
    /// Over a link.
    Letter(PublicKey, Letter),
    /// A link came up.
    Connected(PublicKey),
    /// Of a worker that is a process of its own and seated in that epoch.
    Worker {
        epoch: u64,
        input: Input,
    },
}

impl From<Input> for Word {
    fn from(input: Input) -> Self {
        Self::Input(input)
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

/// A clock that never goes back, whatever is done to this machine's: a machine's clock that was set back is
/// waited for at half its speed. Timers and the timestamps of own blocks go by it.
#[derive(Debug)]
struct SteadyClock {
    clock: Clock,
    last: (Instant, Timestamp),
}

impl SteadyClock {
    fn new(clock: Clock) -> Self {
        Self { clock, last: (Instant::now(), clock.now()) }
    }

    fn now(&mut self) -> Timestamp {
        let (at, shown) = (Instant::now(), self.clock.now());
        if self.last.1 > shown.saturating_add(SET_BACK_MAX) {
            // The libraries under the links count by the machine's clock, and would wait for it to come back to where it
            // was.
            tracing::warn!("the machine's clock was set back");
            super::start_again();
        }
        let now = steady(self.last.1, at.duration_since(self.last.0), shown);
        // Parts of a millisecond are carried on, not lost.
        if now != self.last.1 {
            self.last = (at, now);
        }
        now
    }
}

/// What a steady clock shows so much after `last`, while the machine's shows `shown`.
fn steady(last: Timestamp, elapsed: Duration, shown: Timestamp) -> Timestamp {
    let half = u64::try_from(elapsed.as_millis() / 2).unwrap_or(u64::MAX);
    shown.max(last.saturating_add(num::Duration::from_millis(half)))
}

/// The last status, for whoever asks.
pub type SharedStatus = Arc<Mutex<Option<Status>>>;

/// Starts the thread.
pub fn spawn(
    mut succession: Succession,
    (words, outbox): (Receiver<Word>, Outbox),
    clock: Clock,
    status: SharedStatus,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("agreement".to_owned()).spawn(move || {
        let mut clock = SteadyClock::new(clock);
        let mut out = Vec::new();
        succession.start(clock.now(), &mut out);
        let mut wake = pass_on(&mut out, &outbox);
        loop {
            let wait = wake.map_or(Duration::from_millis(50), |at| {
                Duration::from_millis(at.since(clock.now()).millis())
            });
            match words.recv_timeout(wait) {
                Ok(word) => {
                    let now = clock.now();
                    for word in core::iter::once(word).chain(words.try_iter().take(TURN_MAX)) {
                        take(&mut succession, now, word, &mut out);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            succession.settle(clock.now(), &mut out);
            wake = pass_on(&mut out, &outbox);
            succession.conclude(clock.now(), &mut out);
            wake = pass_on(&mut out, &outbox).or(wake);
            if let Some(figures) = succession.status() {
                *status.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
            }
        }
    })
}

fn take(succession: &mut Succession, now: Timestamp, word: Word, out: &mut Vec<Effect>) {
    match word {
        Word::Input(input) => succession.take(now, input, out),
        Word::Letter(from, letter) => succession.take_letter(now, &from, letter, out),
        Word::Connected(peer) => succession.connected(now, &peer, out),
        Word::Worker { epoch, input } => {
            if succession.era().epoch() == epoch {
                succession.take(now, input, out);
            }
        }
    }
}

/// Hands the outputs to the storage and returns the next moment to wake at.
fn pass_on(out: &mut Vec<Effect>, outbox: &Outbox) -> Option<Timestamp> {
    let mut wake = None;
    out.retain(|effect| match effect {
        Effect::Agreement { output: Output::WakeAt(at), .. } => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_when_the_machine_is_set_back() {
        let at = Timestamp::from_millis;
        let after = |millis, shown| steady(at(10_000), Duration::from_millis(millis), at(shown)).millis();
        assert_eq!(after(20, 10_020), 10_020, "the machine's clock is followed");
        assert_eq!(after(20, 90_000), 90_000, "also when it leaps");
        assert_eq!(after(20, 3), 10_010, "and waited for at half speed when it was set back");
        assert_eq!(after(0, 3), 10_000);
    }
}
