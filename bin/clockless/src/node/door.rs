//! What is turned away before it is batched: transactions that every validator would refuse once ordered. Votes for a
//! change of the committee pass like intents.
//!
//! Invariant: the door only spares work and tells clients sooner; it decides nothing. What a faulty validator
//! lets in is refused by the exchange for the same reasons.

use bytes::Bytes;
use crypto::{Claim, Digest, verify_batch};
use wire::{CommitteeVote, IntentId, Reject, SignedIntent, Transaction, limits::TRANSACTION_BYTES_MAX};

use crate::node::config::ExecutionMode;

/// Signatures verified before others get their turn.
pub const TURN: usize = 64;

/// What a node takes from clients.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// Any bytes: the node orders and does not execute.
    Bytes,
    /// Intents that are well formed, signed, and for this network.
    Intents { network: Digest },
}

impl Door {
    pub const fn of(mode: ExecutionMode, network: Digest) -> Self {
        match mode {
            ExecutionMode::None => Self::Bytes,
            ExecutionMode::Exchange => Self::Intents { network },
        }
    }

    /// Each transaction, or the reason why it is turned away.
    pub fn admit(self, transactions: Vec<Vec<u8>>) -> Vec<Result<Transaction, String>> {
        let sized = transactions.into_iter().map(|bytes| {
            let have = bytes.len();
            Transaction::new(bytes).ok_or_else(|| {
                format!("a transaction of {have} bytes, at most {TRANSACTION_BYTES_MAX} are taken")
            })
        });
        let sized: Vec<Result<Transaction, String>> = sized.collect();
        match self {
            Self::Bytes => sized,
            Self::Intents { network } => admit_intents(network, sized),
        }
    }
}

fn admit_intents(
    network: Digest,
    transactions: Vec<Result<Transaction, String>>,
) -> Vec<Result<Transaction, String>> {
    let is_vote = |it: &Transaction| {
        let vote = CommitteeVote::of_transaction(it);
        vote.is_some_and(|vote| vote.change.network == network && vote.verify())
    };
    let votes: Vec<bool> = transactions.iter().map(|it| it.as_ref().is_ok_and(is_vote)).collect();
    let read: Vec<Result<(IntentId, SignedIntent), String>> =
        transactions.iter().map(|it| read(network, it.as_ref().map_err(String::clone)?.bytes())).collect();
    let claims: Vec<Claim<'_>> = read.iter().flatten().map(|(id, signed)| signed.claim(id)).collect();
    let mut verdicts = verify_batch(&claims).into_iter();
    let judge = |read: &Result<_, String>| match read {
        Ok(_) if verdicts.next().unwrap_or(false) => Ok(()),
        Ok(_) => Err(Reject::BadSignature.to_string()),
        Err(reason) => Err(reason.clone()),
    };
    let judged: Vec<Result<(), String>> = read.iter().map(judge).collect();
    let judged = judged.into_iter().zip(votes).map(|(judged, is_vote)| if is_vote { Ok(()) } else { judged });
    transactions.into_iter().zip(judged).map(|(it, judged)| judged.and(it)).collect()
}

fn read(network: Digest, bytes: &Bytes) -> Result<(IntentId, SignedIntent), String> {
    let signed = SignedIntent::from_transaction(bytes.clone())
        .map_err(|error| format!("{}: {error}", Reject::Malformed))?;
    let have = signed.intent.network;
    if have != network {
        return Err(Reject::WrongNetwork { have, need: network }.to_string());
    }
    if signed.intent.actions.is_empty() {
        return Err(Reject::NoActions.to_string());
    }
    Ok((signed.intent.id(), signed))
}

#[cfg(test)]
mod tests {
    use client::Wallet;
    use crypto::SigningKey;
    use num::Cash;
    use wire::{Action, Atomicity};

    use super::*;

    fn network() -> Digest {
        Digest::of("clockless test network", b"door")
    }

    fn intent(network: Digest, actions: Vec<Action>) -> Vec<u8> {
        let mut wallet = Wallet::of_owner(network, SigningKey::from_bytes([1; 32]), 1);
        let (_, transaction) = wallet.sign(actions, Atomicity::Independent).unwrap();
        transaction.into_bytes().to_vec()
    }

    #[test]
    fn each_transaction_is_judged_on_its_own() {
        let faucet = vec![Action::Faucet { amount: Cash::from_micros(1) }];
        let good = intent(network(), faucet.clone());
        let mut forged = good.clone();
        *forged.last_mut().unwrap() ^= 1;
        let cases = [
            (good.clone(), None),
            (good[..good.len() - 1].to_vec(), Some("the bytes are no intent")),
            (vec![0; TRANSACTION_BYTES_MAX + 1], Some("16385 bytes, at most 16384")),
            (forged, Some("the signature is not the key's")),
            (intent(Digest::default(), faucet), Some("it is for network 0000")),
            (intent(network(), Vec::new()), Some("it has no actions")),
            (Vec::new(), Some("the bytes are no intent")),
            (good, None),
        ];
        let door = Door::Intents { network: network() };
        let judged = door.admit(cases.iter().map(|(bytes, _)| bytes.clone()).collect());
        assert_eq!(judged.len(), cases.len());
        for (have, (bytes, need)) in judged.into_iter().zip(cases) {
            match (have, need) {
                (Ok(have), None) => assert_eq!(have.bytes(), &bytes),
                (Err(reason), Some(need)) => assert!(reason.contains(need), "{reason} should say {need}"),
                (have, need) => panic!("{have:?} should be {need:?}"),
            }
        }
    }

    #[test]
    fn a_node_that_only_orders_takes_any_bytes_of_a_fit_size() {
        let judged = Door::Bytes.admit(vec![vec![7; 512], vec![7; TRANSACTION_BYTES_MAX + 1]]);
        assert!(judged[0].is_ok() && judged[1].is_err());
    }
}
