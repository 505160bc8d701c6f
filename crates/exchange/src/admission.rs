//! From a commit's transactions to intents that may act.
//!
//! Invariant: an admitted intent is signed by a key that may act for its account, is in time, and has used
//! its nonce; whatever becomes of its actions, it cannot be admitted again. An intent that is refused leaves
//! no trace: no account, no used nonce.

use wire::{CommittedPayload, Event, Intent, IntentId, Permission, Reject, SignedIntent};

use crate::{
    ledger::AccountIndex,
    nonce::{NonceError, NonceWindow},
    reading::{Candidate, Reading},
    state::State,
};

/// What a key may do beyond its account's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    Owner,
    Session(Permission),
}

/// An intent that may act.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub id: IntentId,
    pub account: AccountIndex,
    pub authority: Authority,
    pub intent: Intent,
}

impl State {
    /// Admits of a commit's transactions, in order, what may be admitted.
    pub(crate) fn admit(&mut self, payload: &CommittedPayload, reading: Reading) -> Vec<Admitted> {
        let Reading { candidates, malformed } = reading;
        for intent in malformed {
            self.emit(Event::IntentRejected { intent, reject: Reject::Malformed });
        }
        let mut admitted = Vec::with_capacity(candidates.len());
        let mut noted = 0;
        for candidate in candidates {
            // Blocks before the intent's own have been ordered when it is looked at.
            for block in payload.blocks.iter().take(candidate.block).skip(noted) {
                self.note_ordered(block.reference.digest);
            }
            noted = noted.max(candidate.block);
            let id = candidate.id;
            match self.admit_one(candidate) {
                Ok(intent) => admitted.push(intent),
                Err(reject) => self.emit(Event::IntentRejected { intent: id, reject }),
            }
        }
        for block in payload.blocks.iter().skip(noted) {
            self.note_ordered(block.reference.digest);
        }
        admitted
    }

    fn admit_one(&mut self, candidate: Candidate) -> Result<Admitted, Reject> {
        let Candidate { id, signed: SignedIntent { intent, .. }, is_signed_well, .. } = candidate;
        if intent.network != self.parameters.network {
            return Err(Reject::WrongNetwork { have: intent.network, need: self.parameters.network });
        }
        if intent.actions.is_empty() {
            return Err(Reject::NoActions);
        }
        if !is_signed_well {
            return Err(Reject::BadSignature);
        }
        let (account, authority) = self.authority(&intent)?;
        let have = intent.nonce;
        let window = account.and_then(|account| self.nonces.get(&(account, intent.key)));
        window.unwrap_or(&NonceWindow::default()).check(have).map_err(|error| match error {
            NonceError::TooOld { need } => Reject::NonceTooOld { have, need },
            NonceError::Used => Reject::NonceUsed { have },
            NonceError::TooLarge => Reject::NonceTooLarge { have },
        })?;
        if intent.valid_until < self.time {
            return Err(Reject::Expired { have: intent.valid_until, need: self.time });
        }
        if intent.after.is_some_and(|block| !self.ordered_blocks.contains(&block.digest)) {
            return Err(Reject::NotAfter);
        }
        let need = self.parameters.limits.accounts_max;
        let account = self.open_account(intent.account).ok_or(Reject::AccountLimit { have: need, need })?;
        self.nonces.entry((account, intent.key)).or_default().accept(have);
        Ok(Admitted { id, account, authority, intent })
    }

    /// The account, `None` while it is not open, and what the signing key may do for it. Only its owner can
    /// open an account.
    fn authority(&self, intent: &Intent) -> Result<(Option<AccountIndex>, Authority), Reject> {
        let have = intent.key;
        let account = self.account_index.get(&intent.account).copied();
        if have == intent.account.owner {
            return Ok((account, Authority::Owner));
        }
        let key = account.and_then(|account| self.keys.get(&(account, have)));
        let key = key.ok_or(Reject::UnknownKey { have })?;
        if key.valid_until < self.time {
            return Err(Reject::KeyExpired { have: key.valid_until, need: self.time });
        }
        Ok((account, Authority::Session(key.permission)))
    }
}
