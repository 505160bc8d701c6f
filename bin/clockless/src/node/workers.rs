//! Workers that are processes of their own, as their primary meets them.
//!
//! Invariant: a worker's key follows from the validator's secret key and the worker's number, so nobody else can
//! speak as it. A connection that cannot keep up is dropped; whoever comes anew is told everything that matters. Orders
//! and words are of the epoch that both sides have named before: a worker that has not said that it is seated counts as away.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_runtime::{Listener as _, Network as _, SinkOf, StreamOf, Supervisor as _, tokio::Context};
use commonware_stream::Upgrader as _;
use crypto::{Digest, SigningKey};
use replica::{agreement::Input, succession::Seats};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use wire::{
    List, WorkerOrder, WorkerWord,
    limits::{CHANGES_ANSWER_MAX, MESSAGE_BYTES_MAX},
};

use crate::{
    failure::Failure,
    node::{core::Word, inbox::Inbox, links},
};

/// Of the links between a worker and its primary.
pub const NAMESPACE: &[u8] = b"clockless worker and primary";
/// How long a handshake may take.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Orders on their way to one worker before it is cut off.
const ORDERS_MAX: usize = 64 * 1024;
/// Strangers that may try their luck at once.
const HANDSHAKES_MAX: usize = 16;

/// The connected workers, by number.
#[derive(Clone, Debug, Default)]
pub struct Workers(Arc<Mutex<Connected>>);

#[derive(Debug, Default)]
struct Connected {
    /// Tells connections of one worker apart.
    lives: u64,
    orders: BTreeMap<u8, (u64, mpsc::Sender<WorkerOrder>)>,
    /// The epoch that this validator takes part in, and what a worker is told of it.
    seated: Option<(u64, Vec<WorkerOrder>)>,
}

impl Workers {
    /// Sends an order of an epoch; a worker that does not keep up is cut off, and told anew when it comes back.
    pub fn tell(&self, (epoch, worker): (u64, u8), order: WorkerOrder) {
        let mut connected = self.lock();
        if connected.seated.as_ref().is_some_and(|(seated, _)| *seated == epoch) {
            connected.tell(worker, order);
        }
    }

    /// This validator takes part in an epoch from here on: its workers are told behind their last orders of the one before.
    pub fn seat(&self, seats: &Seats) {
        let changes = seats.changes.chunks(CHANGES_ANSWER_MAX).filter_map(|part| List::new(part.to_vec()));
        let mut orders: Vec<WorkerOrder> = changes.map(|changes| WorkerOrder::Changes { changes }).collect();
        let epoch = seats.committee.epoch();
        orders.push(WorkerOrder::Seated { epoch });
        let mut connected = self.lock();
        let workers: Vec<u8> = connected.orders.keys().copied().collect();
        for worker in workers {
            orders.iter().for_each(|order| connected.tell(worker, order.clone()));
        }
        connected.seated = Some((epoch, orders));
    }

    /// A new connection takes the place of the one before.
    fn open(&self, worker: u8) -> (u64, mpsc::Receiver<WorkerOrder>) {
        let (sender, receiver) = mpsc::channel(ORDERS_MAX);
        let mut connected = self.lock();
        connected.lives += 1;
        let life = connected.lives;
        connected.orders.insert(worker, (life, sender));
        let seated = connected.seated.as_ref().map(|(_, orders)| orders.clone()).unwrap_or_default();
        seated.into_iter().for_each(|order| connected.tell(worker, order));
        (life, receiver)
    }

    /// Whether the connection was the present one, or was cut off.
    fn close(&self, worker: u8, life: u64) -> bool {
        let mut connected = self.lock();
        let is_replaced = connected.orders.get(&worker).is_some_and(|(present, _)| *present != life);
        if !is_replaced {
            connected.orders.remove(&worker);
        }
        !is_replaced
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    fn tell(&mut self, worker: u8, order: WorkerOrder) {
        if self.orders.get(&worker).is_some_and(|(_, orders)| orders.try_send(order).is_err()) {
            self.orders.remove(&worker);
        }
    }
}

/// The key that a worker shows to its primary.
pub fn link_key(validator: &SigningKey, worker: u8) -> SigningKey {
    let secret = [&validator.to_bytes()[..], &[worker]].concat();
    SigningKey::from_bytes(Digest::of("clockless worker link key 2026", &secret).0)
}

/// Where workers are met.
pub struct Meeting {
    pub key: SigningKey,
    pub workers: u8,
    pub address: SocketAddr,
}

/// What every connection works with.
#[derive(Clone)]
struct Door {
    /// Of the workers, in their order.
    keys: Arc<Vec<ed25519::PublicKey>>,
    handshake: links::Handshake,
    workers: Workers,
    inbox: Inbox<Word>,
}

/// Listens for workers from now on.
pub async fn listen(
    context: &Context,
    meeting: Meeting,
    workers: &Workers,
    inbox: Inbox<Word>,
) -> Result<(), Failure> {
    let Meeting { key, workers: count, address } = meeting;
    let bound = context.child("worker_listener").bind(address).await;
    let mut listener = bound.map_err(|error| Failure::bad_input(format!("{address}: {error}")))?;
    let keys: Result<Vec<_>, Failure> =
        (0..count).map(|worker| Ok(links::signer(link_key(&key, worker).to_bytes())?.public_key())).collect();
    let handshake = links::handshake(key.to_bytes())?;
    let door = Door { keys: Arc::new(keys?), handshake, workers: workers.clone(), inbox };
    let context = context.child("worker");
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    tokio::spawn(async move {
        while let Ok((_, sink, stream)) = listener.accept().await {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (door, context) = (door.clone(), context.child("connection"));
            tokio::spawn(async move { door.open(context, place, (sink, stream)).await });
        }
    });
    Ok(())
}

type Ends = (SinkOf<Context>, StreamOf<Context>);

impl Door {
    /// Finds out who it is, and serves it when it is a worker. A place is taken for as long as that is not known.
    async fn open(&self, context: Context, place: OwnedSemaphorePermit, (sink, stream): Ends) {
        let keys = Arc::clone(&self.keys);
        let is_known = move |key| core::future::ready(keys.contains(&key));
        let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
        let met = self.handshake.clone().listen(context, NAMESPACE, bytes_max, is_known, stream, sink);
        let met = tokio::time::timeout(HANDSHAKE_MAX, met).await;
        drop(place);
        let Ok(Ok((key, sender, receiver))) = met else { return };
        let number = self.keys.iter().position(|known| *known == key);
        if let Some(worker) = number.and_then(|number| u8::try_from(number).ok()) {
            self.serve(worker, sender, receiver).await;
        }
    }

    /// What a worker says is said once, so it waits for its turn.
    async fn serve(
        &self,
        worker: u8,
        mut sender: impl commonware_stream::Sender,
        mut receiver: impl commonware_stream::Receiver,
    ) {
        let (life, mut orders) = self.workers.open(worker);
        tracing::info!(worker, "a worker has come");
        let mut seated = None;
        let send = async {
            while let Some(order) = orders.recv().await {
                if sender.send(order.encode()).await.is_err() {
                    return;
                }
            }
        };
        let receive = async {
            while let Ok(bytes) = receiver.recv().await {
                let Ok(word) = WorkerWord::decode(bytes) else { return };
                let input = heard(worker, word, &mut seated);
                if let Some(epoch) = seated {
                    self.inbox.put_in_turn(Word::Worker { epoch, input }).await;
                }
            }
        };
        tokio::select! {
            () = send => {}
            () = receive => {}
        }
        if self.workers.close(worker, life) {
            tracing::warn!(worker, "a worker has gone");
            if let Some(epoch) = seated {
                self.inbox.put_in_turn(Word::Worker { epoch, input: Input::Parted { worker } }).await;
            }
        }
    }
}

/// What a word is to the agreement of the epoch in which the worker is seated.
fn heard(worker: u8, word: WorkerWord, seated: &mut Option<u64>) -> Input {
    match word {
        WorkerWord::Seated { epoch } => {
            *seated = Some(epoch);
            Input::Met { worker }
        }
        word => Input::Word(word),
    }
}
