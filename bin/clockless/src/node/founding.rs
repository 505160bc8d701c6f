//! Epoch 0 in the process: the founding core on a thread of its own, its log, and the coin it ends with.
//!
//! Invariant: the seed is on disk before anything is said, so a restart says the same; the coin's share is on disk
//! before the next epoch begins. When that is done the thread goes on, for validators that come later.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use commonware_runtime::{Supervisor as _, tokio::Context};
use crypto::{OpeningKey, SigningKey, ThresholdCoin, ThresholdKey, ThresholdShare};
use rand::Rng as _;
use replica::{
    agreement::{Input, Output, Record},
    founding::{Effect, Founders, Founding, Past},
};
use tokio::sync::{mpsc, oneshot};
use wire::SignedCeremonyMessage;

use crate::{
    failure::Failure,
    network::write_secret,
    node::{Clock, config::NodeConfig, journal::Journal, links::Links},
};

/// Words that may wait.
pub const WORDS_MAX: usize = 4_096;
/// Turns of the core that may wait for the disk.
const TURNS_MAX: usize = 64;
/// The part of the data folder that holds the log of epoch 0.
const PARTITION: &str = "founding";

/// What comes over a link for the founding.
pub enum Word {
    Agreement(Input),
    Ceremony(SignedCeremonyMessage),
}

/// Who takes part.
pub struct Founder {
    pub founders: Founders,
    pub key: SigningKey,
    pub past: Past,
}

/// The coin's key, and the own share of it.
pub type Coin = (ThresholdKey, ThresholdShare);

/// The coin of the epoch: from the data folder when it was made before, otherwise made with the others.
pub async fn make(
    context: &Context,
    config: &NodeConfig,
    founder: Founder,
    (words, links): (Receiver<Word>, Links),
) -> Result<Coin, Failure> {
    let Founder { founders, key, past } = founder;
    let members = u32::from(founders.committee.size());
    let seed = seed(config)?;
    let opening = OpeningKey::from_secret(&key.to_bytes());
    let mut founding = Founding::new(founders, key, opening, seed)
        .map_err(|error| Failure::bad_input(format!("genesis: {error}")))?;
    let restore = |section, record| founding.restore(section, record);
    let opened = Journal::open((context.child("founding"), PARTITION), config.fsync, restore).await;
    let journal =
        opened.map_err(|error| Failure::bad_input(format!("{}: {error}", config.data.display())))?;
    let path = config.data.join("coin");
    let known = read_coin(&path, members)?;
    if known.is_none() {
        tracing::info!(members, "the validators make their coin");
    }
    let (effects, turns) = mpsc::channel(TURNS_MAX);
    let (done, made) = oneshot::channel();
    let clock = Clock { offset_ms: config.clock_offset_ms };
    spawn((founding, past), (words, effects), clock)
        .map_err(|error| Failure::failed(format!("no thread: {error}")))?;
    let keeper = Keeper { journal, links, path, key: None, share: None, done: Some(done) };
    tokio::spawn(keeper.run(turns));
    if let Some(coin) = known {
        return Ok(coin);
    }
    let coin = made.await.map_err(|_| Failure::failed("the founding has stopped"))?;
    tracing::info!("the coin is made");
    Ok(coin)
}

/// Whether this validator can have spoken before. `clockless genesis` leaves a mark beside the key, outside of the
/// data folder: whoever lost its data has to ask the others what it said, whoever never ran need not.
pub fn past(config: &NodeConfig) -> Past {
    let newborn = config.key.with_file_name("newborn");
    match fs::remove_file(&newborn) {
        Ok(()) => Past::None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Past::Unknown,
        Err(error) => {
            // It would be believed again after a loss: the others are asked instead.
            tracing::warn!(path = %newborn.display(), %error, "the mark of a new validator cannot be removed");
            Past::Unknown
        }
    }
}

/// The randomness of the own dealings.
pub fn seed(config: &NodeConfig) -> Result<[u8; 32], Failure> {
    let path = config.data.join("founding-seed");
    if let Ok(text) = fs::read_to_string(&path) {
        let seed = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let seed = seed.ok_or_else(|| {
            Failure::bad_input(format!("{}: 64 hexadecimal digits are expected", path.display()))
        })?;
        return Ok(seed);
    }
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    write_whole(&path, &hex::encode(seed))?;
    Ok(seed)
}

/// Writes a secret file whole or not at all.
fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    drop(fs::remove_file(&new));
    write_secret(&new, text)?;
    fs::rename(&new, path).map_err(|error| Failure::file(path, &error))
}

/// Key and share, one a line.
fn read_coin(path: &Path, members: u32) -> Result<Option<Coin>, Failure> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
    let mut lines = text.lines().map(|line| hex::decode(line.trim()).ok());
    let members = core::num::NonZeroU32::new(members);
    let key =
        lines.next().flatten().zip(members).and_then(|(key, members)| ThresholdKey::decode(key, members));
    let share = lines.next().flatten().and_then(ThresholdShare::decode);
    let fits = |(key, share): &Coin| ThresholdCoin::new(key.clone(), share.clone(), 0).is_some();
    let coin = key.zip(share).filter(fits);
    let bad = || Failure::bad_input(format!("{}: a key and a share of it are expected", path.display()));
    coin.map(Some).ok_or_else(bad)
}

fn spawn(
    (mut founding, past): (Founding, Past),
    (words, effects): (Receiver<Word>, mpsc::Sender<Vec<Effect>>),
    clock: Clock,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("founding".to_owned()).spawn(move || {
        let mut out = Vec::new();
        founding.start(clock.now(), past, &mut out);
        loop {
            let wake = out.iter().rev().find_map(|effect| match effect {
                Effect::Agreement(Output::WakeAt(at)) => Some(*at),
                _ => None,
            });
            if !out.is_empty() && effects.blocking_send(core::mem::take(&mut out)).is_err() {
                return;
            }
            let word = match wake {
                Some(at) => words.recv_timeout(Duration::from_millis(at.since(clock.now()).millis())),
                // When all is done there is nothing to wait for but questions.
                None => words.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = clock.now();
            match word {
                Ok(Word::Agreement(input)) => founding.step(now, input, &mut out),
                Ok(Word::Ceremony(message)) => founding.hear(now, &message, &mut out),
                Err(RecvTimeoutError::Timeout) => founding.step(now, Input::Tick, &mut out),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    })
}

/// Records to disk, then effects to the world.
struct Keeper {
    journal: Journal,
    links: Links,
    path: PathBuf,
    key: Option<ThresholdKey>,
    share: Option<ThresholdShare>,
    done: Option<oneshot::Sender<(ThresholdKey, ThresholdShare)>>,
}

impl Keeper {
    /// Ends when the core has ended or the disk fails; whoever waits for the coin hears of it.
    async fn run(mut self, mut turns: mpsc::Receiver<Vec<Effect>>) {
        while let Some(effects) = turns.recv().await {
            if let Err(failure) = self.keep(effects).await {
                tracing::error!(%failure, "the founding has stopped");
                return;
            }
        }
    }

    async fn keep(&mut self, effects: Vec<Effect>) -> Result<(), Failure> {
        let failed = |error| Failure::failed(format!("the log of the founding failed: {error}"));
        let (mut records, mut rest): (Vec<(u64, Record)>, Vec<Effect>) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Agreement(Output::Persist { section, record }) => records.push((section, record)),
                effect => rest.push(effect),
            }
        }
        if !records.is_empty() {
            self.journal.append(&records).await.map_err(failed)?;
            self.journal.synchronise().await.map_err(failed)?;
        }
        rest.into_iter().try_for_each(|effect| self.perform(effect))?;
        self.finish()
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Failure> {
        match effect {
            Effect::Agreement(Output::Send { to, message }) => self.links.send(to, &message),
            Effect::Agreement(Output::Broadcast { message }) => self.links.broadcast(&message),
            Effect::Agreement(Output::Fault { peer, fault }) => {
                tracing::warn!(peer = peer.0, %fault, "a peer broke a rule");
            }
            Effect::Agreement(Output::Halt { reason }) => return Err(Failure::failed(format!("{reason}"))),
            Effect::Agreement(_) => {}
            Effect::Ask(message) => self.links.say(None, message),
            Effect::Answer { to, message } => self.links.say(Some(to), message),
            Effect::Blame(blame) => {
                let statements = blame.evidence.len();
                tracing::warn!(dealer = blame.dealer, statements, "a dealer is proven to have lied");
            }
            Effect::Key(key) => self.key = Some(key),
            Effect::Share(share) => self.share = Some(share),
        }
        Ok(())
    }

    /// Writes the coin down and hands it over, once.
    fn finish(&mut self) -> Result<(), Failure> {
        let (Some(key), Some(share), Some(_)) = (&self.key, &self.share, &self.done) else { return Ok(()) };
        let text = format!("{}\n{}", hex::encode(key.encode()), hex::encode(share.encode()));
        write_whole(&self.path, &text)?;
        if let Some(done) = self.done.take() {
            // Whoever found the coin on disk does not wait for it.
            drop(done.send((key.clone(), share.clone())));
        }
        Ok(())
    }
}
