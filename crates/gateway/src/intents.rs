//! What goes to the network: intents and offers, signed with the session keys of callers.
//!
//! Invariant: of one key's numbers none is used twice; an answer is given when an intent was ordered and executed, or is
//! that its outcome is not known.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use client::{NodeClient, Wallet};
use commonware_codec::Encode;
use num::Timestamp;
use tokio::sync::oneshot;
use wire::{
    AccountId, Action, Atomicity, BlockLeg, BlockOffer, BlockTerms, IntentId, SignedIntent, Transaction,
};

use crate::{
    Gateway,
    auth::Identity,
    lock,
    outcome::Outcome,
    rpc::{Code, RpcError, now_us},
};

/// How long a caller waits for the order of his intent.
const FINALITY_MAX: Duration = Duration::from_secs(15);

/// An intent on its way. It counts as such whether or not its caller still waits, and no longer than `FINALITY_MAX`.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub since: Instant,
    pub intent: SignedIntent,
    pub sender: oneshot::Sender<Result<Outcome, RpcError>>,
}

impl Gateway {
    /// Signs actions, submits them, and waits until they are ordered and executed; an error when one is refused.
    pub(crate) async fn execute(
        &self,
        identity: &Identity,
        actions: Vec<Action>,
    ) -> Result<Outcome, RpcError> {
        self.execute_each(identity, actions).await.and_then(Outcome::whole)
    }

    /// The same where each action stands for itself.
    pub(crate) async fn execute_each(
        &self,
        identity: &Identity,
        actions: Vec<Action>,
    ) -> Result<Outcome, RpcError> {
        self.execute_until(identity, actions, Timestamp::MAX).await
    }

    /// The same for what may only be ordered until a time.
    pub(crate) async fn execute_until(
        &self,
        identity: &Identity,
        actions: Vec<Action>,
        until: Timestamp,
    ) -> Result<Outcome, RpcError> {
        self.sign_and_submit(identity, (actions, Atomicity::Independent), until).await
    }

    /// All of the actions or none of them; an error when they are refused.
    pub(crate) async fn execute_together(
        &self,
        identity: &Identity,
        actions: Vec<Action>,
        until: Timestamp,
    ) -> Result<Outcome, RpcError> {
        let done = self.sign_and_submit(identity, (actions, Atomicity::AllOrNothing), until).await;
        done.and_then(Outcome::whole)
    }

    async fn sign_and_submit(
        &self,
        identity: &Identity,
        (actions, atomicity): (Vec<Action>, Atomicity),
        until: Timestamp,
    ) -> Result<Outcome, RpcError> {
        let signed = self.with_wallet(identity, |wallet| wallet.intent(actions, atomicity, until));
        self.submit(signed).await
    }

    /// Makes an offer of a caller's key worthless.
    pub(crate) async fn revoke(&self, identity: &Identity, offer: &BlockTerms) -> Result<(), RpcError> {
        let signed = self.with_wallet(identity, |wallet| wallet.revoke(offer));
        self.submit(signed).await.map(|_| ())
    }

    /// What a caller's session key offers, to one account or to whoever has it.
    pub(crate) fn offer(
        &self,
        maker: &Identity,
        taker: Option<AccountId>,
        (until, legs): (Timestamp, Vec<BlockLeg>),
    ) -> Result<BlockOffer, RpcError> {
        let most = wire::limits::BLOCK_LEGS_MAX;
        let too_many = || RpcError::new(Code::InvalidArguments, format!("more than {most} legs"));
        self.with_wallet(maker, |wallet| wallet.offer(taker, until, legs)).ok_or_else(too_many)
    }

    fn with_wallet<T>(&self, identity: &Identity, sign: impl FnOnce(&mut Wallet) -> T) -> T {
        let mut wallets = lock(&self.wallets);
        let wallet = wallets.entry(identity.client_id.clone()).or_insert_with(|| {
            Wallet::new(self.network_digest, identity.account, identity.key.clone(), now_us())
        });
        sign(wallet)
    }

    async fn submit(&self, signed: Option<SignedIntent>) -> Result<Outcome, RpcError> {
        let too_many = || RpcError::new(Code::InvalidArguments, "more actions than fit in one request");
        let intent = signed.ok_or_else(too_many)?;
        let transaction = Transaction::new(intent.encode()).ok_or_else(too_many)?;
        let id: IntentId = intent.intent.id();
        let (sender, outcome) = oneshot::channel();
        lock(&self.waiting).insert(id, Waiting { since: Instant::now(), intent, sender });
        tracing::debug!(intent = %id, "submitted");
        let unknown =
            || RpcError::new(Code::TimedOut, "accepted and not ordered yet: the outcome is not known");
        let outcome = async { outcome.await.unwrap_or_else(|_| Err(unknown())) };
        tokio::pin!(outcome);
        // A node that took an intent along and then fell silent has said nothing: another may have had it ordered.
        tokio::select! {
            refused = self.refusal(&transaction) => match refused {
                None => {
                    self.tell_accepted(id);
                    outcome.await
                }
                Some(reason) => {
                    tracing::debug!(intent = %id, %reason, "not taken");
                    lock(&self.waiting).remove(&id);
                    Err(RpcError::new(Code::TemporarilyUnavailable, reason))
                }
            },
            done = &mut outcome => done,
        }
    }

    /// Why no node takes a transaction; `None` when one did.
    async fn refusal(&self, transaction: &Transaction) -> Option<String> {
        let submit = |mut node: NodeClient| async move { node.submit(vec![transaction.clone()]).await };
        match self.nodes.ask(submit).await {
            Ok(refusals) => refusals.into_iter().find(|reason| !reason.is_empty()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Hands what is not ordered yet to the node of the moment: the one that had it is gone, and may never say it. What
    /// is ordered twice is executed once.
    pub(crate) async fn submit_again(&self) {
        for intent in self.waiting_where(|_| true) {
            let Some(transaction) = Transaction::new(intent.encode()) else { continue };
            if let Some(reason) = self.refusal(&transaction).await {
                tracing::warn!(%reason, "an intent that is not ordered yet was not taken again");
            }
        }
    }

    /// Forgets the intents whose time is over; those who wait for one are told that its outcome is not known. A caller
    /// who hung up cannot do it for his own.
    pub(crate) fn forget_late_intents(&self) {
        forget_late(&mut lock(&self.waiting), Instant::now());
    }

    /// An account's intents that this gateway has sent and that are not ordered yet, the earliest first.
    pub(crate) fn pending(&self, account: &AccountId) -> Vec<SignedIntent> {
        self.waiting_where(|it| it.intent.account == *account)
    }

    /// Intents on their way, the earliest first.
    fn waiting_where(&self, is_meant: impl Fn(&SignedIntent) -> bool) -> Vec<SignedIntent> {
        let waiting = lock(&self.waiting);
        let mut meant: Vec<&Waiting> = waiting.values().filter(|it| is_meant(&it.intent)).collect();
        meant.sort_by_key(|it| it.since);
        meant.into_iter().map(|it| it.intent.clone()).collect()
    }
}

fn forget_late(waiting: &mut BTreeMap<IntentId, Waiting>, now: Instant) {
    waiting.retain(|_, it| now.duration_since(it.since) < FINALITY_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_whose_caller_hung_up_is_forgotten_in_its_time_and_who_waits_is_told() {
        let mut wallet = Wallet::of_owner(crypto::Digest::ZERO, crypto::SigningKey::from_bytes([1; 32]), 1);
        let since = Instant::now();
        let mut waiting = BTreeMap::new();
        let mut wait = |since| {
            let cancel = vec![Action::CancelAll { instrument: None }];
            let intent = wallet.intent(cancel, Atomicity::Independent, Timestamp::MAX).unwrap();
            let (sender, outcome) = oneshot::channel();
            waiting.insert(intent.intent.id(), Waiting { since, intent, sender });
            outcome
        };
        drop(wait(since));
        let (mut early, mut late) = (wait(since), wait(since + Duration::from_millis(1)));
        forget_late(&mut waiting, since + FINALITY_MAX);
        assert_eq!(waiting.len(), 1, "the last has a millisecond left");
        let ended = |outcome: &mut oneshot::Receiver<Result<Outcome, RpcError>>| outcome.try_recv().err();
        assert_eq!(ended(&mut early), Some(oneshot::error::TryRecvError::Closed));
        assert_eq!(ended(&mut late), Some(oneshot::error::TryRecvError::Empty));
    }
}
