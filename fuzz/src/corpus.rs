//! Real encodings to begin with: what four validators say, write and decide, and files as people write them.
//!
//! Invariant: the same seeds every time.

use std::collections::VecDeque;

use commonware_codec::Encode;
use crypto::{CoinValue, Digest, SealingKey, Signature, SigningKey};
use num::{Cash, Timestamp};
use replica::agreement::{Agreement, Input, Output};
use wire::{
    AccountId, Action, AgreedChange, Atomicity, Author, Certificate, ChangeSignature, CommitteeChange,
    Endpoint, Event, Intent, List, Message, RootSignature, SignedIntent, Successor, Transaction,
    WorkerMessage, WorkerOrder, WorkerWord,
};

use crate::{agreement::validator, json_rpc};

/// Seeds with the name of their target.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = network();
    seeds.extend(values());
    seeds.extend(changes());
    seeds.extend(files());
    seeds.extend(json_rpc::seeds().into_iter().map(|bytes| ("json_rpc", bytes)));
    seeds
}

fn intent() -> SignedIntent {
    let key = SigningKey::from_bytes([5; 32]);
    let intent = Intent {
        network: Digest::ZERO,
        account: AccountId { owner: key.public_key(), subaccount: 0 },
        key: key.public_key(),
        nonce: 1,
        valid_until: Timestamp::MAX,
        after: None,
        atomicity: Atomicity::Independent,
        actions: List::new(vec![
            Action::Faucet { amount: Cash::from_micros(5) },
            Action::CancelAll { instrument: None },
        ])
        .unwrap_or_default(),
    };
    intent.sign(&key)
}

fn values() -> Vec<(&'static str, Vec<u8>)> {
    let signature = RootSignature { author: Author(1), signature: Signature([7; 64]) };
    let certificate = Certificate {
        epoch: 1,
        commit: 9,
        root: Digest::ZERO,
        signatures: List::new(vec![signature]).unwrap_or_default(),
    };
    let deposited = Event::Deposited { account: AccountId::default(), amount: Cash::from_micros(5) };
    let (mut map, mut leaves) = (tree::Map::new(), tree::Changes::new());
    (0..20_u8).for_each(|leaf| leaves.add(tree::Path::of(&[leaf]), Some(b"value")));
    map.update(leaves);
    let mut seeds = vec![
        ("signed_intent", intent().encode().to_vec()),
        ("certificate", certificate.encode().to_vec()),
        ("event", deposited.encode().to_vec()),
    ];
    for leaf in [3, 200] {
        seeds.push(("proof", map.prove(tree::Path::of(&[leaf])).encode().to_vec()));
    }
    seeds.push(("threshold", CoinValue([4; 48]).encode().to_vec()));
    seeds
}

/// A change of the committee as it is voted for, agreed to, and told to a worker.
fn changes() -> Vec<(&'static str, Vec<u8>)> {
    let keys: Vec<SigningKey> = (1..5).map(|seed| SigningKey::from_bytes([seed; 32])).collect();
    let endpoint = Endpoint { ip: [7; 16], port: 7_000 };
    let member = |key: &SigningKey| Successor {
        key: key.public_key(),
        sealing: SealingKey([7; 48]),
        stake: 1,
        endpoint: Some(endpoint),
        workers: List::new(vec![endpoint; 2]).unwrap_or_default(),
    };
    let members = List::new(keys.iter().map(member).collect()).unwrap_or_default();
    let change = CommitteeChange { network: Digest::ZERO, epoch: 2, members };
    let vote = change.clone().vote(&keys[0]);
    let signature = ChangeSignature { author: Author(0), signature: vote.signature };
    let signatures = List::new(vec![signature]).unwrap_or_default();
    let agreed = AgreedChange { change, signatures };
    let told = WorkerOrder::Changes { changes: List::new(vec![agreed.clone()]).unwrap_or_default() };
    vec![
        ("change", agreed.encode().to_vec()),
        ("change", vote.encode().to_vec()),
        ("message", told.encode().to_vec()),
        ("message", WorkerWord::Seated { epoch: 2 }.encode().to_vec()),
    ]
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let genesis = toml::to_string(&exchange::Genesis::with_usual_parameters()).unwrap_or_default();
    let stream = exchange::stream::Stream::generate(1, 20).to_bytes();
    let margin = r#"{"portfolios":[{"name":"a","positions":[]}]}"#;
    vec![
        ("genesis", genesis.into_bytes()),
        ("command_stream", stream),
        ("margin_file", margin.as_bytes().to_vec()),
    ]
}

/// Four validators for a second.
fn network() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut validators: Vec<Agreement> = (0..4).map(validator).collect();
    let mut flight: VecDeque<(u16, u16, Message)> = VecDeque::new();
    for now in (0..1_000_u64).step_by(5).map(|step| Timestamp::from_millis(1_000 + step)) {
        for (author, validator) in (0..).zip(&mut validators) {
            let mut out = Vec::new();
            if now.millis() == 1_000 {
                validator.start(now, &mut out);
                let transaction =
                    Transaction::new(intent().encode()).expect("invariant: a short intent fits");
                validator.step(now, Input::Submit { client: 1, ticket: 1, transaction }, &mut out);
            }
            validator.step(now, Input::Tick, &mut out);
            perform(author, out, &mut flight, &mut seeds);
        }
        while let Some((from, to, message)) = flight.pop_front() {
            let mut out = Vec::new();
            let input = Input::Message { from: Author(from), message };
            validators[usize::from(to)].step(now, input, &mut out);
            perform(to, out, &mut flight, &mut seeds);
        }
    }
    seeds
}

fn perform(
    author: u16,
    outputs: Vec<Output>,
    flight: &mut VecDeque<(u16, u16, Message)>,
    seeds: &mut Vec<(&'static str, Vec<u8>)>,
) {
    for output in outputs {
        match output {
            Output::Broadcast { message } => {
                keep(&message, seeds);
                let others = (0..4).filter(|to| *to != author);
                flight.extend(others.map(|to| (author, to, message.clone())));
            }
            Output::Send { to, message } => {
                keep(&message, seeds);
                flight.push_back((author, to.0, message));
            }
            Output::Persist { record, .. } => seeds.push(("record", record.encode().to_vec())),
            Output::Commit(payload) => seeds.push(("committed_payload", payload.encode().to_vec())),
            _ => {}
        }
    }
}

fn keep(message: &Message, seeds: &mut Vec<(&'static str, Vec<u8>)>) {
    let encoded = message.encode().to_vec();
    let part = [&[0][..], &encoded].concat();
    if let Ok(length) = u16::try_from(part.len()) {
        seeds.push(("agreement", [&length.to_be_bytes()[..], &part].concat()));
    }
    seeds.push(("message", encoded));
    match message {
        Message::Block { block } => seeds.push(("signed_block", block.to_vec())),
        Message::Worker { message: WorkerMessage::Batch { batch }, .. } => {
            seeds.push(("batch", batch.to_vec()));
        }
        _ => {}
    }
}
