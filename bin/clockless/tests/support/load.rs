//! Clients that submit to one validator without pause, and remember what they were told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use client::{
    NodeClient,
    protocol::{SubmitEvents, SubmitRequest},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::StreamExt;
use wire::Transaction;

use super::{
    PAUSE,
    network::{Network, Person, until},
};

/// Transactions in one request.
const TOGETHER: usize = 4;

/// What a client submitted, by ticket, and what it was told.
#[derive(Debug, Default)]
pub struct Told {
    submitted: BTreeMap<u64, Transaction>,
    pub accepted: Vec<u64>,
    pub finals: Vec<u64>,
    pub refused: Vec<u64>,
}

impl Told {
    pub fn note(&mut self, events: SubmitEvents) {
        self.accepted.extend(events.accepted);
        self.finals.extend(events.r#final);
        self.refused.extend(events.refused);
    }

    fn next(&mut self, person: &mut Person) -> SubmitRequest {
        let transactions: Vec<Transaction> = (0..TOGETHER).map(|_| person.faucet(1)).collect();
        let first_ticket = self.submitted.last_key_value().map_or(1, |(last, _)| last + 1);
        self.submitted.extend((first_ticket..).zip(transactions.iter().cloned()));
        let transactions = transactions.into_iter().map(|it| it.into_bytes().to_vec()).collect();
        SubmitRequest { first_ticket, transactions }
    }
}

/// A client that submits to one validator until that is gone.
#[derive(Debug)]
pub struct Load {
    told: Arc<Mutex<Told>>,
    tasks: [JoinHandle<()>; 2],
}

impl Load {
    pub async fn start(network: &Network, place: u16, person: Person) -> Self {
        Self::start_at(network.client(place).await, person).await
    }

    /// Submits wherever the client is connected to.
    pub async fn start_at(mut client: NodeClient, mut person: Person) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let (requests, receiver) = mpsc::channel(1);
        let mut answers = client.submit_stream(receiver).await.expect("a validator that answers");
        let shared = Arc::clone(&told);
        let submit = tokio::spawn(async move {
            let mut pace = tokio::time::interval(PAUSE);
            loop {
                pace.tick().await;
                let request = lock(&shared).next(&mut person);
                if requests.send(request).await.is_err() {
                    return;
                }
            }
        });
        let shared = Arc::clone(&told);
        let listen = tokio::spawn(async move {
            while let Some(Ok(events)) = answers.next().await {
                lock(&shared).note(events);
            }
        });
        Self { told, tasks: [submit, listen] }
    }

    pub async fn until_accepted(&self, count: usize) {
        let enough = async || (lock(&self.told).accepted.len() >= count).then_some(());
        until(&format!("{count} are accepted"), enough).await;
    }

    /// What the validator said that it accepted.
    pub fn stop(self) -> Vec<Transaction> {
        self.tasks.iter().for_each(JoinHandle::abort);
        let told = lock(&self.told);
        assert!(told.refused.is_empty(), "nothing was wrong with {:?}", told.refused);
        told.accepted.iter().map(|ticket| told.submitted[ticket].clone()).collect()
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().expect("nobody panics with it")
}
