//! Who may act: the key that signs, its number, and the time it is good for.

use std::collections::BTreeMap;

use crypto::PublicKey;
use wire::{AccountId, Action, Event, Intent, MarginModel, Permission, Reject, SignedIntent};

use super::{Holder, Reference};

/// Numbers below the highest that are still good.
const WINDOW: u64 = 1_024;

/// An intent that may act; of a session key with its permission.
pub(super) struct Admitted {
    pub intent: Intent,
    session: Option<Permission>,
}

impl Admitted {
    pub(super) const fn check_authority(&self, action: &Action) -> Result<(), Reject> {
        let is_owners = matches!(
            action,
            Action::RegisterKey { .. }
                | Action::RevokeKey { .. }
                | Action::Transfer { .. }
                | Action::Withdraw { .. }
                | Action::CancelWithdrawal { .. }
                | Action::Propose { .. }
                | Action::Vote { .. }
                | Action::Pause { .. }
                | Action::EnterVault { .. }
                | Action::LeaveVault { .. }
        );
        match self.session {
            Some(Permission::Read) => Err(Reject::KeyMayNotTrade),
            Some(Permission::Trade) if is_owners => Err(Reject::OwnerOnly),
            _ => Ok(()),
        }
    }
}

impl Reference {
    /// Those of well-formed and well-signed intents that may act.
    pub(super) fn admit(&mut self, intents: &[SignedIntent]) -> Vec<Admitted> {
        let mut admitted = Vec::new();
        for SignedIntent { intent, .. } in intents {
            match self.admit_one(intent) {
                Ok(session) => admitted.push(Admitted { intent: intent.clone(), session }),
                Err(reject) => self.tell(Event::IntentRejected { intent: intent.id(), reject }),
            }
        }
        admitted
    }

    fn admit_one(&mut self, it: &Intent) -> Result<Option<Permission>, Reject> {
        if it.actions.is_empty() {
            return Err(Reject::NoActions);
        }
        let mut session = None;
        if it.key != it.account.owner {
            let known = self.keys.get(&(it.account, it.key));
            let (permission, valid_until) = *known.ok_or(Reject::UnknownKey { have: it.key })?;
            if valid_until < self.now {
                return Err(Reject::KeyExpired { have: valid_until, need: self.now });
            }
            session = Some(permission);
        }
        self.check_nonce((it.account, it.key), it.nonce)?;
        if it.valid_until < self.now {
            return Err(Reject::Expired { have: it.valid_until, need: self.now });
        }
        self.open(it.account);
        self.nonces.entry((it.account, it.key)).or_default().insert(it.nonce);
        Ok(session)
    }

    pub(super) fn check_nonce(&self, of: (AccountId, PublicKey), have: u64) -> Result<(), Reject> {
        let Some(used) = self.nonces.get(&of) else { return Ok(()) };
        let need = used.last().map_or(0, |highest| (highest + 1).saturating_sub(WINDOW));
        if have < need {
            return Err(Reject::NonceTooOld { have, need });
        }
        if used.contains(&have) { Err(Reject::NonceUsed { have }) } else { Ok(()) }
    }

    pub(super) fn open(&mut self, account: AccountId) {
        let opened = self.holders.len();
        self.holders.entry(account).or_insert_with(|| Holder {
            opened,
            balance: 0,
            holdings: BTreeMap::new(),
            labels: BTreeMap::new(),
            ended_labels: Vec::new(),
            quotes: BTreeMap::new(),
            groups: BTreeMap::new(),
            switch: None,
            model: MarginModel::Portfolio,
            pool: 0,
            distress: None,
        });
    }
}
