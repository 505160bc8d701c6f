//! A few validators on one thread, with a network that a test scripts and logs that survive a crash.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::panic, reason = "a test fails with what it saw")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use crypto::{Coin, CoinError, CoinShare, CoinValue, Digest, SigningKey};
use num::Timestamp;
use ordering::Parameters;
use replica::agreement::{Agreement, Config, Input, Output, Pacing, Record};
use wire::{
    Author, Blob, CommittedPayload, Committee, Lineage, Member, Message, Snapshot, SnapshotRef, Transaction,
    WorkerMessage,
};

pub const GC_DEPTH: u64 = 20;
/// The quorum of four.
const QUORUM: usize = 3;

/// A coin that anybody can compute: what is tested here does not depend on its secrecy.
#[derive(Debug)]
struct PlainCoin;

fn share_of(wave: u64) -> CoinShare {
    let digest = Digest::of("test coin", &wave.to_be_bytes());
    let mut bytes = [0; 48];
    bytes[..32].copy_from_slice(&digest.0);
    CoinShare(bytes)
}

impl Coin for PlainCoin {
    fn share(&self, wave: u64) -> CoinShare {
        share_of(wave)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        let right = shares.iter().filter(|(_, share)| *share == share_of(wave)).count();
        if right < QUORUM {
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            return Err(CoinError::TooFew { have: count(right), need: count(QUORUM) });
        }
        Ok(CoinValue(share_of(wave).0))
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        value.0 == share_of(wave).0
    }
}

pub fn key(author: u16) -> SigningKey {
    SigningKey::from_bytes([u8::try_from(author).expect("few") + 1; 32])
}

pub fn committee() -> Committee {
    let members = (0..4).map(|author| Member { key: key(author).public_key(), stake: 1 }).collect();
    Committee::new(1, members).expect("four keys")
}

pub fn agreement(author: u16, pacing: Pacing) -> Agreement {
    let parameters =
        Parameters { wave_length: 4, leaders_per_round: 2, gc_depth: GC_DEPTH, checkpoint_rounds: 32 };
    let config = Config { committee: committee(), author: Author(author), parameters, pacing };
    Agreement::new(config, key(author), Box::new(PlainCoin)).expect("parameters that suit four")
}

pub fn transaction(name: &str) -> Transaction {
    Transaction::new(name.as_bytes().to_vec()).expect("a short name")
}

/// What one validator did so far, over all its lives.
#[derive(Debug, Default)]
pub struct History {
    /// With the section that each record was written to.
    pub log: Vec<(u64, Record)>,
    pub snapshot: Option<(Snapshot, SnapshotRef, Bytes)>,
    pub commits: Vec<CommittedPayload>,
    /// How often it began at a snapshot of others.
    pub adopted: usize,
    pub accepted: BTreeSet<u64>,
    pub finals: BTreeSet<u64>,
    /// Own batches that left.
    pub batches: Vec<Digest>,
    pub convicted: Vec<wire::Equivocation>,
    /// Own blocks that left, by round.
    pub said: BTreeMap<u64, BTreeSet<Digest>>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Letter {
    pub from: u16,
    pub to: u16,
    pub message: Message,
}

/// Four validators.
pub struct Net {
    running: Vec<Option<Agreement>>,
    pub histories: Vec<History>,
    flight: VecDeque<Letter>,
    pacing: Pacing,
    pub now: u64,
}

impl Net {
    pub fn new() -> Self {
        Self::paced(Pacing::default())
    }

    pub fn paced(pacing: Pacing) -> Self {
        let mut net = Self {
            running: (0..4).map(|_| None).collect(),
            histories: (0..4).map(|_| History::default()).collect(),
            flight: VecDeque::new(),
            pacing,
            now: 1_000_000,
        };
        (0..4).for_each(|author| net.restart(author));
        net
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Power off: what was on its way from it still arrives.
    pub fn kill(&mut self, author: u16) {
        self.running[usize::from(author)] = None;
    }

    /// A new life at another pace.
    pub fn repace(&mut self, author: u16, pacing: Pacing) {
        let usual = core::mem::replace(&mut self.pacing, pacing);
        self.kill(author);
        self.restart(author);
        self.pacing = usual;
    }

    /// A new life from the log of the earlier ones; it must decide the same again.
    pub fn restart(&mut self, author: u16) {
        let mut fresh = agreement(author, self.pacing);
        let history = &mut self.histories[usize::from(author)];
        let mut out = Vec::new();
        let mut index = 0;
        if let Some((snapshot, reference, encoded)) = history.snapshot.clone() {
            fresh.resume(&snapshot, (reference, encoded));
            index = snapshot.checkpoint.index;
        }
        for (section, record) in history.log.clone() {
            fresh.restore(section, record, &mut out);
        }
        let again: Vec<CommittedPayload> = out
            .into_iter()
            .filter_map(|output| match output {
                Output::Commit(payload) => Some(payload),
                _ => None,
            })
            .collect();
        let known: Vec<CommittedPayload> =
            history.commits.iter().filter(|it| it.commit.index > index).cloned().collect();
        assert_eq!(again, known, "validator {author} decides otherwise after its restart");
        let mut out = Vec::new();
        fresh.start(self.time(), &mut out);
        self.running[usize::from(author)] = Some(fresh);
        self.perform(author, out);
        for peer in (0..4).filter(|peer| *peer != author) {
            self.step(peer, Input::Connected { peer: Author(author) });
            self.step(author, Input::Connected { peer: Author(peer) });
        }
    }

    /// One input, and its effects; nothing happens to who is down.
    pub fn step(&mut self, author: u16, input: Input) {
        let now = self.time();
        let Some(agreement) = &mut self.running[usize::from(author)] else { return };
        let mut out = Vec::new();
        agreement.step(now, input, &mut out);
        self.perform(author, out);
    }

    /// The disk is lost with everything on it.
    pub fn lose_disk(&mut self, author: u16) {
        self.kill(author);
        let history = &mut self.histories[usize::from(author)];
        (history.log, history.snapshot) = (Vec::new(), None);
        history.commits.clear();
    }

    pub fn submit(&mut self, author: u16, ticket: u64, name: &str) {
        self.step(author, Input::Submit { client: ticket, ticket, transaction: transaction(name) });
    }

    fn perform(&mut self, author: u16, outputs: Vec<Output>) {
        for output in outputs {
            let history = &mut self.histories[usize::from(author)];
            match output {
                Output::Persist { section, record } => history.log.push((section, record)),
                Output::Cut { keep } => history.log.retain(|(section, _)| *section >= keep),
                Output::Checkpoint(checkpoint) => {
                    let state = Blob::new(Bytes::from(checkpoint.index.to_be_bytes().to_vec()));
                    let state = state.expect("a few bytes");
                    let snapshot = Snapshot { checkpoint, lineage: Lineage::default(), state };
                    let (reference, encoded) = snapshot.publish();
                    history.snapshot = Some((snapshot, reference, encoded.clone()));
                    self.step(author, Input::Saved { reference, encoded });
                }
                Output::Adopt { snapshot, encoded } => {
                    let (reference, again) = snapshot.publish();
                    assert_eq!(encoded, again);
                    history.adopted += 1;
                    history.snapshot = Some((*snapshot, reference, encoded));
                }
                Output::Send { to, message } => self.post(author, to.0, message),
                Output::Broadcast { message } => {
                    history.note(author, &message);
                    let peers = (0..4).filter(|peer| *peer != author);
                    peers.for_each(|to| self.post(author, to, message.clone()));
                }
                Output::Commit(payload) => history.commits.push(payload),
                Output::Accepted { ticket } => drop(history.accepted.insert(ticket)),
                Output::Final { ticket, .. } => drop(history.finals.insert(ticket)),
                Output::Halt { reason } => panic!("validator {author} halts: {reason}"),
                Output::Fault { peer, fault } => panic!("validator {author} blames {peer}: {fault}"),
                Output::Equivocation(proof) => history.convicted.push(proof),
                Output::Order { .. }
                | Output::Refused { .. }
                | Output::WrongShare { .. }
                | Output::WakeAt(_) => {}
            }
        }
    }

    fn post(&mut self, from: u16, to: u16, message: Message) {
        self.flight.push_back(Letter { from, to, message });
    }

    /// Delivers what `arrives` lets through, in order, until nothing is on its way.
    pub fn deliver(&mut self, arrives: impl Fn(&Letter) -> bool) {
        while let Some(letter) = self.flight.pop_front() {
            if arrives(&letter) {
                let Letter { from, to, message } = letter;
                self.step(to, Input::Message { from: Author(from), message });
            }
        }
    }

    /// So many milliseconds, in steps of five.
    pub fn run(&mut self, millis: u64, arrives: impl Fn(&Letter) -> bool) {
        let end = self.now + millis;
        while self.now < end {
            self.now += 5;
            (0..4).for_each(|author| self.step(author, Input::Tick));
            self.deliver(&arrives);
        }
    }

    /// Whether a transaction is in a validator's commits, and how often.
    pub fn ordered(&self, author: u16, name: &str) -> usize {
        let commits = &self.histories[usize::from(author)].commits;
        let blocks = commits.iter().flat_map(|payload| payload.blocks.iter());
        let wanted = transaction(name);
        blocks.flat_map(|block| block.transactions.iter()).filter(|it| **it == wanted).count()
    }

    pub fn commits(&self, author: u16) -> usize {
        self.histories[usize::from(author)].commits.len()
    }

    pub fn round(&self, author: u16) -> u64 {
        self.running[usize::from(author)].as_ref().map_or(0, |it| it.status().round.0)
    }

    /// Rounds that it knows others to be ahead.
    pub fn behind(&self, author: u16) -> u64 {
        let running = self.running[usize::from(author)].as_ref();
        running.map_or(0, |agreement| agreement.status().rounds_behind())
    }

    /// One story, no block twice.
    pub fn assert_agreement(&self) {
        for one in &self.histories {
            for other in &self.histories {
                let others: BTreeMap<u64, _> = other.commits.iter().map(|it| (it.commit.index, it)).collect();
                for one in &one.commits {
                    assert!(others.get(&one.commit.index).is_none_or(|other| *other == one));
                }
            }
        }
        for (author, history) in self.histories.iter().enumerate() {
            let twins = history.said.iter().find(|(_, blocks)| blocks.len() > 1);
            assert_eq!(twins, None, "validator {author} made two blocks in one round");
        }
    }
}

impl History {
    fn has(&self, record: &Record) -> bool {
        self.log.iter().any(|(_, it)| it == record)
    }

    /// What is said to all must be in the log already.
    fn note(&mut self, author: u16, message: &Message) {
        use commonware_codec::DecodeExt;
        match message {
            Message::Block { block } => {
                let signed = wire::SignedBlock::decode(block.bytes().clone()).expect("an own block");
                let reference = signed.block.reference();
                assert_eq!(reference.author.0, author);
                self.said.entry(reference.round.0).or_default().insert(reference.digest);
                let record = Record::Block { block: block.clone() };
                assert!(self.has(&record), "block {reference:?} leaves before it is durable");
            }
            Message::Worker { message: WorkerMessage::Batch { batch }, .. } => {
                let record = Record::Batch { batch: batch.clone() };
                self.batches.push(wire::Batch::digest_of(batch.bytes()));
                assert!(self.has(&record), "a batch leaves before it is durable");
            }
            _ => {}
        }
    }
}

/// Everything arrives.
pub fn all(_: &Letter) -> bool {
    true
}
