//! Epoch 0: the committee orders a ceremony with a public coin, until it has a coin of its own.
//!
//! Invariant: the epoch ends for everybody at the same statement of the same commit. After it this validator makes no
//! more blocks of epoch 0, and answers those who have not come so far.
//! Left out on purpose: users. No transaction of theirs is taken, and those that a faulty validator orders are
//! no statements, so nobody looks at them.

use crypto::{OpeningKey, PublicCoin, SealingKey, SigningKey, TermsError, ThresholdKey, ThresholdShare};
use num::{Duration, Timestamp};
use ordering::{Parameters, ParametersError};
use wire::{
    Author, BlockRef, CommittedPayload, Committee, List, Message, SignedCeremonyMessage, WorkerMessage,
};

use crate::{
    agreement::{Agreement, Config, Input, Output, Pacing, Record, Status},
    ceremony::{Blame, Ceremony, Plan, Receiver, Secrets, Step},
};

/// What a founding is started with.
#[derive(Clone, Debug)]
pub struct Founders {
    pub network: crypto::Digest,
    /// Of epoch 0.
    pub committee: Committee,
    /// Of the members, in their order.
    pub sealing: Vec<SealingKey>,
    pub author: Author,
    pub pacing: Pacing,
}

/// Why there can be no founding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoundingError {
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

/// What is known of this validator's earlier lives in epoch 0, apart from its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It has none: its seed was made just now, and nothing is said before there is a seed.
    None,
    /// The log may have been lost. The others are asked before anything is said.
    Unknown,
}

/// What a founding does, in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Of the agreement of epoch 0. No commits, checkpoints or tickets are among them.
    Agreement(Output),
    /// To be told to every other validator.
    Ask(SignedCeremonyMessage),
    Answer {
        to: Author,
        message: SignedCeremonyMessage,
    },
    Blame(Blame),
    /// Epoch 0 is over.
    Key(ThresholdKey),
    Share(ThresholdShare),
}

/// A validator in epoch 0.
#[derive(Debug)]
pub struct Founding {
    agreement: Agreement,
    ceremony: Ceremony,
    committee: Committee,
    author: Author,
    retry: Duration,
    remind_at: Timestamp,
    tickets: u64,
}

/// The rule of epoch 0. It has no checkpoints: it is short, and its whole log is kept.
const fn parameters() -> Parameters {
    Parameters { wave_length: 5, leaders_per_round: 1, gc_depth: 200, checkpoint_rounds: u64::MAX / 4 }
}

impl Founding {
    /// `seed` is all randomness of the own dealing: the same after every restart, and never used for another network.
    ///
    /// # Errors
    /// When there can be no agreement or no dealing among such founders.
    pub fn new(
        founders: Founders,
        key: SigningKey,
        opening: OpeningKey,
        seed: [u8; 32],
    ) -> Result<Self, FoundingError> {
        let Founders { network, committee, sealing, author, pacing } = founders;
        let keys = committee.authors().filter_map(|author| committee.key(author));
        let receivers = keys.zip(sealing).map(|(key, sealing)| Receiver { key, sealing }).collect();
        let plan = Plan { network, epoch: 1, receivers, previous: None };
        let coin = PublicCoin::new(plan.digest(), u32::try_from(committee.validity()).unwrap_or(u32::MAX));
        let secrets = Secrets { key: key.clone(), opening, seed, share: None };
        let retry = Duration::from_millis(pacing.retry_ms.max(1));
        let config = Config { committee: committee.clone(), author, parameters: parameters(), pacing };
        Ok(Self {
            agreement: Agreement::new(config, key, Box::new(coin))?,
            ceremony: Ceremony::new(plan, secrets)?,
            committee,
            author,
            retry,
            remind_at: Timestamp::ZERO,
            tickets: 0,
        })
    }

    /// The key, once epoch 0 is over.
    pub const fn key(&self) -> Option<&ThresholdKey> {
        self.ceremony.key()
    }

    /// Figures of the agreement of epoch 0.
    pub fn status(&self) -> Status {
        self.agreement.status()
    }

    /// The own share, once it is known.
    pub const fn share(&self) -> Option<&ThresholdShare> {
        self.ceremony.share()
    }

    /// Takes a record from a section of the log of epoch 0.
    pub fn restore(&mut self, section: u64, record: Record) {
        let (mut outputs, mut steps) = (Vec::new(), Vec::new());
        self.agreement.restore(section, record, &mut outputs);
        for output in outputs {
            if let Output::Commit(payload) = output {
                self.read(&payload, &mut steps);
            }
        }
    }

    /// Begins after the log was restored.
    pub fn start(&mut self, now: Timestamp, past: Past, out: &mut Vec<Effect>) {
        out.extend(self.key().cloned().map(Effect::Key));
        out.extend(self.share().cloned().map(Effect::Share));
        let mut outputs = Vec::new();
        if past == Past::None {
            let (batches, sequences) = (List::default(), List::default());
            let record = Record::Own { latest: BlockRef::genesis(self.author), batches, sequences };
            self.agreement.restore(0, record.clone(), &mut outputs);
            outputs.push(Output::Persist { section: 0, record });
        }
        if self.key().is_none() {
            self.agreement.start(now, &mut outputs);
        }
        self.perform(now, outputs, out);
        self.speak(now, out);
        self.wake(now, out);
    }

    /// Takes one input of the agreement of epoch 0.
    pub fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        let mut outputs = Vec::new();
        match self.key() {
            None => self.agreement.step(now, input, &mut outputs),
            Some(_) if is_question(&input) => self.agreement.take(now, input, &mut outputs),
            Some(_) => {}
        }
        self.perform(now, outputs, out);
        self.wake(now, out);
    }

    /// Takes what a validator says of the ceremony outside of the order.
    pub fn hear(&mut self, now: Timestamp, message: &SignedCeremonyMessage, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        self.ceremony.heard(message, &mut steps);
        self.follow(now, steps, out);
    }

    /// Passes the agreement's outputs on until the epoch is over. What it would do beyond that is void.
    fn perform(&mut self, now: Timestamp, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        let ended = self.key().is_some();
        for output in outputs {
            match output {
                _ if self.key().is_some() && !ended => return,
                Output::Commit(payload) => {
                    let mut steps = Vec::new();
                    self.read(&payload, &mut steps);
                    self.follow(now, steps, out);
                    self.speak(now, out);
                }
                Output::Accepted { .. }
                | Output::Final { .. }
                | Output::Checkpoint(_)
                | Output::Order { .. } => {}
                // It is said again after the next commit.
                Output::Refused { .. } => self.ceremony.forget_said(),
                output => out.push(Effect::Agreement(output)),
            }
        }
    }

    fn read(&mut self, payload: &CommittedPayload, steps: &mut Vec<Step>) {
        let transactions = payload.blocks.iter().flat_map(|block| block.transactions.iter());
        transactions.for_each(|transaction| drop(self.ceremony.ordered(transaction, steps)));
    }

    fn speak(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        self.ceremony.speak(&mut steps);
        self.follow(now, steps, out);
    }

    fn follow(&mut self, now: Timestamp, steps: Vec<Step>, out: &mut Vec<Effect>) {
        for step in steps {
            match step {
                Step::Order(transaction) => {
                    self.tickets += 1;
                    let mut outputs = Vec::new();
                    let input = Input::Submit { client: 0, ticket: self.tickets, transaction };
                    self.agreement.step(now, input, &mut outputs);
                    self.perform(now, outputs, out);
                }
                Step::Ask(message) => out.push(Effect::Ask(message)),
                Step::Answer { receiver, message } => {
                    let to = self.committee.author_of(&receiver);
                    out.extend(to.map(|to| Effect::Answer { to, message }));
                }
                Step::Blame(blame) => out.push(Effect::Blame(blame)),
                Step::Key(key) => out.push(Effect::Key(key)),
                Step::Share(share) => out.push(Effect::Share(share)),
            }
        }
    }

    /// Asks again for a share that is missing, and says when to look next.
    fn wake(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if self.key().is_none() || self.share().is_some() {
            return;
        }
        if now >= self.remind_at {
            self.remind_at = now.saturating_add(self.retry);
            let mut steps = Vec::new();
            self.ceremony.remind(&mut steps);
            self.follow(now, steps, out);
        }
        out.push(Effect::Agreement(Output::WakeAt(self.remind_at)));
    }
}

/// What those ask who have not come to the end.
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
