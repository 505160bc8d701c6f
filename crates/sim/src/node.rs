//! One simulated validator: its core, its disk, and the effects that wait for the disk.
//!
//! Invariant: an effect leaves only after every record before it is durable; a crash loses what waits.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use num::Timestamp;
use replica::{
    agreement::{Input, Output},
    execution::Executed,
};
use wire::{Snapshot, SnapshotRef};

use crate::{
    disk::{Disk, Stored},
    program::Program,
    random::Random,
};

/// A validator that may be down.
#[derive(Debug)]
pub struct Node {
    /// `None` while it is down.
    pub program: Option<Program>,
    pub disk: Disk,
    /// What its clock shows beyond the run's time, in milliseconds.
    pub clock_ahead: u64,
    /// Grows with each start, so that what was meant for an earlier life is dropped.
    pub life: u64,
    pub tickets: BTreeMap<u64, Digest>,
    /// The commit of the snapshot that this life began at, and of those that it began at anew.
    pub began_at: u64,
    /// When it asked to be woken, by its clock.
    pub wake_at: Option<Timestamp>,
    /// Snapshots that wait for their checkpoint to leave.
    saved: Vec<(SnapshotRef, Bytes)>,
    outbox: VecDeque<Output>,
    synchronising: bool,
}

/// What a node wants of the world after a step.
#[derive(Debug, Default)]
pub struct Effects {
    /// In order; nothing here waits for the disk any more.
    pub outputs: Vec<Output>,
    /// What the exchange did in this step.
    pub executed: Vec<Executed>,
    /// The disk has to be asked to synchronise.
    pub synchronise: bool,
}

impl Node {
    pub fn new(clock_ahead: u64) -> Self {
        Self {
            program: None,
            disk: Disk::default(),
            clock_ahead,
            life: 0,
            tickets: BTreeMap::new(),
            began_at: 0,
            wake_at: None,
            saved: Vec::new(),
            outbox: VecDeque::new(),
            synchronising: false,
        }
    }

    pub const fn is_up(&self) -> bool {
        self.program.is_some()
    }

    /// Brings a fresh core up from what the disk holds.
    pub fn start(&mut self, mut program: Program, stored: Stored, now: Timestamp) -> Effects {
        self.life += 1;
        self.wake_at = None;
        self.saved.clear();
        self.began_at = 0;
        if let Some((reference, encoded)) = stored.snapshot {
            let snapshot = Snapshot::decode(encoded.clone()).expect("invariant: a snapshot is stored whole");
            program.resume(&snapshot, (reference, encoded));
            self.began_at = reference.index;
        }
        let (mut restored, mut executed) = (Vec::new(), Vec::new());
        for record in stored.records {
            program.restore(record, &mut restored, &mut executed);
        }
        let mut outputs = Vec::new();
        program.start(self.local_time(now), &mut outputs, &mut executed);
        self.program = Some(program);
        let mut effects = self.enqueue(outputs, executed);
        restored.append(&mut effects.outputs);
        effects.outputs = restored;
        effects
    }

    pub fn step(&mut self, input: Input, now: Timestamp) -> Effects {
        let now = self.local_time(now);
        let Some(program) = &mut self.program else { return Effects::default() };
        let (mut outputs, mut executed) = (Vec::new(), Vec::new());
        program.step(now, input, &mut outputs, &mut executed);
        self.enqueue(outputs, executed)
    }

    /// The disk is done: everything that waited may leave.
    pub fn synchronised(&mut self) -> Effects {
        self.synchronising = false;
        let waiting: Vec<Output> = self.outbox.drain(..).collect();
        let mut outputs = Vec::new();
        for output in waiting {
            match output {
                Output::Persist { section, record } => self.disk.append(section, record),
                other => outputs.push(other),
            }
        }
        self.disk.synchronise();
        Effects { outputs, executed: Vec::new(), synchronise: false }
    }

    /// Power off. Some of what was on its way to the disk may have arrived, in order.
    pub fn crash(&mut self, random: &mut Random) -> Stored {
        let arrived = random.between(0, u64::try_from(self.outbox.len()).unwrap_or(0));
        for output in self.outbox.drain(..).take(usize::try_from(arrived).unwrap_or(0)) {
            match output {
                Output::Persist { section, record } => self.disk.append(section, record),
                Output::Adopt { snapshot, encoded } => self.disk.keep(snapshot.publish().0, encoded),
                _ => {}
            }
        }
        self.outbox.clear();
        self.disk.synchronise();
        self.program = None;
        self.synchronising = false;
        self.tickets.clear();
        self.disk.crash()
    }

    /// The snapshot of a commit that the replica has saved.
    pub fn take_saved(&mut self, index: u64) -> Option<(SnapshotRef, Bytes)> {
        self.saved.extend(self.program.as_mut().map(Program::take_saved).unwrap_or_default());
        let (found, rest) =
            core::mem::take(&mut self.saved).into_iter().partition(|(it, _)| it.index == index);
        self.saved = rest;
        Vec::into_iter(found).next()
    }

    pub fn local_time(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis() + self.clock_ahead)
    }

    fn enqueue(&mut self, outputs: Vec<Output>, executed: Vec<Executed>) -> Effects {
        let mut effects = Effects { executed, ..Effects::default() };
        for output in outputs {
            let waits = !self.outbox.is_empty() || matches!(output, Output::Persist { .. });
            if waits {
                self.outbox.push_back(output);
            } else {
                effects.outputs.push(output);
            }
        }
        effects.synchronise = !self.outbox.is_empty() && !self.synchronising;
        self.synchronising |= effects.synchronise;
        effects
    }
}
