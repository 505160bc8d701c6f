//! Workers, dag and ordering composed: submissions and messages in, commits out.
//!
//! Invariant: `Output`s are in order, and whatever a restart could contradict stands behind the `Persist` that
//! keeps it. Timers (`WakeAt`, answered by `Tick`) pace traffic; with `Pacing::none` no decision ever waits for
//! one.

mod assembly;
mod batches;
mod commit;
mod crew;
mod evidence;
mod intake;
mod pace;
pub(crate) mod pursuit;
mod recovery;
mod sections;
mod snapshots;
mod sync;
mod words;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use crypto::{Coin, Digest, SigningKey};
use dag::{Dag, Fault, Rules};
use num::{Duration, Timestamp};
use ordering::{Ordering, Parameters, ParametersError};
use wire::{
    Attestation, Author, BlockRef, Checkpoint, CommittedPayload, Committee, Equivocation, Message, Round,
    Snapshot, SnapshotRef, Transaction, WorkerOrder, WorkerWord,
};

pub use crew::UNREFERENCED_BYTES_MAX;
pub use sync::SYNC_LAG;

/// Where the workers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerPlaces {
    /// In this process, with this log and these links.
    Here,
    /// Each a process of its own, which `Input::Met` and `Input::Word` speak of.
    Away,
}

/// How fast things go. No value here decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Workers of this validator, each a stream of batches of its own: 1 to 16.
    pub workers: u8,
    pub worker_places: WorkerPlaces,
    /// How long a transaction waits for a block to go along with, before it is made durable by itself.
    pub batch_delay_ms: u64,
    pub batch_bytes: usize,
    /// The least time between two own blocks while there is work.
    pub round_delay_ms_min: u64,
    /// How much longer to wait for validators that have kept up lately.
    pub grace_ms: u64,
    /// The time between two own blocks while there is none.
    pub heartbeat_ms: u64,
    /// When to ask again, and somebody else.
    pub retry_ms: u64,
    /// Own bytes on their way before clients are told to wait: some tenths of a second of what a validator can take. More
    /// would only wait longer.
    pub open_bytes_max: usize,
    /// Rounds kept for peers that are behind.
    pub retain_rounds: u64,
    /// Bytes of batches at hand from which on fewer rounds are kept than that.
    pub retain_bytes: usize,
    /// Undecided rounds from which on own blocks carry no batches.
    pub undecided_rounds_max: u64,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            workers: 2,
            worker_places: WorkerPlaces::Here,
            batch_delay_ms: 20,
            batch_bytes: 128 * 1024,
            round_delay_ms_min: 5,
            grace_ms: 3,
            heartbeat_ms: 250,
            retry_ms: 250,
            open_bytes_max: 16 * 1024 * 1024,
            retain_rounds: 4_000,
            retain_bytes: 384 * 1024 * 1024,
            undecided_rounds_max: 256,
        }
    }
}

impl Pacing {
    /// Everything at once: rounds go as fast as blocks arrive.
    pub fn none() -> Self {
        Self { batch_delay_ms: 0, round_delay_ms_min: 0, grace_ms: 0, heartbeat_ms: 0, ..Self::default() }
    }
}

/// What a validator is started with.
#[derive(Clone, Debug)]
pub struct Config {
    pub committee: Committee,
    pub author: Author,
    pub parameters: Parameters,
    pub pacing: Pacing,
}

/// What can happen to a validator.
#[derive(Clone, Debug)]
pub enum Input {
    Message {
        from: Author,
        message: Message,
    },
    /// A client's transaction; `ticket` names it in the answers. What one client submits goes to one worker and
    /// keeps its order.
    Submit {
        client: u64,
        ticket: u64,
        transaction: Transaction,
    },
    /// A worker that is away has come, and knows nothing of what was said before.
    Met {
        worker: u8,
    },
    /// A worker that is away has gone.
    Parted {
        worker: u8,
    },
    /// A worker that is away says something.
    Word(WorkerWord),
    /// The execution's word on a root, to be carried by the next block.
    Attest(Attestation),
    /// A link to a peer came up.
    Connected {
        peer: Author,
    },
    /// The execution at a `Checkpoint` is saved, and durable.
    Saved {
        reference: SnapshotRef,
        /// The encoding of the `Snapshot`, to be handed to peers.
        encoded: Bytes,
    },
    /// A moment that `WakeAt` asked for, or any other.
    Tick,
}

/// What a validator does.
#[derive(Clone, Debug)]
pub enum Output {
    /// To be written to that section of the log, and durable before any later output leaves.
    Persist {
        section: u64,
        record: Record,
    },
    Send {
        to: Author,
        message: Message,
    },
    Broadcast {
        message: Message,
    },
    /// To a worker that is away.
    Order {
        worker: u8,
        order: WorkerOrder,
    },
    Commit(CommittedPayload),
    /// The commits so far are all there will be for this checkpoint: to be saved with the execution's state,
    /// and answered by `Input::Saved`.
    Checkpoint(Checkpoint),
    /// The execution goes on from this snapshot of a peer, which is to be durable before any later output.
    Adopt {
        snapshot: Box<Snapshot>,
        encoded: Bytes,
    },
    /// Sections of the log before `keep` are needed no more.
    Cut {
        keep: u64,
    },
    /// The transaction is in an own batch that is durable.
    Accepted {
        ticket: u64,
    },
    /// The transaction is ordered.
    Final {
        ticket: u64,
        commit: u64,
    },
    /// Too much is on its way: try again later.
    Refused {
        ticket: u64,
        busy: worker::Busy,
    },
    /// A peer broke a rule.
    Fault {
        peer: Author,
        fault: Fault,
    },
    /// A validator's coin share of a round was wrong.
    WrongShare {
        author: Author,
        round: Round,
    },
    /// A validator signed two blocks for one round; told once a validator and life.
    Equivocation(Equivocation),
    WakeAt(Timestamp),
    /// The fault assumption is broken: stop, with a report.
    Halt {
        reason: ordering::Fault,
    },
}

/// What the log keeps: everything that a restart needs, in order.
pub use wire::Record;

/// Figures of a running validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub epoch: u64,
    pub author: Author,
    pub round: Round,
    /// The highest round that validators with f + 1 stake were seen in.
    pub quorum_round: Round,
    /// The highest round of which a block was accepted here.
    pub reached: Round,
    pub floor: Round,
    pub commits: u64,
    pub undecided_depth: u64,
    pub waiting_blocks: usize,
    pub open_bytes: usize,
    /// The highest round seen of each validator.
    pub seen: Vec<Round>,
}

impl Status {
    /// Rounds that an honest validator is known to be ahead; beyond `SYNC_LAG` no block is proposed.
    pub const fn rounds_behind(&self) -> u64 {
        self.quorum_round.0.saturating_sub(self.reached.0)
    }
}

/// The agreeing half of a validator.
pub struct Agreement {
    config: Config,
    key: SigningKey,
    dag: Dag,
    ordering: Ordering,
    crew: crew::Crew,
    batches: batches::Batches,
    assembly: assembly::Assembly,
    sequences: words::Sequences,
    /// By digest, in the order of sealing through `own_queue`.
    own: BTreeMap<Digest, words::OwnBatch>,
    own_queue: Vec<Digest>,
    attestations: Vec<Attestation>,
    evidence: evidence::Evidence,
    /// Accepted blocks with batches that are not ordered yet.
    unordered_payload: BTreeMap<BlockRef, ()>,
    proposed_at: Timestamp,
    /// The last round that an own block could be made for, and since when.
    ready: (Round, Timestamp),
    progressed_at: Timestamp,
    retry_at: Timestamp,
    asked: sync::Asked,
    sections: sections::Sections,
    snapshots: snapshots::Snapshots,
    recovery: recovery::Recovery,
    /// Blocks were accepted since the ordering was asked.
    has_news: bool,
    /// What the ordering has decided and was not handed over yet.
    decided: VecDeque<ordering::Decision>,
    /// Decisions were taken since the last look at what is due.
    has_decided: bool,
    halted: bool,
    restoring: bool,
}

impl Agreement {
    /// Refuses parameters that do not suit the committee.
    pub fn new(config: Config, key: SigningKey, coin: Box<dyn Coin>) -> Result<Self, ParametersError> {
        let ordering = Ordering::new(config.committee.clone(), config.parameters, coin)?;
        let rules = Rules {
            committee: config.committee.clone(),
            wave_length: u64::from(config.parameters.wave_length),
            gc_depth: config.parameters.gc_depth,
            rounds_ahead_max: 100_000,
        };
        Ok(Self {
            dag: Dag::new(rules, config.author),
            ordering,
            crew: crew::Crew::new(&config),
            batches: batches::Batches::default(),
            assembly: assembly::Assembly::default(),
            sequences: words::Sequences::default(),
            own: BTreeMap::new(),
            own_queue: Vec::new(),
            attestations: Vec::new(),
            evidence: evidence::Evidence::default(),
            unordered_payload: BTreeMap::new(),
            proposed_at: Timestamp::ZERO,
            ready: (Round(0), Timestamp::ZERO),
            progressed_at: Timestamp::ZERO,
            retry_at: Timestamp::ZERO,
            asked: sync::Asked::default(),
            sections: sections::Sections::default(),
            snapshots: snapshots::Snapshots::default(),
            recovery: recovery::Recovery::default(),
            has_news: false,
            decided: VecDeque::new(),
            has_decided: false,
            halted: false,
            restoring: false,
            config,
            key,
        })
    }

    /// Goes on after the last own snapshot. The records of the log come after it.
    pub fn resume(&mut self, snapshot: &Snapshot, (reference, encoded): (SnapshotRef, Bytes)) {
        self.hold(reference, encoded);
        self.go_on_after(&snapshot.checkpoint, &mut Vec::new());
    }

    /// Begins an epoch whose first commit comes after the last one of the epoch before. This validator has said
    /// nothing in it yet.
    pub fn begin_after(&mut self, checkpoint: &Checkpoint) {
        self.go_on_after(checkpoint, &mut Vec::new());
        self.restore_own(BlockRef::genesis(self.config.author), &[], &[]);
    }

    /// What this validator's workers have of own transactions that are not ordered: for the next epoch.
    pub fn leave(&mut self) -> Vec<worker::Unordered> {
        let (own, sequences, batches) = (&self.own, &self.sequences, &self.batches);
        self.crew.leave(|note| {
            let batch = note.reference;
            let is_new = note.sequence > sequences.get(batch.worker) && !batches.is_referred(&batch.digest);
            is_new || own.contains_key(&batch.digest)
        })
    }

    /// Goes on with what was left in another epoch. Before the log is read.
    pub fn inherit(&mut self, unordered: Vec<worker::Unordered>) {
        self.crew.inherit(unordered);
    }

    /// Takes a record from a section of the own log; emits the commits that follow from it again.
    pub fn restore(&mut self, section: u64, record: Record, out: &mut Vec<Output>) {
        self.take_record(section, record, out);
        while self.restore_next(out) {}
    }

    /// Takes a record from a section of the own log, without the commits that follow from it.
    pub fn take_record(&mut self, section: u64, record: Record, out: &mut Vec<Output>) {
        self.set_restoring(crew::Restoring::Begins);
        self.sections.restore(section);
        match record {
            Record::Batch { batch } => self.crew.restore(section, batch.into_bytes()),
            Record::Block { block } => self.restore_block(section, block.into_bytes(), out),
            Record::Coin { round, value } => self.ordering.restore_coin(round, value),
            Record::Own { latest, batches, sequences } => self.restore_own(latest, &batches, &sequences),
            Record::Sealed { batch } => self.add_own(&batch),
        }
        self.set_restoring(crew::Restoring::Ends);
    }

    /// Emits the next commit that follows from the log, if there is one; whether there may be more.
    pub fn restore_next(&mut self, out: &mut Vec<Output>) -> bool {
        self.set_restoring(crew::Restoring::Begins);
        let has_more = self.decide_next(Timestamp::ZERO, out);
        self.set_restoring(crew::Restoring::Ends);
        has_more
    }

    fn set_restoring(&mut self, restoring: crew::Restoring) {
        self.restoring = restoring == crew::Restoring::Begins;
        self.crew.set_restoring(restoring);
    }

    /// Begins, and takes what the ordering decides.
    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.begin(now, out);
        self.conclude(now, out);
    }

    /// Begins: sends the last own block again and asks what was missed.
    pub fn begin(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.set_time(now);
        self.requeue_uncarried();
        self.progressed_at = now;
        if self.config.pacing.worker_places == WorkerPlaces::Here {
            self.crew.numbers().for_each(|number| self.meet(number, out));
        }
        self.retry_at = now.saturating_add(Duration::from_millis(self.config.pacing.retry_ms));
        self.recover(out);
        self.rebroadcast(out);
        self.ask_range(now, None, out);
        self.pace(now, out);
    }

    /// Takes one input and does what is due.
    pub fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.take(now, input, out);
        self.settle(now, out);
        self.conclude(now, out);
    }

    /// Takes one input. What it makes due waits for `settle`, so that many inputs can be taken for one look.
    pub fn take(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        if self.halted {
            return;
        }
        self.set_time(now);
        match input {
            Input::Message { from, message } => self.take_message(now, from, message, out),
            Input::Submit { client, ticket, transaction } => {
                self.crew.submit(client, (ticket, transaction), out);
            }
            Input::Met { worker } => self.meet(worker, out),
            Input::Parted { worker } => self.crew.part(worker),
            Input::Word(word) => self.take_word(word, out),
            Input::Attest(attestation) => self.add_attestation(attestation),
            Input::Connected { peer } => self.greet(now, peer, out),
            Input::Saved { reference, encoded } => self.saved(reference, encoded, out),
            Input::Tick => {}
        }
        self.take_words(out);
    }

    /// Asks again, seals and proposes, each if it is due.
    pub fn settle(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.halted {
            return;
        }
        self.set_time(now);
        // A stream of inputs must not keep the questions from being asked again.
        if now >= self.retry_at {
            self.retry_at = now.saturating_add(Duration::from_millis(self.config.pacing.retry_ms.max(1)));
            self.retry(now, out);
        }
        self.pace(now, out);
    }

    /// Takes what the ordering decides. After `settle`, so that the next block need not wait for it: where the coin
    /// has to be verified by a pairing, deciding takes most of a validator's time.
    pub fn conclude(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while self.conclude_next(now, out) {}
    }

    /// The same up to the next commit; whether there may be more. Whoever ends an epoch with that commit finds
    /// everything of the next ones as if they were not decided.
    pub fn conclude_next(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        if self.decide_next(now, out) {
            return true;
        }
        if core::mem::take(&mut self.has_decided) {
            self.pace(now, out);
        }
        self.ordering.prepare_share(self.dag.own_latest().round.next());
        self.has_news && !self.halted
    }

    pub fn status(&self) -> Status {
        Status {
            epoch: self.config.committee.epoch(),
            author: self.config.author,
            round: self.dag.own_latest().round,
            quorum_round: self.dag.quorum_round(),
            reached: self.dag.highest_round(),
            floor: self.ordering.floor(),
            commits: self.ordering.last_commit().map_or(0, |head| head.index),
            undecided_depth: self.ordering.undecided_depth(),
            waiting_blocks: self.dag.waiting(),
            open_bytes: self.open_bytes(),
            seen: self.config.committee.authors().map(|author| self.dag.seen(author)).collect(),
        }
    }

    fn add_attestation(&mut self, attestation: Attestation) {
        self.attestations.push(attestation);
        let excess = self.attestations.len().saturating_sub(4 * wire::limits::BLOCK_ATTESTATIONS_MAX);
        self.attestations.drain(..excess);
    }
}

impl core::fmt::Debug for Agreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Agreement").field("author", &self.config.author).finish_non_exhaustive()
    }
}
