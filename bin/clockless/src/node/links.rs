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
        core,
        founding::{self, Word},
        inbox::Inbox,
        patience::{self, Offence, Patience},
        roll::{self, Roll},
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
/// How much a committee may grow before a process has to be started again.
const GROWTH_MAX: usize = 2;
const MEMBERS_MIN: usize = 16;
/// A peer that was silent for so long counts as connected anew when it speaks.
const SILENCE: Duration = Duration::from_secs(3);

type PublicKey = ed25519::PublicKey;
type Sender = lookup::Sender<PublicKey, Context>;

/// The sending side.
#[derive(Clone)]
pub struct Links {
    epoch: u64,
    roll: Roll,
    /// Members that a committee may have before these links are too few.
    members_max: usize,
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
    fn blame(&mut self, key: &PublicKey, offence: Offence) {
        let Some(peer) = peer_of(key) else { return };
        if self.heard.patience.is_used_up(peer, offence, Instant::now()) {
            tracing::warn!(%peer, "a peer breaks rules too often: no link for a minute");
            let _queued = self.oracle.block(key.clone());
        }
    }
}

/// Who was heard of when, and how much of it was wrong.
#[derive(Debug, Default)]
pub struct Heard {
    last: Mutex<BTreeMap<crypto::PublicKey, Instant>>,
    patience: Patience,
}

impl Heard {
    /// Whether this is the first word after a silence.
    fn note(&self, peer: crypto::PublicKey) -> bool {
        let now = Instant::now();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, now);
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
    let size = usize::from(config.committee.size());
    let members_max = (GROWTH_MAX * size).max(MEMBERS_MIN);
    let size = NonZeroUsize::new(members_max).ok_or_else(|| Failure::bad_input("the committee is empty"))?;
    let handshake = handshake(config.secret)?;
    let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
    let mailbox = NonZeroUsize::new(8_192).expect("invariant: above zero");
    let mut settings =
        lookup::Config::local(handshake, config.namespace, config.listen, size, bytes_max, mailbox);
    settings.bypass_ip_check = true;
    settings.peer_connection_cooldown = Duration::from_millis(200);
    settings.dial_frequency = Duration::from_millis(100);
    settings.tracked_peer_sets = NonZeroUsize::new(2).expect("invariant: above zero");
    settings.block_duration = patience::MEMORY;
    let (mut network, oracle) = Network::new(context.child("links"), settings);
    let quota = |rate: u32| Quota::per_second(NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN));
    let (consensus, consensus_in) = network.register(CONSENSUS, quota(CONSENSUS_RATE));
    let (bulk, bulk_in) = network.register(BULK, quota(BULK_RATE));
    network.start();
    let guard = Guard { oracle, heard: Arc::clone(heard) };
    for mut receiver in [consensus_in, bulk_in] {
        let (routes, mut guard) = (routes.clone(), guard.clone());
        tokio::spawn(async move {
            while let Ok((key, bytes)) = receiver.recv().await {
                pass_on(&routes, &mut guard, (&key, bytes));
            }
        });
    }
    let roll = Roll::new(config.committee)?;
    let mut links = Links { epoch: config.committee.epoch(), roll, members_max, consensus, bulk, guard };
    links.track(config.committee, config.addresses)?;
    Ok(links)
}

fn pass_on(routes: &impl Route, guard: &mut Guard, (key, bytes): (&PublicKey, IoBuf)) {
    let Some(from) = peer_of(key) else { return };
    if guard.heard.note(from) {
        routes.connected(from);
    }
    match Letter::decode(bytes) {
        Ok(letter) => routes.pass_on(from, letter),
        Err(error) => {
            tracing::warn!(peer = %from, %error, "a peer sent what cannot be read");
            guard.blame(key, Offence::Unreadable);
        }
    }
}

/// A peer by the key that everybody else knows it by.
fn peer_of(key: &PublicKey) -> Option<crypto::PublicKey> {
    key.as_ref().try_into().ok().map(crypto::PublicKey)
}

/// Where letters go.
pub trait Route: Clone + Send + Sync + 'static {
    /// A peer speaks after a silence.
    fn connected(&self, peer: crypto::PublicKey);
    fn pass_on(&self, from: crypto::PublicKey, letter: Letter);
}

/// Where the letters of a validator go.
#[derive(Clone)]
pub struct Routes {
    /// Of the genesis, whose members make their coin in epoch 0.
    pub founders: Committee,
    pub agreement: Inbox<core::Word>,
    /// Before the agreement runs, nothing is kept for it: it asks for what it missed.
    pub open: Arc<AtomicBool>,
    pub founding: Inbox<founding::Word>,
}

impl Route for Routes {
    fn connected(&self, peer: crypto::PublicKey) {
        self.agreement.put(core::Word::Connected(peer));
    }

    fn pass_on(&self, from: crypto::PublicKey, letter: Letter) {
        match letter {
            Letter::Agreement { epoch: 0, message } => {
                if let Some(from) = self.founders.author_of(&from) {
                    self.founding.put(Word::Agreement(Input::Message { from, message }));
                }
            }
            letter => {
                // Which ceremony it is of only those know who take part.
                if let Letter::Ceremony { message } = &letter {
                    self.founding.put(Word::Ceremony(message.clone()));
                }
                if self.open.load(Ordering::Relaxed) {
                    self.agreement.put(core::Word::Letter(from, letter));
                }
            }
        }
    }
}

impl Links {
    /// For the messages of that epoch from now on.
    pub fn of(&mut self, epoch: u64) -> &mut Self {
        self.epoch = epoch;
        self
    }

    /// The same links, for the messages of another epoch.
    #[must_use]
    pub fn of_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    /// Says something of the ceremony to one validator, or to all.
    pub fn say(&mut self, to: Option<Author>, message: SignedCeremonyMessage) {
        let one = to.map(|to| self.roll.key(self.epoch, to).map(Recipients::One));
        if let Some(recipients) = one.unwrap_or(Some(Recipients::All)) {
            self.deliver(recipients, &Letter::Ceremony { message });
        }
    }

    /// Sends a letter to one peer by its key, or to all that there are links with.
    pub fn tell(&mut self, to: Option<crypto::PublicKey>, letter: &Letter) {
        let one = to.map(|to| PublicKey::decode(to.0.to_vec()).ok().map(Recipients::One));
        if let Some(recipients) = one.unwrap_or(Some(Recipients::All)) {
            self.deliver(recipients, letter);
        }
    }

    fn deliver(&mut self, recipients: Recipients<PublicKey>, letter: &Letter) {
        drop(self.bulk.send(recipients, IoBuf::from(letter.encode()), false));
    }

    /// Brings up links with a committee, and keeps those with the one before.
    pub fn track(&mut self, committee: &Committee, addresses: &[SocketAddr]) -> Result<(), Failure> {
        if usize::from(committee.size()) > self.members_max {
            return Err(Failure::failed(
                "the committee has outgrown the links of this process: start it again",
            ));
        }
        if !self.roll.add(committee)? {
            return Ok(());
        }
        let addresses = addresses.iter().map(|address| Address::Symmetric(*address));
        let peers: Vec<(PublicKey, Address)> = roll::keys(committee)?.into_iter().zip(addresses).collect();
        let peers: Map<PublicKey, Address> =
            peers.try_into().map_err(|_| Failure::bad_input("two validators have one key"))?;
        let _tracked = self.guard.oracle.track(committee.epoch(), peers);
        Ok(())
    }

    /// A letter of a peer broke a rule: who does that too often has no link for a while.
    pub fn blame(&mut self, peer: Author) {
        if let Some(key) = self.roll.key(self.epoch, peer) {
            self.guard.blame(&key, Offence::BrokenRule);
        }
    }

    pub fn send(&mut self, to: Author, message: &Message) {
        if let Some(key) = self.roll.key(self.epoch, to) {
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
pub type Outbox = mpsc::Sender<Vec<replica::succession::Effect>>;
