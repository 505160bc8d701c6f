//! One validator's agreement through the epochs: the committee changes, and the order goes on.
//!
//! An ordered change, signed by whoever governs the network, begins a ceremony beside the trading. The commit in which
//! the ceremony's key is made is the last of the epoch. The next committee's DAG begins at round 0, and its first
//! commit follows that one. What the old DAG would have ordered later is void; whoever submitted it submits it again.
//!
//! Invariant: change, key and last commit follow from the order alone, so all validators change at one commit. There is
//! one chain of commits. A validator is in one epoch, and answers questions about the one before.
//! Left out on purpose: links and logs. An epoch has a log of its own, which its outputs name.

mod era;

use std::collections::BTreeMap;

use crypto::{OpeningKey, PublicKey, SigningKey, TermsError, ThresholdCoin, ThresholdShare};
use num::{Duration, Timestamp};
use ordering::{Parameters, ParametersError};
use wire::{
    BlockRef, Checkpoint, CommittedPayload, List, Message, Round, SignedCeremonyMessage,
    SignedCommitteeChange, Transaction, WorkerMessage,
};

use crate::{
    agreement::{Agreement, Config, Input, Output, Pacing, Record},
    ceremony::{Blame, Ceremony, Secrets, Step},
};

pub use era::Era;
use era::Next;

/// Tickets of what this validator itself has ordered. Clients' are below.
const OWN_TICKETS: u64 = 1 << 63;

/// What stays the same in all epochs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub network: crypto::Digest,
    /// Whose changes of the committee count.
    pub governance: PublicKey,
    pub parameters: Parameters,
    pub pacing: Pacing,
    pub key: SigningKey,
    pub opening: OpeningKey,
    /// All randomness of this validator's dealings; secret, and the same after every restart.
    pub seed: [u8; 32],
}

/// Why an epoch cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error("the share is not of the coin's key")]
    Share,
}

/// What is done, in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Of the agreement of that epoch, for its committee and its log.
    Agreement {
        epoch: u64,
        output: Output,
    },
    /// To be ordered by the present committee, of which this validator is no member.
    Submit(Transaction),
    /// To be told to every validator of the present committee.
    Ask(SignedCeremonyMessage),
    Answer {
        to: PublicKey,
        message: SignedCeremonyMessage,
    },
    Blame(Blame),
    /// An epoch has begun after that commit. The share of it, if this is a member, comes now or later.
    Began {
        era: Era,
        after: u64,
    },
    Share {
        epoch: u64,
        share: ThresholdShare,
    },
}

/// How the key goes to the next committee.
#[derive(Debug)]
struct Handover {
    ceremony: Ceremony,
    next: Next,
}

/// A validator of the present epoch, or of the next.
#[derive(Debug)]
pub struct Succession {
    settings: Settings,
    era: Era,
    share: Option<ThresholdShare>,
    /// `None` while this validator is no member, or has no share yet.
    agreement: Option<Agreement>,
    /// Of the epoch before: it answers who has not come so far.
    ended: Option<Agreement>,
    handover: Option<Handover>,
    /// The ceremony of the present epoch's key, for those who still lack a share.
    last: Option<Ceremony>,
    /// The last commit, as what comes next goes on from it.
    head: Option<Checkpoint>,
    /// Transactions that are not final, by ticket and with their client, to be carried into the next epoch.
    open: BTreeMap<u64, (u64, Transaction)>,
    tickets: u64,
    remind_at: Timestamp,
    /// How the epoch ended in the log, to be obeyed at the start.
    due: Vec<Step>,
}

impl Succession {
    /// A validator in its first epoch, or in the one where its log begins. Without a share it only follows.
    ///
    /// # Errors
    /// When there can be no agreement, or the share is another's.
    pub fn new(settings: Settings, era: Era, share: Option<ThresholdShare>) -> Result<Self, SuccessionError> {
        let mut new = Self {
            settings,
            era,
            share,
            agreement: None,
            ended: None,
            handover: None,
            last: None,
            head: None,
            open: BTreeMap::new(),
            tickets: OWN_TICKETS,
            remind_at: Timestamp::ZERO,
            due: Vec::new(),
        };
        new.agreement = new.open_agreement()?;
        Ok(new)
    }

    pub const fn era(&self) -> &Era {
        &self.era
    }

    /// Whether this validator takes part in the present epoch.
    pub const fn is_active(&self) -> bool {
        self.agreement.is_some()
    }

    /// Takes a record from a section of the log of the present epoch.
    pub fn restore(&mut self, section: u64, record: Record, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        if let Some(agreement) = self.agreement.as_mut().filter(|_| self.due.is_empty()) {
            agreement.restore(section, record, &mut outputs);
        }
        for output in outputs {
            let mut steps = Vec::new();
            if let Output::Commit(payload) = &output {
                self.read(payload, &mut steps);
            }
            out.push(Effect::Agreement { epoch: self.era.epoch(), output });
            // The rest of the log is of an epoch that is over.
            if steps.iter().any(|step| matches!(step, Step::Key(_))) {
                self.due = steps;
                return;
            }
        }
    }

    /// Begins after the log was restored.
    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        match (&mut self.agreement, self.due.is_empty()) {
            (Some(agreement), true) => agreement.start(now, &mut outputs),
            _ => {
                let due = core::mem::take(&mut self.due);
                self.obey(now, due, out);
            }
        }
        self.perform(now, outputs, out);
        self.speak(now, out);
    }

    /// Takes an input of the agreement of `epoch`. Those of other epochs than the present and the one before change
    /// nothing: whoever is behind asks when it has come so far.
    pub fn step(&mut self, now: Timestamp, (epoch, input): (u64, Input), out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        if epoch == self.era.epoch() {
            if let Input::Submit { client, ticket, transaction } = &input {
                self.open.insert(*ticket, (*client, transaction.clone()));
            }
            if let Some(agreement) = &mut self.agreement {
                agreement.step(now, input, &mut outputs);
            }
            self.perform(now, outputs, out);
            self.remind(now, out);
        } else if epoch + 1 == self.era.epoch() && is_question(&input) {
            if let Some(ended) = &mut self.ended {
                ended.take(now, input, &mut outputs);
            }
            out.extend(outputs.into_iter().map(|output| Effect::Agreement { epoch, output }));
        }
    }

    /// Takes the next commit of the present epoch, by one who is no member and reads what members publish.
    pub fn follow(&mut self, now: Timestamp, payload: &CommittedPayload, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        self.read(payload, &mut steps);
        self.obey(now, steps, out);
        self.speak(now, out);
    }

    /// Takes what a validator says of the ceremony outside of the order.
    pub fn hear(&mut self, now: Timestamp, message: &SignedCeremonyMessage, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        self.last.iter_mut().for_each(|ceremony| ceremony.heard(message, &mut steps));
        self.obey(now, steps, out);
    }

    fn open_agreement(&self) -> Result<Option<Agreement>, SuccessionError> {
        let author = self.era.author(&self.settings.key.public_key());
        let (Some(author), Some(share)) = (author, self.share.clone()) else { return Ok(None) };
        let coin = ThresholdCoin::new(self.era.key.clone(), share, self.era.epoch());
        let coin = coin.ok_or(SuccessionError::Share)?;
        let Settings { parameters, pacing, key, .. } = self.settings.clone();
        let config = Config { committee: self.era.committee.clone(), author, parameters, pacing };
        Ok(Some(Agreement::new(config, key, Box::new(coin))?))
    }

    /// Passes the present agreement's outputs on, up to the last commit of its epoch and what became final with it.
    fn perform(&mut self, now: Timestamp, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        let epoch = self.era.epoch();
        let mut ending = None;
        for output in outputs {
            // What was had ordered meanwhile can have ended the epoch.
            if self.era.epoch() != epoch {
                return;
            }
            if let Output::Commit(payload) = &output
                && ending.is_none()
            {
                let mut steps = Vec::new();
                self.read(payload, &mut steps);
                out.push(Effect::Agreement { epoch, output });
                if steps.iter().any(|step| matches!(step, Step::Key(_))) {
                    ending = Some(steps);
                } else {
                    self.obey(now, steps, out);
                    self.speak(now, out);
                }
                continue;
            }
            let last = self.head.as_ref().map_or(0, |head| head.index);
            let is_void = match &output {
                Output::Final { commit, .. } => *commit > last,
                _ => ending.is_some(),
            };
            if !is_void && self.is_news(&output) {
                out.push(Effect::Agreement { epoch, output });
            }
        }
        if let Some(steps) = ending {
            self.obey(now, steps, out);
            self.speak(now, out);
        }
    }

    /// Whether an output concerns others, and not only what this validator itself has ordered.
    fn is_news(&mut self, output: &Output) -> bool {
        match output {
            Output::Final { ticket, .. } | Output::Refused { ticket, .. } => {
                self.open.remove(ticket);
                *ticket < OWN_TICKETS
            }
            Output::Accepted { ticket } => *ticket < OWN_TICKETS,
            // The statements of a ceremony in progress are in the log: it is cut when the ceremony is over.
            Output::Cut { .. } => self.handover.is_none(),
            _ => true,
        }
    }

    /// Reads a commit for changes and statements.
    fn read(&mut self, payload: &CommittedPayload, steps: &mut Vec<Step>) {
        let commit = &payload.commit;
        self.head = Some(Checkpoint {
            epoch: self.era.epoch() + 1,
            index: commit.index,
            digest: commit.digest(),
            leader: commit.leader,
            time: commit.time,
            floor: Round(0),
            next_round: Round(1),
            next_rank: 0,
            ordered: List::default(),
        });
        for transaction in payload.blocks.iter().flat_map(|block| block.transactions.iter()) {
            match &mut self.handover {
                Some(handover) => handover.ceremony.ordered(transaction, steps),
                None => self.handover = self.change(transaction),
            }
        }
    }

    /// The ceremony that a transaction begins, if it is a change that counts.
    fn change(&self, transaction: &Transaction) -> Option<Handover> {
        let signed = SignedCommitteeChange::of_transaction(transaction)?;
        let Settings { network, governance, key, opening, seed, .. } = &self.settings;
        let next = self.era.plan(*network, governance, &signed)?;
        let (key, opening, seed) = (key.clone(), opening.clone(), *seed);
        let secrets = Secrets { key, opening, seed, share: self.share.clone() };
        let ceremony = Ceremony::new(next.plan.clone(), secrets).ok()?;
        Some(Handover { ceremony, next })
    }

    fn speak(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        if let Some(handover) = &mut self.handover {
            handover.ceremony.speak(&mut steps);
        }
        self.obey(now, steps, out);
    }

    fn obey(&mut self, now: Timestamp, steps: Vec<Step>, out: &mut Vec<Effect>) {
        for step in steps {
            match step {
                Step::Order(transaction) => self.order(now, transaction, out),
                Step::Ask(message) => out.push(Effect::Ask(message)),
                Step::Answer { receiver, message } => out.push(Effect::Answer { to: receiver, message }),
                Step::Blame(blame) => out.push(Effect::Blame(blame)),
                Step::Key(key) => self.end_epoch(key, out),
                Step::Share(share) => self.begin_epoch(now, share, out),
            }
        }
        // A validator that is no member of the next committee has no share to wait for.
        if self.agreement.is_none() && self.share.is_none() {
            self.remind(now, out);
        }
    }

    fn order(&mut self, now: Timestamp, transaction: Transaction, out: &mut Vec<Effect>) {
        let Some(agreement) = &mut self.agreement else {
            out.push(Effect::Submit(transaction));
            return;
        };
        self.tickets += 1;
        let mut outputs = Vec::new();
        agreement.step(now, Input::Submit { client: 0, ticket: self.tickets, transaction }, &mut outputs);
        self.perform(now, outputs, out);
    }

    fn end_epoch(&mut self, key: crypto::ThresholdKey, out: &mut Vec<Effect>) {
        let Some(Handover { ceremony, next }) = self.handover.take() else { return };
        self.era = next.with(key);
        self.last = Some(ceremony);
        self.share = None;
        self.ended = self.agreement.take();
        let after = self.head.as_ref().map_or(0, |head| head.index);
        out.push(Effect::Began { era: self.era.clone(), after });
    }

    /// Takes the share of the present epoch and takes part in it.
    fn begin_epoch(&mut self, now: Timestamp, share: ThresholdShare, out: &mut Vec<Effect>) {
        let epoch = self.era.epoch();
        self.share = Some(share.clone());
        out.push(Effect::Share { epoch, share });
        let agreement =
            self.open_agreement().expect("invariant: a change's committee suits, and the share is the key's");
        let (Some(mut agreement), Some(head)) = (agreement, &self.head) else { return };
        agreement.begin_after(head);
        let author = self.era.author(&self.settings.key.public_key()).unwrap_or_default();
        let (batches, sequences) = (List::default(), List::default());
        let record = Record::Own { latest: BlockRef::genesis(author), batches, sequences };
        out.push(Effect::Agreement { epoch, output: Output::Persist { section: 0, record } });
        let mut outputs = Vec::new();
        agreement.start(now, &mut outputs);
        for (ticket, (client, transaction)) in self.open.clone() {
            agreement.step(now, Input::Submit { client, ticket, transaction }, &mut outputs);
        }
        self.agreement = Some(agreement);
        self.perform(now, outputs, out);
    }

    /// Asks again for a share that is missing.
    fn remind(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(ceremony) = self.last.as_mut().filter(|_| self.share.is_none()) else { return };
        if now < self.remind_at {
            return;
        }
        self.remind_at = now.saturating_add(Duration::from_millis(self.settings.pacing.retry_ms.max(1)));
        let mut steps = Vec::new();
        ceremony.remind(&mut steps);
        self.obey(now, steps, out);
    }
}

/// What those ask who have not come to the end of an epoch.
fn is_question(input: &Input) -> bool {
    let Input::Message { message, .. } = input else { return false };
    matches!(
        message,
        Message::FetchBlocks { .. }
            | Message::Worker { message: WorkerMessage::Fetch { .. }, .. }
            | Message::FetchRounds { .. }
            | Message::FetchLatest
    )
}
