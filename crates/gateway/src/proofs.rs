//! Proofs that callers check on their own: of a balance, and of what became of an intent.
//!
//! Invariant: whatever the node answers is passed on as it is. Believing it is the caller's matter, and needs nothing of
//! this gateway.

use client::{LeafProof, NodeError, ReceiptProof};
use commonware_codec::DecodeExt;
use serde_json::{Value, json};
use wire::{AccountId, Event, IntentId};

use crate::{
    Gateway,
    rpc::{self, Answer, Code, Params, RpcError},
};

impl Gateway {
    /// The balance of an account with all that a verifier needs.
    pub(crate) async fn prove_balance(&self, account: AccountId) -> Answer {
        let proof = self.nodes.ask(|mut node| async move { node.prove(account).await }).await;
        let state = proof.map_err(|error| refused(&error))?.state;
        with_state(json!({ "owner": account.owner.to_string(), "subaccount": account.subaccount }), &state)
    }

    /// What became of an intent of an account, with all that a verifier needs.
    pub(crate) async fn prove_receipt(&self, account: AccountId, params: &Params) -> Answer {
        let text = params.text("intent")?;
        let digest = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).map(crypto::Digest);
        let wrong = || RpcError::param("intent", format!("{text}: 64 hexadecimal digits are expected"));
        let intent = IntentId(digest.ok_or_else(wrong)?);
        let proof = self.nodes.ask(|mut node| async move { node.prove_receipt(intent).await }).await;
        let ReceiptProof { intent, commit, receipt, receipt_proof, state } =
            proof.map_err(|error| refused(&error))?;
        if !matches!(Event::decode(receipt.clone()), Ok(Event::Receipt { account: of, .. }) if of == account)
        {
            return Err(RpcError::new(Code::NotFound, format!("intent {intent} is of another account")));
        }
        let about = json!({
            "intent": intent.to_string(),
            "commit": commit,
            "receipt": hex::encode(receipt),
            "receipt_proof": hex::encode(receipt_proof),
        });
        with_state(about, &state)
    }
}

fn with_state(about: Value, state: &LeafProof) -> Answer {
    let mut all = about;
    all["leaf"] = hex::encode(&state.leaf).into();
    all["proof"] = hex::encode(&state.proof).into();
    all["certificate"] = hex::encode(&state.certificate).into();
    all["changes"] = state.changes.iter().map(hex::encode).collect();
    rpc::answer(&all)
}

fn refused(error: &NodeError) -> RpcError {
    let code = if error.is_not_found() { Code::NotFound } else { Code::TemporarilyUnavailable };
    RpcError::new(code, error.to_string())
}
