//! A committee makes its coin key, or hands it on, by ordered statements: a pure core.
//!
//! Every dealer has its dealing ordered; every receiver opens what it was dealt and acknowledges, or complains with a
//! proof. A dealing that n - f receivers acknowledged before anybody refuted it is complete; the first complete
//! ones, as many as are needed, make the key. Whoever was cheated by one of those is helped by f + 1 others.
//!
//! Invariant: which dealings make the key, and at which statement, follows from the order alone, so every
//! validator that reads the order has the same key and sees the ceremony end at the same place. Everything but the
//! secrets is rebuilt from the order after a restart.
//! Left out on purpose: how statements get ordered, and what an epoch is.

mod blame;
mod dealt;
mod plan;
mod say;

use std::collections::{BTreeMap, BTreeSet};

use crypto::{
    Dealing, Digest, OpeningKey, PublicKey, SigningKey, Terms, TermsError, ThresholdKey, ThresholdShare,
    combine,
};
use wire::{CeremonyMessage, SignedCeremonyMessage, Statement, Transaction};

pub use blame::Blame;
use dealt::{Dealt, Progress};
pub use plan::{Holders, Plan, Receiver};

/// What only this validator knows. The same secrets must be there after a restart.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub key: SigningKey,
    pub opening: OpeningKey,
    /// All randomness of the own dealing; never used for another ceremony.
    pub seed: [u8; 32],
    /// The own share of the key that is handed on.
    pub share: Option<ThresholdShare>,
}

/// What a ceremony wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To be ordered, once is enough.
    Order(Transaction),
    /// For everybody who takes part, outside of the order: the ceremony is over, and this validator lacks a share.
    /// Said again with every `remind` until it has it.
    Ask(SignedCeremonyMessage),
    /// For one of the receivers, outside of the order.
    Answer { receiver: PublicKey, message: SignedCeremonyMessage },
    /// A dealer lied.
    Blame(Blame),
    /// The key is made: the order that comes after this statement has no part in the ceremony.
    Key(ThresholdKey),
    /// The own share of the key. It may come long after the key when the own dealings were nonsense.
    Share(ThresholdShare),
}

/// One validator's view of a ceremony.
#[derive(Debug)]
pub struct Ceremony {
    id: Digest,
    plan: Plan,
    terms: Terms,
    secrets: Secrets,
    dealer: Option<u16>,
    receiver: Option<u16>,
    own: Option<Dealing>,
    dealt: BTreeMap<u16, Dealt>,
    /// Dealers whose dealings make the key, as they were completed.
    chosen: Vec<u16>,
    key: Option<ThresholdKey>,
    share: Option<ThresholdShare>,
    /// What was said in this life.
    said: BTreeSet<Digest>,
}

impl Ceremony {
    /// # Errors
    /// When the plan's receivers cannot be dealt to.
    pub fn new(plan: Plan, secrets: Secrets) -> Result<Self, TermsError> {
        let terms = plan.terms()?;
        let me = secrets.key.public_key();
        Ok(Self {
            id: plan.digest(),
            dealer: plan.dealer(&me),
            receiver: plan.receiver(&me),
            plan,
            terms,
            secrets,
            own: None,
            dealt: BTreeMap::new(),
            chosen: Vec::new(),
            key: None,
            share: None,
            said: BTreeSet::new(),
        })
    }

    /// The key, once it is made.
    pub const fn key(&self) -> Option<&ThresholdKey> {
        self.key.as_ref()
    }

    /// The own share of the key, once it is known.
    pub const fn share(&self) -> Option<&ThresholdShare> {
        self.share.as_ref()
    }

    /// Takes the next transaction of the order; those that say nothing here change nothing. Returns the statement when
    /// it counts for everybody: those alone, in their order, come to the same.
    pub fn ordered(
        &mut self,
        transaction: &Transaction,
        out: &mut Vec<Step>,
    ) -> Option<SignedCeremonyMessage> {
        let signed = SignedCeremonyMessage::of_transaction(transaction)?;
        self.said(&signed, out).then_some(signed)
    }

    /// The same for a statement that is known to be one; whether it counts for everybody.
    pub fn said(&mut self, signed: &SignedCeremonyMessage, out: &mut Vec<Step>) -> bool {
        let is_open = self.key.is_none() && signed.message.ceremony == self.id;
        if !is_open || !self.is_news(&signed.message) || !signed.verify() {
            return false;
        }
        self.take(signed.clone(), out);
        self.conclude(out);
        !matches!(signed.message.statement, Statement::Help { .. })
    }

    /// Takes what somebody said outside of the order. Nothing but the own share can come of it.
    pub fn heard(&mut self, signed: &SignedCeremonyMessage, out: &mut Vec<Step>) {
        let CeremonyMessage { ceremony, sender, statement } = &signed.message;
        let Some(receiver) = self.plan.receiver(sender) else { return };
        if *ceremony != self.id || self.key.is_none() || !signed.verify() {
            return;
        }
        match statement {
            Statement::Complaint { dealing, opening } => {
                let Some(dealer) = self.chosen_dealer(dealing) else { return };
                let Some(dealt) = self.dealt.get_mut(&dealer) else { return };
                if !dealt.is_complaint_known(receiver) {
                    dealt.complain((receiver, opening), signed, &self.terms, dealer);
                }
                self.answer(dealer, receiver, *sender, out);
            }
            Statement::Help { dealing, receiver: to, point } if self.receiver == Some(*to) => {
                let Some(dealer) = self.chosen_dealer(dealing) else { return };
                let dealt = self.dealt.get_mut(&dealer);
                dealt.into_iter().for_each(|dealt| dealt.take_help(*to, receiver, *point));
                self.conclude(out);
            }
            Statement::Part { .. } | Statement::Acknowledgement { .. } | Statement::Help { .. } => {}
        }
    }

    /// Whether a statement could change anything, by a look that costs nothing.
    fn is_news(&self, message: &CeremonyMessage) -> bool {
        let CeremonyMessage { sender, statement, .. } = message;
        let receiver = self.plan.receiver(sender);
        match statement {
            Statement::Part { dealing, part, parts, .. } => {
                let Some(dealer) = self.plan.dealer(sender) else { return false };
                let known = self.dealt.get(&dealer);
                *part < *parts
                    && *parts == dealt::parts_of(&self.terms)
                    && known.is_none_or(|dealt| dealt.digest == *dealing && dealt.lacks_part(*part))
            }
            Statement::Acknowledgement { dealings } => receiver.is_some_and(|receiver| {
                let open = |dealing| self.dealt_by_digest(dealing);
                dealings.iter().filter_map(open).any(|(_, dealt)| !dealt.is_acknowledged_by(receiver))
            }),
            Statement::Complaint { dealing, .. } => receiver.is_some_and(|receiver| {
                let dealt = self.dealt_by_digest(dealing).filter(|(_, dealt)| dealt.dealing.is_some());
                dealt.is_some_and(|(_, dealt)| !dealt.is_complaint_known(receiver))
            }),
            Statement::Help { receiver: to, .. } => receiver.is_some() && self.receiver == Some(*to),
        }
    }

    /// Takes a statement that is news and its sender's.
    fn take(&mut self, signed: SignedCeremonyMessage, out: &mut Vec<Step>) {
        let sender = signed.message.sender;
        let receiver = self.plan.receiver(&sender);
        match (&signed.message.statement, receiver) {
            (Statement::Part { dealing, part, .. }, _) => {
                let Some(dealer) = self.plan.dealer(&sender) else { return };
                let (dealing, part) = (*dealing, *part);
                let dealt = self.dealt.entry(dealer).or_insert_with(|| Dealt::new(dealing, &self.terms));
                dealt.add_part(part, signed, &self.terms, dealer);
                if let Some(me) = self.receiver {
                    dealt.open(&self.terms, dealer, me, &self.secrets.opening);
                }
                if dealt.progress == Progress::Out {
                    self.blame(dealer, out);
                }
            }
            (Statement::Acknowledgement { dealings }, Some(receiver)) => {
                for dealing in dealings {
                    self.acknowledge(dealing, receiver);
                }
            }
            (Statement::Complaint { dealing, opening }, Some(receiver)) => {
                let Some((dealer, _)) = self.dealt_by_digest(dealing) else { return };
                let Some(dealt) = self.dealt.get_mut(&dealer) else { return };
                if dealt.complain((receiver, opening), &signed, &self.terms, dealer) {
                    self.blame(dealer, out);
                }
            }
            (Statement::Help { dealing, receiver: to, point }, Some(helper)) => {
                let Some((dealer, _)) = self.dealt_by_digest(dealing) else { return };
                let dealt = self.dealt.get_mut(&dealer);
                dealt.into_iter().for_each(|dealt| dealt.take_help(*to, helper, *point));
            }
            (_, None) => {}
        }
    }

    fn acknowledge(&mut self, dealing: &Digest, receiver: u16) {
        let Some((dealer, _)) = self.dealt_by_digest(dealing) else { return };
        let Some(dealt) = self.dealt.get_mut(&dealer) else { return };
        let completes = dealt.acknowledge(receiver, &self.terms);
        if completes && self.chosen.len() < usize::from(self.terms.dealings_needed()) {
            self.chosen.push(dealer);
        }
    }

    /// Makes the key when its dealings are there, and the own share when its parts are.
    fn conclude(&mut self, out: &mut Vec<Step>) {
        if self.key.is_none() {
            let chosen: Option<Vec<(u16, &Dealing)>> = self
                .chosen
                .iter()
                .map(|dealer| Some((*dealer, self.dealt.get(dealer)?.dealing.as_ref()?)))
                .collect();
            self.key = chosen.and_then(|chosen| combine(&self.terms, &chosen));
            if let Some(key) = &self.key {
                // What was to be ordered and is not never will be: it has to be asked for.
                self.said.clear();
                out.push(Step::Key(key.clone()));
            }
        }
        if let (Some(_), None, Some(me)) = (&self.key, &self.share, self.receiver) {
            let share = |dealer: &u16| Some((*dealer, self.dealt.get(dealer)?.share(&self.terms)?));
            let shares: Option<Vec<_>> = self.chosen.iter().map(share).collect();
            self.share = shares.and_then(|shares| ThresholdShare::combine(&self.terms, me, &shares));
            out.extend(self.share.clone().map(Step::Share));
        }
    }

    fn blame(&self, dealer: u16, out: &mut Vec<Step>) {
        let evidence = self.dealt.get(&dealer).map(Dealt::evidence);
        out.extend(evidence.map(|evidence| Step::Blame(Blame { dealer, evidence })));
    }

    fn dealt_by_digest(&self, dealing: &Digest) -> Option<(u16, &Dealt)> {
        let mut dealt = self.dealt.iter().map(|(dealer, dealt)| (*dealer, dealt));
        dealt.find(|(_, dealt)| dealt.digest == *dealing)
    }

    fn chosen_dealer(&self, dealing: &Digest) -> Option<u16> {
        let (dealer, _) = self.dealt_by_digest(dealing)?;
        self.chosen.contains(&dealer).then_some(dealer)
    }
}
