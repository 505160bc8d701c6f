//! Clients that keep a rate of transactions up through the sockets of a validator, and note when each was final.
//!
//! Invariant: a latency runs from the moment a transaction was due, whatever its client was doing then.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use client::{NodeClient, protocol::SubmitRequest};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::StreamExt;

use crate::{failure::Failure, load::Load};

/// How often a client sends what is due.
const TICK: Duration = Duration::from_millis(2);

/// What a client was told.
#[derive(Debug, Default)]
struct Heard {
    /// When something became final, and how long it took in ms.
    finals: Vec<(Instant, f64)>,
    refused: Vec<Instant>,
}

/// A client at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Client {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<Result<(), Failure>>,
}

impl Client {
    pub fn start(address: SocketAddr, load: Load) -> Self {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let task = tokio::spawn(drive(address, load, Arc::clone(&heard)));
        Self { heard, task }
    }

    /// The latencies in ms of what became final between two moments.
    pub fn latencies(&self, from: Instant, to: Instant) -> Vec<f64> {
        let heard = lock(&self.heard);
        heard.finals.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, took)| *took).collect()
    }

    pub fn refused(&self, from: Instant, to: Instant) -> usize {
        lock(&self.heard).refused.iter().filter(|at| (from..to).contains(*at)).count()
    }

    /// An error when it has stopped.
    pub async fn check(&mut self) -> Result<(), Failure> {
        if !self.task.is_finished() {
            return Ok(());
        }
        (&mut self.task).await.map_err(|error| Failure::failed(error.to_string()))?
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn drive(address: SocketAddr, mut load: Load, heard: Arc<Mutex<Heard>>) -> Result<(), Failure> {
    let failed = |error: client::NodeError| Failure::failed(error.to_string());
    let mut node = NodeClient::connect(&address.to_string()).await.map_err(failed)?;
    let (requests, receiver) = mpsc::channel(1_024);
    let mut answers = node.submit_stream(receiver).await.map_err(failed)?;
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let (first_ticket, transactions) = load.due(Instant::now());
                let _full = requests.try_send(SubmitRequest { first_ticket, transactions });
            }
            told = answers.next() => {
                let told = told.ok_or_else(|| Failure::failed(format!("node {address} hung up")))?;
                let told = told.map_err(|status| Failure::failed(format!("node {address}: {status}")))?;
                let now = Instant::now();
                let took = |number| (now, now.duration_since(load.due_at(number)).as_secs_f64() * 1e3);
                let mut heard = lock(&heard);
                heard.finals.extend(told.r#final.into_iter().map(took));
                heard.refused.extend(told.refused.into_iter().map(|_| now));
            }
        }
    }
}
