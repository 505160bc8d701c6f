//! The world of one run: validators, messages on their way, and one queue of what happens next.
//!
//! Invariant: everything that happens follows from the setup and its seed. Two runs of one setup are the
//! same run.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use num::Timestamp;
use replica::agreement::{Input, Output, Record};
use wire::{Author, Message, Round, SignedBlock, Transaction};

use crate::{
    adversary::{self, Byzantine, Demand, Fair, Fate, InFlight, Network, Powers, View},
    capacity::Machines,
    checker::{Checker, digest_of},
    disk::{Disk, Stored},
    measure::Stopwatch,
    node::{Effects, Node},
    random::Random,
    setup::{Factory, Setup, Timers},
};

/// How long a message is held at the most.
const HELD_MS_MAX: u64 = 1_000;

/// What a crash leaves of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskFate {
    /// What was synchronised.
    Kept,
    /// Nothing.
    Lost,
}

/// What can happen to a validator. `life` says for which of its lives it was meant.
#[derive(Debug)]
enum Happening {
    Deliver(InFlight),
    /// Its machine is done with a message.
    Handle(InFlight),
    Take {
        author: Author,
        client: u64,
        transaction: Transaction,
    },
    Synchronised {
        author: Author,
        life: u64,
    },
    Wake {
        author: Author,
        life: u64,
        at: Timestamp,
    },
    /// Messages that were held for too long are delivered: nothing is withheld for ever.
    Release,
    Submit {
        author: Author,
        transaction: Transaction,
    },
    Crash {
        author: Author,
        disk: DiskFate,
    },
    Restart {
        author: Author,
        stored: Stored,
    },
}

/// Who plays against the validators of a run.
pub(crate) struct Cast {
    network: Box<dyn Network>,
    byzantine: Option<Box<dyn Byzantine>>,
    faulty: BTreeSet<Author>,
    timers: Timers,
}

/// Networks that faulty validators are tried under.
const STAGES: [&str; 3] = ["fair", "scheduler", "lossy"];

impl Cast {
    /// `None` when nobody has that name.
    pub(crate) fn of(setup: &Setup, random: &mut Random) -> Option<Self> {
        let (members, timers) = (setup.members, setup.timers);
        if let Some(network) = adversary::network(setup.adversary, members) {
            return Some(Self { network, byzantine: None, faulty: BTreeSet::new(), timers });
        }
        let byzantine = Some(adversary::byzantine(setup.adversary, setup.seed)?);
        let stage = STAGES[usize::try_from(setup.seed / 32 % 3).unwrap_or(0)];
        let network = adversary::network(stage, members)?;
        let faults = u64::from(members.saturating_sub(1) / 3);
        let count = random.between(1, faults.max(1));
        let mut faulty = BTreeSet::new();
        while u64::try_from(faulty.len()).unwrap_or(u64::MAX) < count {
            faulty.insert(Author(u16::try_from(random.below(u64::from(members))).unwrap_or(0)));
        }
        Some(Self { network, byzantine, faulty, timers })
    }

    /// The same network, in which these never say a word.
    pub(crate) fn with_silent(self, faulty: BTreeSet<Author>) -> Self {
        Self { byzantine: adversary::byzantine("silent", 0), faulty, ..self }
    }
}

/// A run in progress.
pub struct World {
    now: Timestamp,
    sequence: u64,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    held: Vec<InFlight>,
    nodes: Vec<Node>,
    /// The highest round in which each validator was seen to make a block.
    rounds: Vec<Round>,
    network: Box<dyn Network>,
    byzantine: Option<Box<dyn Byzantine>>,
    powers: Powers,
    factory: Factory,
    timers: Timers,
    random: Random,
    next_ticket: u64,
    crash_ms_max: u64,
    pub(crate) checker: Checker,
    pub(crate) demand: Demand,
    pub(crate) stopwatch: Option<Stopwatch>,
    /// Where computing takes time.
    pub(crate) machines: Option<Machines>,
}

impl World {
    pub(crate) fn new(factory: Factory, cast: Cast, mut random: Random) -> Self {
        let Cast { network, byzantine, faulty, timers } = cast;
        let keys = faulty.iter().map(|author| (*author, factory.key(*author))).collect();
        let nodes = (0..factory.members()).map(|_| Node::new(random.below(10_000))).collect();
        let mut world = Self {
            now: Timestamp::from_millis(factory.start_ms()),
            sequence: 0,
            queue: BTreeMap::new(),
            held: Vec::new(),
            nodes,
            rounds: vec![Round(0); usize::from(factory.members())],
            network,
            stopwatch: None,
            machines: None,
            demand: byzantine.as_ref().map_or(Demand::Nothing, |it| it.demand()),
            byzantine,
            powers: Powers::new(keys, factory.members(), random.fork()),
            crash_ms_max: factory.crash_ms_max(),
            factory,
            timers,
            random,
            next_ticket: 0,
            checker: Checker::new(faulty),
        };
        for author in world.authors() {
            world.restart(author, Stored::default());
        }
        world
    }

    pub(crate) fn submit_at(&mut self, delay_ms: u64, author: Author, transaction: Transaction) {
        self.schedule(delay_ms, Happening::Submit { author, transaction });
    }

    pub(crate) fn crash_at(&mut self, delay_ms: u64, author: Author, disk: DiskFate) {
        self.schedule(delay_ms, Happening::Crash { author, disk });
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn authors(&self) -> impl Iterator<Item = Author> + use<> {
        (0..self.factory.members()).map(Author)
    }

    /// The highest round that anybody has reached.
    pub(crate) fn round(&self) -> Round {
        self.rounds.iter().copied().max().unwrap_or_default()
    }

    pub(crate) fn all_up(&self) -> bool {
        self.nodes.iter().all(Node::is_up)
    }

    /// Lets the next thing happen; false when nothing is left to happen.
    pub(crate) fn turn(&mut self) -> bool {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return false };
        self.now = at;
        match happening {
            Happening::Deliver(message) => self.arrive(message),
            Happening::Handle(message) => self.deliver(message),
            Happening::Take { author, client, transaction } => self.take(author, client, transaction),
            Happening::Synchronised { author, life } if self.lives(author, life) => {
                let effects = self.node(author).synchronised();
                self.perform(author, effects);
            }
            Happening::Wake { author, life, at }
                if self.lives(author, life) && self.node(author).wake_at == Some(at) =>
            {
                self.node(author).wake_at = None;
                self.input(author, Input::Tick);
            }
            Happening::Release => self.release(),
            Happening::Submit { author, transaction } => self.submit(author, transaction),
            Happening::Crash { author, disk } => self.crash(author, disk),
            Happening::Restart { author, stored } => self.restart(author, stored),
            Happening::Synchronised { .. } | Happening::Wake { .. } => {}
        }
        true
    }

    /// From now on the network means well, and what it held is delivered.
    pub(crate) fn make_fair(&mut self) {
        self.network = Box::new(Fair);
        let held = core::mem::take(&mut self.held);
        held.into_iter().for_each(|message| self.route(message));
    }

    fn node(&mut self, author: Author) -> &mut Node {
        &mut self.nodes[usize::from(author.0)]
    }

    fn lives(&self, author: Author, life: u64) -> bool {
        let node = &self.nodes[usize::from(author.0)];
        node.is_up() && node.life == life
    }

    fn schedule(&mut self, delay_ms: u64, happening: Happening) {
        self.sequence += 1;
        let at = Timestamp::from_millis(self.now.millis() + delay_ms);
        self.queue.insert((at, self.sequence), happening);
    }

    fn input(&mut self, author: Author, input: Input) {
        let now = self.now;
        let effects = self.node(author).step(input, now);
        self.perform(author, effects);
    }

    /// A message waits for its machine, where machines take time.
    fn arrive(&mut self, message: InFlight) {
        let now = self.now.millis();
        match &mut self.machines {
            None => self.deliver(message),
            Some(machines) => {
                let delay = machines.handle(now, message.to, &message.message);
                self.schedule(delay, Happening::Handle(message));
            }
        }
    }

    fn deliver(&mut self, message: InFlight) {
        if self.powers.is_faulty(message.to)
            && let Some(byzantine) = &mut self.byzantine
        {
            let mut said = Vec::new();
            byzantine.hear(&message, &mut self.powers, &mut said);
            said.into_iter().for_each(|message| self.route(message));
        }
        if self.node(message.to).is_up() {
            self.input(message.to, Input::Message { from: message.from, message: message.message });
        }
    }

    fn submit(&mut self, author: Author, transaction: Transaction) {
        self.next_ticket += 1;
        let (client, now) = (self.next_ticket, self.now.millis());
        match &mut self.machines {
            None => self.take(author, client, transaction),
            Some(machines) => {
                let delay = machines.submit(now, author, (client, transaction.len()));
                self.schedule(delay, Happening::Take { author, client, transaction });
            }
        }
    }

    /// A client's only transaction.
    fn take(&mut self, author: Author, client: u64, transaction: Transaction) {
        if self.node(author).is_up() {
            self.node(author).tickets.insert(client, digest_of(&transaction));
            self.input(author, Input::Submit { client, ticket: client, transaction });
        }
    }

    fn crash(&mut self, author: Author, disk: DiskFate) {
        if !self.node(author).is_up() {
            return;
        }
        let mut random = self.random.fork();
        let mut stored = self.node(author).crash(&mut random);
        self.note_written(author, &stored);
        if disk == DiskFate::Lost {
            self.node(author).disk = Disk::default();
            stored = Stored::default();
            self.checker.disk_lost(author);
        }
        self.schedule(random.between(1, self.crash_ms_max), Happening::Restart { author, stored });
    }

    fn restart(&mut self, author: Author, stored: Stored) {
        let honest = self.factory.coin(author);
        let coin = match &self.byzantine {
            Some(byzantine) if self.powers.is_faulty(author) => byzantine.coin(honest),
            _ => honest,
        };
        match self.factory.program(author, coin) {
            Ok(program) => {
                let now = self.now;
                let effects = self.node(author).start(program, stored, now);
                let began_at = self.node(author).began_at;
                self.checker.goes_on(author, began_at);
                self.perform(author, effects);
            }
            Err(reason) => self.checker.halted(author, reason),
        }
        let others: Vec<Author> = self.authors().filter(|other| *other != author).collect();
        for other in others {
            self.input(author, Input::Connected { peer: other });
            self.input(other, Input::Connected { peer: author });
        }
    }

    fn perform(&mut self, author: Author, effects: Effects) {
        for executed in &effects.executed {
            self.checker.executed(author, executed.commit, executed.root);
            if let Some(reason) = &executed.broken_invariant {
                self.checker.invariant_broken(author, executed.commit, reason.clone());
            }
        }
        if effects.synchronise {
            let life = self.node(author).life;
            let delay = self.random.between(0, 5);
            self.schedule(delay, Happening::Synchronised { author, life });
        }
        for output in effects.outputs {
            self.perform_one(author, output);
        }
    }

    fn perform_one(&mut self, author: Author, output: Output) {
        match output {
            Output::Send { to, message } => self.send(author, to, message),
            Output::Broadcast { message } => self.broadcast(author, &message),
            Output::Commit(payload) => {
                if let Some(watch) = &mut self.stopwatch {
                    watch.committed(author, &payload, self.now);
                }
                self.checker.committed(author, &payload);
            }
            Output::Accepted { ticket } => self.observe_ticket(author, ticket, Checker::accepted),
            Output::Final { ticket, .. } => self.observe_ticket(author, ticket, Checker::finalized),
            Output::WakeAt(at) => self.wake(author, at),
            Output::Fault { peer, .. } => self.checker.accused(author, peer),
            Output::Halt { reason } => self.checker.halted(author, format!("{reason:?}")),
            Output::WrongShare { author: accused, .. } => self.checker.accused(author, accused),
            Output::Equivocation(proof) => self.checker.accused(author, proof.author()),
            Output::Checkpoint(checkpoint) => self.keep(author, checkpoint.index),
            Output::Adopt { snapshot, encoded } => {
                let (reference, index) = (snapshot.publish().0, snapshot.checkpoint.index);
                self.node(author).disk.keep(reference, encoded);
                self.checker.goes_on(author, index);
            }
            Output::Cut { keep } => self.node(author).disk.cut(keep),
            Output::Refused { .. } | Output::Persist { .. } | Output::Order { .. } => {}
        }
    }

    /// Makes the snapshot of a commit durable, and says so.
    fn keep(&mut self, author: Author, index: u64) {
        let Some((reference, encoded)) = self.node(author).take_saved(index) else { return };
        self.node(author).disk.keep(reference, encoded.clone());
        self.input(author, Input::Saved { reference, encoded });
    }

    fn observe_ticket(&mut self, author: Author, ticket: u64, observe: fn(&mut Checker, Author, Digest)) {
        if let Some(transaction) = self.node(author).tickets.get(&ticket).copied() {
            observe(&mut self.checker, author, transaction);
        }
    }

    fn wake(&mut self, author: Author, at: Timestamp) {
        if self.timers == Timers::Off {
            return;
        }
        let node = self.node(author);
        let (life, ahead) = (node.life, node.clock_ahead);
        // Only the last word counts, as in the node.
        if node.wake_at.replace(at) == Some(at) {
            return;
        }
        let delay = at.millis().saturating_sub(ahead).saturating_sub(self.now.millis());
        self.schedule(delay, Happening::Wake { author, life, at });
    }

    fn broadcast(&mut self, author: Author, message: &Message) {
        self.note_block(author, message);
        let others: Vec<Author> = self.authors().filter(|other| *other != author).collect();
        for to in others {
            self.say(InFlight { from: author, to, sent_at: self.now, message: message.clone() });
        }
    }

    fn send(&mut self, from: Author, to: Author, message: Message) {
        self.note_block(from, &message);
        self.say(InFlight { from, to, sent_at: self.now, message });
    }

    /// A correct validator says what it wants to; what a faulty one says is its adversary's choice.
    fn say(&mut self, message: InFlight) {
        if !self.powers.is_faulty(message.from) {
            return self.route(message);
        }
        let Some(byzantine) = &mut self.byzantine else { return };
        let mut said = Vec::new();
        byzantine.speak(message, &mut self.powers, &mut said);
        said.into_iter().for_each(|message| self.route(message));
    }

    fn route(&mut self, message: InFlight) {
        let view = View { rounds: &self.rounds, wave_length: self.factory.wave_length() };
        match self.network.fate(&message, &view, &mut self.random) {
            Fate::After(delay) => {
                let (now, from) = (self.now.millis(), message.from);
                let machines = self.machines.as_mut();
                let sent = machines.map_or(0, |machines| machines.handle(now, from, &message.message));
                self.schedule(sent + delay, Happening::Deliver(message));
            }
            Fate::Hold => {
                self.held.push(message);
                self.schedule(HELD_MS_MAX, Happening::Release);
            }
            Fate::Lose => {}
        }
    }

    fn release(&mut self) {
        let now = self.now.millis();
        let is_old = |it: &InFlight| it.sent_at.millis() + HELD_MS_MAX <= now;
        let (old, rest) = core::mem::take(&mut self.held).into_iter().partition(is_old);
        self.held = rest;
        Vec::into_iter(old).for_each(|message| self.schedule(0, Happening::Deliver(message)));
    }

    /// A block that reached the disk was made, whether or not it was sent before the crash: others may ask for it.
    fn note_written(&mut self, author: Author, stored: &Stored) {
        for (_, record) in &stored.records {
            let Record::Block { block } = record else { continue };
            let Ok(SignedBlock { block, .. }) = decode(block.bytes().clone()) else { continue };
            if block.author == author {
                self.checker.made(block.reference());
            }
        }
    }

    /// Learns what was made from what its author sends; releases what waited for that.
    fn note_block(&mut self, author: Author, message: &Message) {
        let Message::Block { block } = message else { return };
        let Ok(SignedBlock { block, .. }) = decode(block.bytes().clone()) else { return };
        if block.author != author {
            return;
        }
        let reference = block.reference();
        self.checker.made(reference);
        if let Some(watch) = &mut self.stopwatch {
            watch.made(reference, self.now);
        }
        let round = &mut self.rounds[usize::from(author.0)];
        if block.round <= *round {
            return;
        }
        *round = block.round;
        if self.held.is_empty() {
            return;
        }
        let (asked_again, rest) = core::mem::take(&mut self.held).into_iter().partition(|it| it.to == author);
        self.held = rest;
        Vec::into_iter(asked_again).for_each(|message| self.route(message));
    }
}

fn decode(bytes: bytes::Bytes) -> Result<SignedBlock, commonware_codec::Error> {
    use commonware_codec::DecodeExt;
    SignedBlock::decode(bytes)
}

impl core::fmt::Debug for World {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
