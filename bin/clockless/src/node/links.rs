//! Links between validators: encrypted, authenticated, bounded.
//!
//! Invariant: a message that cannot be read costs its sender some patience, and the link when that is used up; a
//! full queue drops what comes, and agreement asks again for what it misses.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::{ChaCha20Poly1305, ed25519};
use commonware_p2p::{
    Address, AddressableManager, Blocker as _, Receiver as _, Recipients, Sender as _,
    authenticated::lookup::{self, Network, Oracle},
};
use commonware_runtime::{IoBuf, Quota, Supervisor as _, tokio::Context};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::ordered::Map;
use replica::agreement::Input;
use tokio::sync::mpsc;
use wire::{
    Author, Committee, Letter, Message, SignedCeremonyMessage, WorkerMessage, limits::MESSAGE_BYTES_MAX,
};

use crate::{
    failure::Failure,
    node::{
        core::Inbox,
        founding::{self, Word},
        patience::{self, Offence, Patience},
    },
};

/// How far the clocks of two validators may lie apart: as far as they like.
const ANY_CLOCK: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);
/// Of the links between validators.
pub const NAMESPACE: &[u8] = b"clockless links";
/// Blocks and questions, ahead of everything else.
const CONSENSUS: u64 = 0;
/// Batches and long answers.
const BULK: u64 = 1;
/// Messages a second on each channel, from each peer and to each.
const CONSENSUS_RATE: u32 = 4_096;
const BULK_RATE: u32 = 2_048;
/// A peer that was silent for so long counts as connected anew when it speaks.
const SILENCE: Duration = Duration::from_secs(3);

type PublicKey = ed25519::PublicKey;
type Sender = lookup::Sender<PublicKey, Context>;

/// The sending side.
#[derive(Clone)]
pub struct Links {
    epoch: u64,
    keys: Vec<PublicKey>,
    consensus: Sender,
    bulk: Sender,
    guard: Guard,
}

/// Shuts out peers that break rules too often.
#[derive(Clone)]
struct Guard {
    oracle: Oracle<PublicKey>,
    heard: Arc<Heard>,
}

impl Guard {
    fn blame(&mut self, peer: Author, key: &PublicKey, offence: Offence) {
        if self.heard.patience.is_used_up(peer, offence, Instant::now()) {
            tracing::warn!(peer = peer.0, "a peer breaks rules too often: no link for a minute");
            let _queued = self.oracle.block(key.clone());
        }
    }
}

/// Who was heard of when, and how much of it was wrong.
#[derive(Debug, Default)]
pub struct Heard {
    last: Mutex<BTreeMap<Author, Instant>>,
    patience: Patience,
}

impl Heard {
    /// Whether this is the first word after a silence.
    fn note(&self, author: Author) -> bool {
        let now = Instant::now();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(author, now);
        before.is_none_or(|before| now.duration_since(before) > SILENCE)
    }

    /// Validators heard of lately.
    pub fn connected(&self) -> usize {
        let heard = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        heard.values().filter(|at| at.elapsed() < SILENCE).count()
    }

    /// Validators that have no link for a while because they broke rules.
    pub fn shut_out(&self) -> usize {
        self.patience.shut_out(Instant::now())
    }
}

/// What links are opened with.
pub struct LinkConfig<'a> {
    /// What the links are for: those of another name are strangers.
    pub namespace: &'a [u8],
    pub committee: &'a Committee,
    pub secret: [u8; 32],
    pub listen: SocketAddr,
    pub addresses: &'a [SocketAddr],
}

/// How two ends of a link prove to each other who they are.
pub type Handshake = Cups<Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;

/// A secret key as the links use it.
pub fn signer(secret: [u8; 32]) -> Result<ed25519::PrivateKey, Failure> {
    ed25519::PrivateKey::decode(secret.to_vec())
        .map_err(|error| Failure::bad_input(format!("the validator's key: {error}")))
}

pub fn handshake(secret: [u8; 32]) -> Result<Handshake, Failure> {
    let sake = Sake {
        signer: signer(secret)?,
        // Whose clock is wrong may still speak. An old greeting is worth nothing to who repeats it: keys are
        // agreed on anew each time.
        synchrony_bound: ANY_CLOCK,
        max_handshake_age: ANY_CLOCK,
        version: sake::Version::V1,
    };
    Ok(Cups::new(sake, cups::Version::V1))
}

/// Opens the links and passes what comes to the agreement.
pub fn open(
    context: &Context,
    config: &LinkConfig<'_>,
    routes: &impl Route,
    heard: &Arc<Heard>,
) -> Result<Links, Failure> {
    let keys = committee_keys(config.committee)?;
    let size = NonZeroUsize::new(keys.len()).ok_or_else(|| Failure::bad_input("the committee is empty"))?;
    let handshake = handshake(config.secret)?;
    let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
    let mailbox = NonZeroUsize::new(8_192).expect("invariant: above zero");
    let mut settings =
        lookup::Config::local(handshake, config.namespace, config.listen, size, bytes_max, mailbox);
    settings.bypass_ip_check = true;
    settings.peer_connection_cooldown = Duration::from_millis(200);
    settings.dial_frequency = Duration::from_millis(100);
    settings.tracked_peer_sets = NonZeroUsize::MIN;
    settings.block_duration = patience::MEMORY;
    let (mut network, mut oracle) = Network::new(context.child("links"), settings);
    let peers: Vec<(PublicKey, Address)> = keys
        .iter()
        .cloned()
        .zip(config.addresses.iter().map(|address| Address::Symmetric(*address)))
        .collect();
    let peers: Map<PublicKey, Address> =
        peers.try_into().map_err(|_| Failure::bad_input("two validators have one key"))?;
    let _tracked = oracle.track(0, peers);
    let quota = |rate: u32| Quota::per_second(NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN));
    let (consensus, consensus_in) = network.register(CONSENSUS, quota(CONSENSUS_RATE));
    let (bulk, bulk_in) = network.register(BULK, quota(BULK_RATE));
    network.start();
    let guard = Guard { oracle, heard: Arc::clone(heard) };
    for mut receiver in [consensus_in, bulk_in] {
        let (keys, routes, mut guard) = (keys.clone(), routes.clone(), guard.clone());
        tokio::spawn(async move {
            while let Ok((key, bytes)) = receiver.recv().await {
                pass_on(&keys, &routes, &mut guard, (&key, bytes));
            }
        });
    }
    Ok(Links { epoch: config.committee.epoch(), keys, consensus, bulk, guard })
}

fn pass_on(keys: &[PublicKey], routes: &impl Route, guard: &mut Guard, (key, bytes): (&PublicKey, IoBuf)) {
    let place = keys.iter().position(|it| it == key).and_then(|place| u16::try_from(place).ok());
    let Some(from) = place.map(Author) else { return };
    if guard.heard.note(from) {
        routes.connected(from);
    }
    match Letter::decode(bytes) {
        Ok(letter) => routes.pass_on(from, letter),
        Err(error) => {
            tracing::warn!(peer = from.0, %error, "a peer sent what cannot be read");
            guard.blame(from, key, Offence::Unreadable);
        }
    }
}

fn committee_keys(committee: &Committee) -> Result<Vec<PublicKey>, Failure> {
    let key = |author| committee.key(author).and_then(|key| PublicKey::decode(key.0.to_vec()).ok());
    let keys: Option<Vec<PublicKey>> = committee.authors().map(key).collect();
    keys.ok_or_else(|| Failure::bad_input("a validator's key is no Ed25519 key"))
}

/// Where letters go.
pub trait Route: Clone + Send + Sync + 'static {
    /// A peer speaks after a silence.
    fn connected(&self, peer: Author);
    fn pass_on(&self, from: Author, letter: Letter);
}

/// Where the letters of a validator go.
#[derive(Clone)]
pub struct Routes {
    pub epoch: u64,
    pub agreement: Inbox,
    /// Before the agreement of the epoch runs, nothing is kept for it: it asks for what it missed.
    pub open: Arc<AtomicBool>,
    /// Where the validators make their coin: epoch 0.
    pub founding: Option<founding::Inbox>,
}

impl Route for Routes {
    fn connected(&self, peer: Author) {
        self.agreement.put(Input::Connected { peer });
    }

    fn pass_on(&self, from: Author, letter: Letter) {
        match (letter, &self.founding) {
            (Letter::Agreement { epoch, message }, _) if epoch == self.epoch => {
                if self.open.load(Ordering::Relaxed) {
                    self.agreement.put(Input::Message { from, message });
                }
            }
            (Letter::Agreement { epoch: 0, message }, Some(founding)) => {
                founding.put(Word::Agreement(Input::Message { from, message }));
            }
            (Letter::Ceremony { message }, Some(founding)) => founding.put(Word::Ceremony(message)),
            (Letter::Agreement { .. } | Letter::Ceremony { .. }, _) => {}
        }
    }
}

impl Links {
    /// The same links, for the messages of another epoch.
    #[must_use]
    pub fn of_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    /// Says something of the ceremony to one validator, or to all.
    pub fn say(&mut self, to: Option<Author>, message: SignedCeremonyMessage) {
        let one = to.map(|to| self.keys.get(usize::from(to.0)).cloned().map(Recipients::One));
        let Some(recipients) = one.unwrap_or(Some(Recipients::All)) else { return };
        drop(self.bulk.send(recipients, IoBuf::from(Letter::Ceremony { message }.encode()), false));
    }

    /// A letter of a peer broke a rule: who does that too often has no link for a while.
    pub fn blame(&mut self, peer: Author) {
        if let Some(key) = self.keys.get(usize::from(peer.0)) {
            self.guard.blame(peer, key, Offence::BrokenRule);
        }
    }

    pub fn send(&mut self, to: Author, message: &Message) {
        if let Some(key) = self.keys.get(usize::from(to.0)).cloned() {
            self.dispatch(Recipients::One(key), message);
        }
    }

    pub fn broadcast(&mut self, message: &Message) {
        self.dispatch(Recipients::All, message);
    }

    fn dispatch(&mut self, recipients: Recipients<PublicKey>, message: &Message) {
        let letter = Letter::Agreement { epoch: self.epoch, message: message.clone() };
        let bytes = IoBuf::from(letter.encode());
        let urgent = matches!(
            message,
            Message::Block { .. }
                | Message::FetchBlocks { .. }
                | Message::Worker { message: WorkerMessage::Fetch { .. }, .. }
        );
        let sent = if urgent {
            self.consensus.send(recipients, bytes, true)
        } else {
            self.bulk.send(recipients, bytes, false)
        };
        drop(sent);
    }
}

/// Keeps the type of queued work in one place.
pub type Outbox = mpsc::Sender<Vec<replica::agreement::Output>>;
