//! From a commit's transactions to intents that may act.
//!
//! Invariant: an admitted intent is signed by a key that may act for its account, is in time, and has used
//! its nonce; whatever becomes of its actions, it cannot be admitted again. All signatures of a commit are
//! verified as one batch.

use crypto::{Claim, Digest, verify_batch};
use wire::{CommittedPayload, Event, Intent, IntentId, Permission, Reject, SignedIntent};

use crate::{ledger::AccountIndex, nonce::NonceError, state::State};

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

/// A transaction that is an intent, its signature not yet checked.
struct Candidate {
    id: IntentId,
    signed: SignedIntent,
    /// The block it came in, by its place in the commit.
    block: usize,
}

impl State {
    /// Reads a commit's transactions in order and admits what may be admitted.
    pub(crate) fn admit(&mut self, payload: &CommittedPayload) -> Vec<Admitted> {
        let candidates = self.read_candidates(payload);
        let claims: Vec<Claim<'_>> = candidates.iter().map(|it| it.signed.claim(&it.id)).collect();
        let verdicts = verify_batch(&claims);
        let mut admitted = Vec::with_capacity(candidates.len());
        let mut noted = 0;
        for (candidate, signed_well) in candidates.into_iter().zip(verdicts) {
            // Blocks before the intent's own have been ordered when it is looked at.
            for block in payload.blocks.iter().take(candidate.block).skip(noted) {
                self.note_ordered(block.reference.digest);
            }
            noted = noted.max(candidate.block);
            let id = candidate.id;
            match self.admit_one(candidate, signed_well) {
                Ok(intent) => admitted.push(intent),
                Err(reject) => self.emit(Event::IntentRejected { intent: id, reject }),
            }
        }
        for block in payload.blocks.iter().skip(noted) {
            self.note_ordered(block.reference.digest);
        }
        admitted
    }

    fn read_candidates(&mut self, payload: &CommittedPayload) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (block, committed) in payload.blocks.iter().enumerate() {
            for transaction in &committed.transactions {
                match SignedIntent::from_transaction(transaction.bytes().clone()) {
                    Ok(signed) => candidates.push(Candidate { id: signed.intent.id(), signed, block }),
                    Err(_) => {
                        let intent =
                            IntentId(Digest::of("clockless malformed transaction 2026", transaction));
                        self.emit(Event::IntentRejected { intent, reject: Reject::Malformed });
                    }
                }
            }
        }
        candidates
    }

    fn admit_one(&mut self, candidate: Candidate, signed_well: bool) -> Result<Admitted, Reject> {
        let Candidate { id, signed: SignedIntent { intent, .. }, .. } = candidate;
        if intent.network != self.parameters.network {
            return Err(Reject::WrongNetwork { have: intent.network, need: self.parameters.network });
        }
        if intent.actions.is_empty() {
            return Err(Reject::NoActions);
        }
        if !signed_well {
            return Err(Reject::BadSignature);
        }
        let (account, authority) = self.authority(&intent)?;
        let have = intent.nonce;
        self.nonces.entry((account, intent.key)).or_default().check(have).map_err(|error| match error {
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
        self.nonces.entry((account, intent.key)).or_default().accept(have);
        Ok(Admitted { id, account, authority, intent })
    }

    /// The account and what the signing key may do for it. The owner's first intent opens the account.
    fn authority(&mut self, intent: &Intent) -> Result<(AccountIndex, Authority), Reject> {
        let have = intent.key;
        if have == intent.account.owner {
            let need = self.parameters.limits.accounts_max;
            let account =
                self.open_account(intent.account).ok_or(Reject::AccountLimit { have: need, need })?;
            return Ok((account, Authority::Owner));
        }
        let unknown = Reject::UnknownKey { have };
        let account = self.account_index.get(&intent.account).copied().ok_or(unknown.clone())?;
        let key = self.keys.get(&(account, have)).ok_or(unknown)?;
        if key.valid_until < self.time {
            return Err(Reject::KeyExpired { have: key.valid_until, need: self.time });
        }
        Ok((account, Authority::Session(key.permission)))
    }
}
