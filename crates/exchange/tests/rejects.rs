//! Which rule an order breaks first, rule by rule, and rejects that no other file asks for.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::genesis::Faucet;
use num::{Lots, Side, Ticks, Timestamp};
use support::*;
use wire::{
    AccountId, Action, Atomicity, Conditions, Event, Intent, List, NewOrder, OrderKind, Outcome, Permission,
    PostOnly, ReduceOnly, Reject, SignedIntent, TimeInForce, UnderlyingId,
};

/// What is mended of an order, and the rule that it breaks before.
type Mend = (&'static str, fn(&mut NewOrder, &mut Conditions));

const fn at(price: i64) -> OrderKind {
    OrderKind::Limit { price: Ticks::new(price) }
}

/// In the order in which rules are looked at: the order breaks all that are left, and is told the first.
const LADDER: &[Mend] = &[
    ("UnknownInstrument", |order, _| order.instrument = PERPETUAL),
    ("UnknownProtection", |_, conditions| conditions.protection = None),
    ("TimeNotAhead", |order, _| order.time_in_force = TimeInForce::GoodTilCancelled),
    ("DisplayOutOfRange", |_, conditions| conditions.display = None),
    ("LotsZero", |order, _| order.lots = Lots::new(2_000_000)),
    ("LotsTooLarge", |order, _| order.lots = Lots::new(5_000)),
    ("PriceNotPositive", |order, _| order.kind = at(1_000_000)),
    ("PriceOutsideBand", |order, _| order.kind = at(AT + 10)),
    ("LabelInUse", |order, _| order.label = label("new")),
    ("OpenOrderLimit", |order, _| order.time_in_force = TimeInForce::FillOrKill),
    ("BookFull", |order, _| (order.instrument, order.kind) = (CALL, at(1_000))),
    ("ReduceOnlyWouldOpen", |order, _| order.reduce_only = ReduceOnly::Off),
    ("PositionTooLarge", |order, _| order.lots = Lots::new(900)),
    ("PostOnlyWouldTrade", |order, _| order.post_only = PostOnly::Off),
    ("NotFillable", |order, _| order.time_in_force = TimeInForce::ImmediateOrCancel),
    ("MarginTooLow", |order, _| order.lots = Lots::new(1)),
];

#[test]
fn an_order_that_breaks_every_rule_is_told_them_in_order() {
    let mut bench = Bench::with(|genesis| {
        genesis.limits.open_orders_max = 2;
        genesis.limits.book_orders_max = 2;
        genesis.limits.position_lots_max = 1_000;
    });
    bench.act(1, vec![faucet(500)]);
    bench.act(3, vec![faucet(1_000_000), sell(PERPETUAL, 5, AT + 2), sell(CALL, 5, 1_000)]);
    bench.act(4, vec![faucet(1_000_000), sell(PERPETUAL, 5, AT + 4)]);
    let named = NewOrder { label: label("a"), ..limit(FUTURE, Side::Buy, 1, AT - 9_000) };
    let open = bench.act(1, vec![Action::Place { order: named }, buy(FUTURE, 1, AT - 9_001)]);
    assert!(open.iter().all(|it| matches!(it, Outcome::Placed { .. })), "{open:?}");
    let mut order = NewOrder {
        instrument: wire::InstrumentId(99),
        side: Side::Buy,
        lots: Lots::ZERO,
        kind: at(-1),
        time_in_force: TimeInForce::GoodTilTime { until: Timestamp::from_millis(START_MS) },
        post_only: PostOnly::Reject,
        reduce_only: ReduceOnly::On,
        label: label("a"),
    };
    let mut conditions =
        Conditions { protection: Some(9), display: Some(Lots::ZERO), ..Conditions::default() };
    for (name, mend) in LADDER {
        let reject = bench.reject_of(1, with(order.clone(), conditions.clone()));
        let told = format!("{reject:?}");
        assert!(told.starts_with(&format!("Some({name}")), "{told}, not {name}");
        mend(&mut order, &mut conditions);
    }
    assert_eq!(bench.reject_of(1, with(order, conditions)), None);
    assert_eq!(bench.position(1, CALL), 1);
    assert!(are_in_order(LADDER.iter().map(|(name, _)| *name)));
}

/// Whether names stand in the order in which the rejects are declared.
fn are_in_order<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let declared = declared_rejects();
    names.map(|name| declared.iter().position(|it| *it == name)).is_sorted()
}

/// What is mended of an intent, and the rule that it breaks before. The first three are signed by a stranger.
type MendIntent = (&'static str, fn(&mut Intent));

const OF_INTENTS: &[MendIntent] = &[
    ("WrongNetwork", |it| it.network = network()),
    ("NoActions", |it| it.actions = List::new(vec![faucet(1)]).unwrap()),
    ("BadSignature", |_| ()),
    ("UnknownKey", |it| it.key = key(1).public_key()),
    ("NonceTooLarge", |it| it.nonce = 900),
    ("Expired", |it| it.valid_until = Timestamp::MAX),
    ("NotAfter", |it| it.after = None),
];

#[test]
fn an_intent_that_breaks_every_rule_is_told_them_in_order() {
    let mut bench = Bench::funded();
    let nowhere = wire::BlockRef::genesis(wire::Author(3));
    let mut intent = Intent {
        network: crypto::Digest::ZERO,
        account: account(1),
        key: key(2).public_key(),
        nonce: u64::MAX,
        valid_until: Timestamp::from_millis(START_MS),
        after: Some(nowhere),
        atomicity: Atomicity::Independent,
        actions: List::default(),
    };
    for (place, (name, mend)) in OF_INTENTS.iter().enumerate() {
        let signer = match place {
            0..3 => 9,
            3 => 2,
            _ => 1,
        };
        let reject = refused(&bench.commit(vec![intent.clone().sign(&key(signer))]));
        let told = format!("{reject:?}");
        assert!(told.starts_with(&format!("Some({name}")), "{told}, not {name}");
        mend(&mut intent);
    }
    assert_eq!(refused(&bench.commit(vec![intent.sign(&key(1))])), None);
    assert!(are_in_order(OF_INTENTS.iter().map(|(name, _)| *name)));
}

fn refused(events: &[Event]) -> Option<Reject> {
    events.iter().find_map(|event| match event {
        Event::IntentRejected { reject, .. } => Some(reject.clone()),
        _ => None,
    })
}

fn signed(account: AccountId, (signer, nonce): (u8, u64), action: Action) -> SignedIntent {
    let intent = Intent {
        network: network(),
        account,
        key: key(signer).public_key(),
        nonce,
        valid_until: Timestamp::MAX,
        after: None,
        atomicity: Atomicity::Independent,
        actions: List::new(vec![action]).unwrap(),
    };
    intent.sign(&key(signer))
}

#[test]
fn only_so_many_accounts_are_opened() {
    let mut bench = Bench::with(|genesis| genesis.limits.accounts_max = 2);
    bench.act(1, vec![faucet(1)]);
    bench.act(2, vec![faucet(1)]);
    let third = bench.intent(3, vec![faucet(1)]);
    assert_eq!(refused(&bench.commit(vec![third])), Some(Reject::AccountLimit { have: 2, need: 2 }));
    assert_eq!(bench.reject_of(1, faucet(1)), None, "who has an account goes on");
}

#[test]
fn a_closed_faucet_gives_nothing() {
    let mut bench = Bench::with(|genesis| genesis.faucet = Faucet::Closed);
    assert_eq!(bench.reject_of(1, faucet(1)), Some(Reject::FaucetClosed));
}

#[test]
fn an_account_has_so_many_session_keys_and_one_that_reads_does_nothing_else() {
    let mut bench = Bench::funded();
    let register = |seed: u8| Action::RegisterKey {
        key: key(seed).public_key(),
        permission: Permission::Read,
        valid_until: Timestamp::MAX,
    };
    for seed in 50..54 {
        assert_eq!(bench.reject_of(1, register(seed)), None);
    }
    assert_eq!(bench.reject_of(1, register(54)), Some(Reject::KeyLimit { have: 4, need: 4 }));
    let events = bench.commit(vec![signed(account(1), (50, 1), buy(PERPETUAL, 1, AT))]);
    assert_eq!(outcomes(&events), [Outcome::Rejected { reject: Reject::KeyMayNotTrade }]);
}

#[test]
fn a_nonce_below_the_window_is_too_old() {
    let mut bench = Bench::funded();
    bench.commit(vec![signed(account(1), (1, 5_000), faucet(1))]);
    let events = bench.commit(vec![signed(account(1), (1, 3_976), faucet(1))]);
    assert_eq!(refused(&events), Some(Reject::NonceTooOld { have: 3_976, need: 3_977 }));
    let events = bench.commit(vec![signed(account(1), (1, 3_977), faucet(1))]);
    assert_eq!(refused(&events), None, "the lowest of the window is good");
}

#[test]
fn who_is_being_liquidated_opens_nothing() {
    let mut bench = Bench::ruined();
    assert_eq!(bench.reject_of(2, buy(PERPETUAL, 1, 117_400)), Some(Reject::Liquidating));
}

#[test]
fn a_reporter_speaks_of_what_was_and_of_nothing_twice() {
    let mut bench = Bench::funded();
    let said = |at_ms: u64| Action::Observe {
        underlying: UnderlyingId(0),
        price: usdc(64_000),
        observed_at: Timestamp::from_millis(at_ms),
    };
    let now = bench.now_ms;
    // The next commit is 10 ms later, and reporters' clocks may be 5 s ahead of it.
    let (have, need) = (Timestamp::from_millis(now + 5_011), Timestamp::from_millis(now + 5_010));
    assert_eq!(bench.reject_of(201, said(now + 5_011)), Some(Reject::ObservationAhead { have, need }));
    assert_eq!(bench.reject_of(201, said(now)), None);
    let stale = Timestamp::from_millis(now);
    let told = Some(Reject::ObservationStale { have: stale, need: stale });
    assert_eq!(bench.reject_of(201, said(now)), told);
}
