//! What is wrong with an intent as a whole, with its key, or with its group.

use bytes::Bytes;
use crypto::Digest;
use num::Timestamp;
use wire::{
    Action, Atomicity, BlockRef, Event, Intent, List, OrderId, OrderTarget, Outcome, Permission, Reject,
};

use super::{Row, last, told};
use crate::support::*;

fn refused(events: &[Event]) -> Option<Reject> {
    events.iter().find_map(|event| match event {
        Event::IntentRejected { reject, .. } => Some(reject.clone()),
        _ => None,
    })
}

/// An intent of user 2 that differs a little, signed anew.
fn resigned(change: fn(&mut Intent)) -> Option<Reject> {
    let mut bench = Bench::funded();
    let mut intent = bench.intent(2, vec![faucet(1)]).intent;
    change(&mut intent);
    refused(&bench.commit(vec![intent.sign(&key(2))]))
}

/// User 1 lets key 50 do so much until then, and it asks for something.
fn session(permission: Permission, (until_ms, action): (u64, Action)) -> Option<Reject> {
    let mut bench = Bench::funded();
    let valid_until = Timestamp::from_millis(until_ms);
    let registered = Action::RegisterKey { key: key(50).public_key(), permission, valid_until };
    assert_eq!(bench.reject_of(1, registered), None);
    let mut intent = bench.intent(1, vec![action]).intent;
    intent.key = key(50).public_key();
    let events = bench.commit(vec![intent.sign(&key(50))]);
    refused(&events).or_else(|| match outcomes(&events).pop() {
        Some(Outcome::Rejected { reject }) => Some(reject),
        _ => None,
    })
}

fn register(seed: u8) -> Action {
    let (key, permission) = (key(seed).public_key(), Permission::Read);
    Action::RegisterKey { key, permission, valid_until: Timestamp::MAX }
}

pub const ROWS: &[Row] = &[
    ("Malformed", || refused(&Bench::new().commit_raw(vec![Bytes::from_static(b"no intent")]))),
    ("WrongNetwork", || resigned(|it| it.network = Digest::ZERO)),
    ("NoActions", || resigned(|it| it.actions = List::default())),
    ("BadSignature", || {
        let mut bench = Bench::funded();
        let mut signed = bench.intent(2, vec![faucet(1)]);
        signed.intent.nonce += 1;
        refused(&bench.commit(vec![signed]))
    }),
    ("UnknownKey", || resigned(|it| it.account = account(1))),
    ("KeyExpired", || session(Permission::Trade, (START_MS, faucet(1)))),
    ("NonceTooOld", || {
        let mut bench = Bench::funded();
        let mut high = bench.intent(2, vec![faucet(1)]).intent;
        high.nonce = 5_000;
        bench.commit(vec![high.sign(&key(2))]);
        let low = bench.intent(2, vec![faucet(1)]);
        refused(&bench.commit(vec![low]))
    }),
    ("NonceUsed", || {
        let mut bench = Bench::funded();
        let signed = bench.intent(2, vec![faucet(1)]);
        refused(&bench.commit(vec![signed.clone(), signed]))
    }),
    ("NonceTooLarge", || resigned(|it| it.nonce = u64::MAX)),
    ("Expired", || resigned(|it| it.valid_until = Timestamp::from_millis(START_MS))),
    ("NotAfter", || resigned(|it| it.after = Some(BlockRef::genesis(wire::Author(3))))),
    ("AccountLimit", || {
        let mut bench = Bench::with(|genesis| genesis.limits.accounts_max = 1);
        bench.act(1, vec![faucet(1)]);
        let second = bench.intent(2, vec![faucet(1)]);
        refused(&bench.commit(vec![second]))
    }),
    ("KeyMayNotTrade", || session(Permission::Read, (u64::MAX, buy(PERPETUAL, 1, AT)))),
    ("OwnerOnly", || session(Permission::Trade, (u64::MAX, register(51)))),
];

/// Keys, and orders that are there already.
pub const KEYS: &[Row] = &[
    ("KeyIsOwner", || told(register(1))),
    ("KeyLimit", || last(&mut Bench::funded(), 1, (50..55).map(register).collect())),
    ("KeyUnknown", || told(Action::RevokeKey { key: key(50).public_key() })),
];

pub const OPEN_ORDERS: &[Row] = &[
    ("UnknownOrder", || told(Action::Cancel { target: OrderTarget::Id { order: OrderId(9) } })),
    ("NotOwner", || {
        let mut bench = Bench::funded();
        bench.act(2, vec![buy(PERPETUAL, 1, AT)]);
        bench.reject_of(1, Action::Cancel { target: OrderTarget::Id { order: OrderId(1) } })
    }),
];

pub const GROUPS: &[Row] = &[("GroupFailed", || {
    let mut bench = Bench::funded();
    let group = bench.intent_of(1, vec![faucet(0), faucet(1)], Atomicity::AllOrNothing);
    match outcomes(&bench.commit(vec![group])).pop() {
        Some(Outcome::Rejected { reject }) => Some(reject),
        _ => None,
    }
})];
