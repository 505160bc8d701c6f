//! One validator's agreement through the epochs: the committee changes, and the order goes on.
//!
//! Members vote for a change by ordered transactions. When a quorum has, a ceremony beside the trading hands the key
//! on. The commit in which it is made is the last of the epoch. The next committee's DAG begins at round 0, and its
//! first commit follows that one. What the old DAG would have ordered later is void; the
//! next epoch inherits the own batches in it (ADR 0025).
//!
//! Invariant: change, key and last commit follow from the order alone, so all validators change at one commit. There is
//! one chain of commits. A validator is in one epoch, and answers questions about the one before; of an earlier one it
//! says how the committee changed.
//! Left out on purpose: links and logs. An epoch has a log of its own, which its outputs name.

mod era;
mod lineage;
mod order;
mod returning;

use std::collections::BTreeMap;

use bytes::Bytes;
use crypto::{OpeningKey, PublicKey, SigningKey, ThresholdCoin, ThresholdKey, ThresholdShare};
use num::Timestamp;
use ordering::{Parameters, ParametersError};
use wire::{
    AgreedChange, Author, ChangeError, Checkpoint, Committee, CommitteeVote, Letter, Lineage, Message,
    Snapshot, SnapshotRef, WorkerMessage,
};

use crate::{
    agreement::{Agreement, Config, Input, Output, Pacing, Record, Status},
    ceremony::{Blame, Secrets, Step},
};

use era::Handover;
pub use era::{Era, Seats};
use returning::Returning;

/// Tickets of what this validator itself has ordered. Clients' are below.
const OWN_TICKETS: u64 = 1 << 63;

/// What stays the same in all epochs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub network: crypto::Digest,
    /// The first committee: what all others are checked from.
    pub genesis: Committee,
    pub parameters: Parameters,
    pub pacing: Pacing,
    pub key: SigningKey,
    pub opening: OpeningKey,
    /// All randomness of this validator's dealings; secret, and the same after every restart.
    pub seed: [u8; 32],
    /// Own shares by epoch that earlier lives have kept; that of the first epoch among them.
    pub shares: BTreeMap<u64, ThresholdShare>,
}

/// Why an epoch cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    #[error("the share is not of the coin's key")]
    Share,
    #[error("a change of the committee does not hold: {0}")]
    Change(#[from] ChangeError),
    #[error("the snapshot does not say how the coin's key was handed on")]
    Lineage,
}

/// What is done, in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Of the agreement of that epoch, for its committee and its log. Checkpoints are not among them.
    Agreement {
        epoch: u64,
        output: Output,
    },
    /// To be saved with the execution as it is after the commits so far.
    Checkpoint {
        checkpoint: Checkpoint,
        lineage: Box<Lineage>,
    },
    /// To one validator, or to all that there are links with.
    Letter {
        to: Option<PublicKey>,
        letter: Letter,
    },
    Blame(Blame),
    /// There is a committee of a later epoch to be linked with.
    Linked(Seats),
    /// An epoch has begun after that commit. The share of it, if this is a member, comes now or later.
    Began {
        seats: Seats,
        after: u64,
    },
    /// The execution goes on from this snapshot of a later epoch, which is to be durable before any later effect.
    Adopted {
        seats: Seats,
        snapshot: Box<Snapshot>,
        encoded: Bytes,
    },
    /// To be kept before any later effect.
    Share {
        epoch: u64,
        share: ThresholdShare,
    },
    /// This validator is no member from that epoch on. There is nothing more to do for it but to answer who has not
    /// come so far.
    Left {
        epoch: u64,
    },
}

/// A validator of the present epoch, or one that is on its way there.
#[derive(Debug)]
pub struct Succession {
    settings: Settings,
    era: Era,
    /// What led to the present committee.
    changes: Vec<AgreedChange>,
    share: Option<ThresholdShare>,
    /// `None` while this validator is no member, or has no share yet.
    agreement: Option<Agreement>,
    /// Of the epoch before: it answers who has not come so far.
    ended: Option<(Committee, Agreement)>,
    votes: BTreeMap<Author, CommitteeVote>,
    handover: Option<Handover>,
    /// How the present key was made from the one before, for those who still lack a share.
    last: Option<(ThresholdKey, Handover)>,
    /// The last commit, as what comes next goes on from it.
    head: Option<Checkpoint>,
    /// What is gone on from when there is a share.
    standing: Option<(Snapshot, SnapshotRef, Bytes)>,
    returning: Returning,
    /// Own transactions of an epoch before, until there is an agreement of this one.
    unordered: Vec<worker::Unordered>,
    tickets: u64,
    remind_at: Timestamp,
    /// How the epoch ended in the log.
    due: Vec<Step>,
}

impl Succession {
    /// A validator in the first epoch, at the beginning of its log. Without the key it is a newcomer, who comes to the
    /// present epoch by a snapshot.
    ///
    /// # Errors
    /// When there can be no agreement, or the share is another's.
    pub fn new(settings: Settings, key: Option<ThresholdKey>) -> Result<Self, SuccessionError> {
        let share = settings.shares.get(&settings.genesis.epoch()).cloned();
        let mut new = Self::empty(settings);
        (new.era.key, new.share) = (key, share);
        new.agreement = new.open_agreement()?;
        Ok(new)
    }

    /// Goes on after a snapshot. The records of the log of its epoch come after it.
    ///
    /// # Errors
    /// When the snapshot's committees do not follow from the genesis, or there can be no agreement.
    pub fn resume(
        settings: Settings,
        snapshot: &Snapshot,
        published: (SnapshotRef, Bytes),
    ) -> Result<Self, SuccessionError> {
        let mut new = Self::empty(settings);
        new.take_lineage(&snapshot.lineage)?;
        if new.era.epoch() != snapshot.checkpoint.epoch {
            return Err(SuccessionError::Lineage);
        }
        new.note_head(&snapshot.checkpoint);
        new.agreement = new.open_agreement()?;
        match &mut new.agreement {
            Some(agreement) => agreement.resume(snapshot, published),
            None => new.standing = Some((snapshot.clone(), published.0, published.1)),
        }
        Ok(new)
    }

    fn empty(settings: Settings) -> Self {
        Self {
            era: Era { committee: settings.genesis.clone(), key: None },
            settings,
            changes: Vec::new(),
            share: None,
            agreement: None,
            ended: None,
            votes: BTreeMap::new(),
            handover: None,
            last: None,
            head: None,
            standing: None,
            returning: Returning::default(),
            unordered: Vec::new(),
            tickets: OWN_TICKETS,
            remind_at: Timestamp::ZERO,
            due: Vec::new(),
        }
    }

    pub const fn era(&self) -> &Era {
        &self.era
    }

    /// The present committee, and what led to it.
    pub fn seats(&self) -> Seats {
        Seats { committee: self.era.committee.clone(), changes: self.changes.clone() }
    }

    /// Whether this validator takes part in the present epoch.
    pub const fn is_active(&self) -> bool {
        self.agreement.is_some()
    }

    /// Figures of the present agreement.
    pub fn status(&self) -> Option<Status> {
        self.agreement.as_ref().map(Agreement::status)
    }

    /// Takes a record from a section of the log of the present epoch.
    pub fn restore(&mut self, section: u64, record: Record, out: &mut Vec<Effect>) {
        let Some(agreement) = &mut self.agreement else { return };
        // Of the rest of an epoch that is over only own batches matter: the next epoch inherits them.
        if !self.due.is_empty() && !matches!(record, Record::Batch { .. }) {
            return;
        }
        let mut outputs = Vec::new();
        agreement.take_record(section, record, &mut outputs);
        self.replay(outputs, out);
        while self.due.is_empty()
            && let Some(agreement) = &mut self.agreement
        {
            let mut outputs = Vec::new();
            let has_more = agreement.restore_next(&mut outputs);
            self.replay(outputs, out);
            if !has_more {
                return;
            }
        }
    }

    /// Passes on what follows from the log, and notes when that ends the epoch.
    fn replay(&mut self, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        for output in outputs {
            let mut steps = Vec::new();
            if let Output::Commit(payload) = &output {
                self.read(payload, &mut steps);
            }
            out.push(Effect::Agreement { epoch: self.era.epoch(), output });
            if steps.iter().any(|step| matches!(step, Step::Key(_))) {
                self.due = steps;
                return;
            }
        }
    }

    /// After the log of the present epoch was restored: whether it comes to the epoch's end. Then this goes on to the
    /// next epoch, whose log is to be restored too.
    ///
    /// # Errors
    /// When there can be no agreement in it.
    pub fn turn(&mut self, out: &mut Vec<Effect>) -> Result<bool, SuccessionError> {
        if self.due.is_empty() {
            return Ok(false);
        }
        for step in core::mem::take(&mut self.due) {
            match step {
                Step::Key(key) => self.end_epoch(key, out),
                Step::Share(share) => self.share = Some(share),
                _ => {}
            }
        }
        // Links with a committee of the past are not brought up again: whoever is still there comes by a snapshot.
        self.ended = None;
        if self.share.is_none() {
            self.share = self.settings.shares.get(&self.era.epoch()).cloned();
        }
        self.agreement = self.open_agreement()?;
        if let Some((agreement, head)) = self.agreement.as_mut().zip(self.head.as_ref()) {
            agreement.begin_after(head);
            agreement.inherit(core::mem::take(&mut self.unordered));
        }
        Ok(true)
    }

    /// Begins after the log was restored.
    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let is_member = self.era.author(&self.settings.key.public_key()).is_some();
        if self.era.key.is_some() && !is_member {
            out.push(Effect::Left { epoch: self.era.epoch() });
        }
        let mut outputs = Vec::new();
        if let Some(agreement) = &mut self.agreement {
            agreement.begin(now, &mut outputs);
        }
        self.perform(now, outputs, out);
        self.speak(now, out);
        self.settle(now, out);
        self.conclude(now, out);
    }

    /// Takes an input of the present epoch and does what is due.
    pub fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        self.take(now, input, out);
        self.settle(now, out);
        self.conclude(now, out);
    }

    /// Takes an input of the present epoch. What it makes due waits for `settle`.
    pub fn take(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        let Some(agreement) = &mut self.agreement else {
            if let Input::Submit { ticket, .. } = input {
                let busy = worker::Busy { have: 0, need: 0 };
                let output = Output::Refused { ticket, busy };
                out.push(Effect::Agreement { epoch: self.era.epoch(), output });
            }
            return;
        };
        if let (Input::Met { .. }, Some(handover)) = (&input, &mut self.handover) {
            // What a worker that was away has not sealed was never said.
            handover.ceremony.forget_said();
        }
        let mut outputs = Vec::new();
        agreement.take(now, input, &mut outputs);
        self.perform(now, outputs, out);
    }

    /// Does what is due, but for what the ordering decides.
    pub fn settle(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        if let Some(agreement) = &mut self.agreement {
            agreement.settle(now, &mut outputs);
        }
        self.perform(now, outputs, out);
        self.remind(now, out);
        self.chase(now, out);
    }

    /// Takes what the ordering decides, after `settle`.
    pub fn conclude(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        // Commit by commit: with any of them the epoch can end.
        while let Some(agreement) = &mut self.agreement {
            let mut outputs = Vec::new();
            let has_more = agreement.conclude_next(now, &mut outputs);
            self.perform(now, outputs, out);
            if !has_more {
                return;
            }
        }
    }

    /// A link to a validator came up.
    pub fn connected(&mut self, now: Timestamp, key: &PublicKey, out: &mut Vec<Effect>) {
        if let Some(peer) = self.era.author(key) {
            self.take(now, Input::Connected { peer }, out);
        }
    }

    /// Takes what came over a link.
    pub fn take_letter(&mut self, now: Timestamp, from: &PublicKey, letter: Letter, out: &mut Vec<Effect>) {
        match letter {
            Letter::Agreement { epoch, message } => self.take_message(now, from, (epoch, message), out),
            Letter::Ceremony { message } => {
                let mut steps = Vec::new();
                self.last.iter_mut().for_each(|(_, last)| last.ceremony.heard(&message, &mut steps));
                self.obey(now, steps, out);
            }
            Letter::FetchChanges { after } => self.answer_changes(from, after, out),
            Letter::Changes { changes } => self.take_changes(&changes, out),
        }
    }

    fn take_message(
        &mut self,
        now: Timestamp,
        from: &PublicKey,
        (epoch, message): (u64, Message),
        out: &mut Vec<Effect>,
    ) {
        if epoch == self.era.epoch() {
            if let Some(from) = self.era.author(from) {
                self.take(now, Input::Message { from, message }, out);
            }
        } else if epoch > self.era.epoch() {
            self.take_foreign(now, from, (epoch, message), out);
        } else if is_question(&message) {
            match &mut self.ended {
                Some((committee, ended)) if committee.epoch() == epoch => {
                    let Some(from) = committee.author_of(from) else { return };
                    let mut outputs = Vec::new();
                    ended.take(now, Input::Message { from, message }, &mut outputs);
                    out.extend(outputs.into_iter().map(|output| Effect::Agreement { epoch, output }));
                }
                _ => self.answer_changes(from, epoch, out),
            }
        }
    }

    fn open_agreement(&self) -> Result<Option<Agreement>, SuccessionError> {
        let author = self.era.author(&self.settings.key.public_key());
        let known = author.zip(self.era.key.clone()).zip(self.share.clone());
        let Some(((author, key), share)) = known else { return Ok(None) };
        let coin = ThresholdCoin::new(key, share, self.era.epoch()).ok_or(SuccessionError::Share)?;
        let Settings { parameters, pacing, key, .. } = self.settings.clone();
        let config = Config { committee: self.era.committee.clone(), author, parameters, pacing };
        Ok(Some(Agreement::new(config, key, Box::new(coin))?))
    }

    fn secrets(&self) -> Secrets {
        let Settings { key, opening, seed, .. } = &self.settings;
        let (key, opening, seed) = (key.clone(), opening.clone(), *seed);
        Secrets { key, opening, seed, share: self.share.clone() }
    }
}

/// What those ask who have not come to the end of an epoch.
const fn is_question(message: &Message) -> bool {
    matches!(
        message,
        Message::FetchBlocks { .. }
            | Message::Worker { message: WorkerMessage::Fetch { .. }, .. }
            | Message::FetchRounds { .. }
            | Message::FetchLatest
            | Message::FetchSnapshots
            | Message::FetchSnapshot { .. }
    )
}
