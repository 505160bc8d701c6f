//! The nodes that a gateway may turn to.
//!
//! Invariant: one of them is followed and handed intents at a time. Whoever finds it gone turns everybody to the next, once
//! for each loss, however many find it.
//! Left out on purpose: choosing among them. All hand out the same commits, and any of them takes an intent to order.

use std::{
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use client::{NodeClient, NodeError};

use crate::lock;

/// How long a node may hand out nothing while there is another. Idle networks commit several times a second.
const SILENCE_MAX: Duration = Duration::from_secs(4);
const LISTEN_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Nodes {
    clients: Vec<NodeClient>,
    /// How often everybody was turned to the next, from the first.
    turns: AtomicUsize,
    /// When the last commit came, or following began.
    heard: Mutex<Instant>,
}

impl Nodes {
    /// Nodes that are reached when they are asked; must be called within a runtime.
    ///
    /// # Errors
    /// An address that is none, or no address.
    pub fn new(addresses: &[String]) -> Result<Self, NodeError> {
        let clients = addresses.iter().map(|address| NodeClient::connect_when_asked(address));
        let clients: Vec<NodeClient> = clients.collect::<Result<_, _>>()?;
        if clients.is_empty() {
            return Err(NodeError::Address { address: String::new() });
        }
        Ok(Self { clients, turns: AtomicUsize::new(0), heard: Mutex::new(Instant::now()) })
    }

    /// Turns to the first that can be reached.
    ///
    /// # Errors
    /// The first node's refusal when none can.
    pub async fn reach(&self) -> Result<(), NodeError> {
        let mut refused = None;
        for client in &self.clients {
            match NodeClient::connect(client.address()).await {
                Ok(_) => return Ok(()),
                Err(error) => refused = refused.or(Some(error)),
            }
            self.leave(self.current().0);
        }
        refused.map_or(Ok(()), Err)
    }

    /// The node of the moment, and the turn it came with.
    pub fn current(&self) -> (usize, NodeClient) {
        let turn = self.turns.load(Ordering::Relaxed);
        (turn, self.clients[turn % self.clients.len()].clone())
    }

    pub fn has_another(&self) -> bool {
        self.clients.len() > 1
    }

    /// Turns to the next, unless somebody has since `turn`.
    pub fn leave(&self, turn: usize) {
        // Whoever comes second finds another number, and has nothing left to do.
        let _turned =
            self.turns.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Asks the node of the moment, and while nodes are gone the next ones, each once.
    ///
    /// # Errors
    /// What a node that is there answers, or the last of those that are gone.
    pub async fn ask<T, F>(&self, question: impl Fn(NodeClient) -> F) -> Result<T, NodeError>
    where
        F: Future<Output = Result<T, NodeError>>,
    {
        let mut others = self.clients.len() - 1;
        loop {
            let (turn, node) = self.current();
            match question(node).await {
                Err(error) if error.is_gone() && others > 0 => {
                    self.leave(turn);
                    others -= 1;
                }
                answer => return answer,
            }
        }
    }

    pub fn note_heard(&self) {
        *lock(&self.heard) = Instant::now();
    }

    /// Ends when somebody has turned to another node since `turn`.
    pub async fn turned(&self, turn: usize) {
        while self.turns.load(Ordering::Relaxed) == turn {
            tokio::time::sleep(LISTEN_EVERY).await;
        }
    }

    /// Ends when nothing was heard for long and there is another node to ask.
    pub async fn silence(&self) {
        while !self.has_another() || lock(&self.heard).elapsed() < SILENCE_MAX {
            tokio::time::sleep(LISTEN_EVERY).await;
        }
    }
}
