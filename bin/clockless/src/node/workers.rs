//! Workers that are processes of their own, as their primary meets them.
//!
//! Invariant: a worker's key follows from the validator's secret key and the worker's number, so nobody else can
//! speak as it. A connection that cannot keep up is dropped; whoever comes anew is told everything that matters.

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
use replica::agreement::Input;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use wire::{WorkerOrder, WorkerWord, limits::MESSAGE_BYTES_MAX};

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
}

impl Workers {
    /// Sends an order; a worker that does not keep up is cut off, and told anew when it comes back.
    pub fn tell(&self, worker: u8, order: WorkerOrder) {
        let mut connected = self.lock();
        let is_cut_off =
            connected.orders.get(&worker).is_some_and(|(_, orders)| orders.try_send(order).is_err());
        if is_cut_off {
            connected.orders.remove(&worker);
        }
    }

    /// A new connection takes the place of the one before.
    fn open(&self, worker: u8) -> (u64, mpsc::Receiver<WorkerOrder>) {
        let (sender, receiver) = mpsc::channel(ORDERS_MAX);
        let mut connected = self.lock();
        connected.lives += 1;
        let life = connected.lives;
        connected.orders.insert(worker, (life, sender));
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
        self.inbox.put_in_turn(Input::Met { worker }).await;
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
                self.inbox.put_in_turn(Input::Word(word)).await;
            }
        };
        tokio::select! {
            () = send => {}
            () = receive => {}
        }
        if self.workers.close(worker, life) {
            tracing::warn!(worker, "a worker has gone");
            self.inbox.put_in_turn(Input::Parted { worker }).await;
        }
    }
}
