//! Whatever is committed: no panic, every invariant after every commit, and the same again for the same commits.

mod support;

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::Digest;
use exchange::State;
use num::{Cash, Lots, Side, Ticks, Timestamp};
use proptest::{collection::vec, prelude::*};
use support::*;
use tree::Map;
use wire::{
    Action, Atomicity, Event, InstrumentId, Label, NewOrder, OrderId, OrderKind, OrderTarget, Permission,
    PostOnly, ReduceOnly, TimeInForce, UnderlyingId,
};

/// One user's intent: who, what, and whether all or nothing.
type Wish = (u8, Vec<Action>, bool);

fn any_label() -> impl Strategy<Value = Label> {
    prop_oneof![3 => Just(""), 1 => Just("a"), 1 => Just("b")].prop_map(label)
}

fn any_target() -> impl Strategy<Value = OrderTarget> {
    prop_oneof![
        (0..60u64).prop_map(|order| OrderTarget::Id { order: OrderId(order) }),
        any_label().prop_map(|label| OrderTarget::Label { label }),
    ]
}

/// Prices around the marks of the test's instruments, and some from anywhere.
fn any_price() -> impl Strategy<Value = Ticks> {
    prop_oneof![4 => 126_000..130_000i64, 4 => 1..3_000i64, 1 => any::<i64>()].prop_map(Ticks::new)
}

fn any_lots() -> impl Strategy<Value = Lots> {
    prop_oneof![8 => 0..50u64, 4 => 0..30_000u64, 1 => any::<u64>()].prop_map(Lots::new)
}

fn any_order() -> impl Strategy<Value = NewOrder> {
    let kind = prop_oneof![
        6 => any_price().prop_map(|price| OrderKind::Limit { price }),
        1 => Just(OrderKind::Market),
    ];
    let time = prop_oneof![
        6 => Just(TimeInForce::GoodTilCancelled),
        1 => Just(TimeInForce::ImmediateOrCancel),
        1 => Just(TimeInForce::FillOrKill),
    ];
    let flags = (any::<bool>(), 0..5u8, 0..5u8);
    (0..8u32, any_lots(), kind, time, flags, any_label()).prop_map(
        |(instrument, lots, kind, time_in_force, (buys, post, reduce), label)| NewOrder {
            instrument: InstrumentId(instrument),
            side: if buys { Side::Buy } else { Side::Sell },
            lots,
            kind,
            time_in_force,
            post_only: if post == 0 { PostOnly::Reject } else { PostOnly::Off },
            reduce_only: if reduce == 0 { ReduceOnly::On } else { ReduceOnly::Off },
            label,
        },
    )
}

fn any_action() -> impl Strategy<Value = Action> {
    let amount = prop_oneof![
        (0..500_000i64).prop_map(|whole| Cash::from_micros(whole * 1_000_000)),
        any::<i64>().prop_map(Cash::from_micros)
    ];
    let key = || (70..75u8).prop_map(|seed| key(seed).public_key());
    let price = prop_oneof![6 => 40_000..90_000i64, 1 => any::<i64>()];
    prop_oneof![
        20 => any_order().prop_map(|order| Action::Place { order }),
        4 => (any_target(), any_lots(), any_price())
            .prop_map(|(target, lots, price)| Action::Amend { target, lots, price }),
        3 => any_target().prop_map(|target| Action::Cancel { target }),
        1 => proptest::option::of(0..8u32)
            .prop_map(|it| Action::CancelAll { instrument: it.map(InstrumentId) }),
        2 => amount.clone().prop_map(|amount| Action::Faucet { amount }),
        1 => (0..3u16, amount).prop_map(|(subaccount, amount)| Action::Transfer { subaccount, amount }),
        1 => (key(), any::<u64>()).prop_map(|(key, until)| Action::RegisterKey {
            key, permission: Permission::Trade, valid_until: Timestamp::from_millis(until),
        }),
        1 => key().prop_map(|key| Action::RevokeKey { key }),
        2 => (0..3u16, price, 0..40_000u64).prop_map(|(underlying, whole, ahead)| Action::Observe {
            underlying: UnderlyingId(underlying),
            price: Cash::from_micros(whole.saturating_mul(1_000_000)),
            observed_at: Timestamp::from_millis(START_MS + ahead * 1_000),
        }),
    ]
}

/// Traders, sometimes reporters, with up to eight actions.
fn any_wish() -> impl Strategy<Value = Wish> {
    let user = prop_oneof![8 => 1..6u8, 1 => 201..205u8];
    (user, vec(any_action(), 1..8), any::<bool>())
}

/// Plays commits, an hour between some of them; returns the root and all that was told.
fn play(commits: &[(Vec<Wish>, u64, i64)]) -> (Digest, Vec<Event>, State) {
    let mut bench = Bench::funded();
    let mut tree = Map::new();
    for (wishes, minutes, usd) in commits {
        bench.now_ms += minutes * num::MINUTE_MS;
        bench.report(0, *usd);
        let intents = wishes.iter().map(|(user, actions, together)| {
            let atomicity = if *together { Atomicity::AllOrNothing } else { Atomicity::Independent };
            bench.intent_of(*user, actions.clone(), atomicity)
        });
        let intents = intents.collect();
        bench.commit(intents);
        bench.state.take_changes(|key, value| match value {
            Some(value) => tree.insert(&key.encode(), &value),
            None => tree.remove(&key.encode()),
        });
    }
    (tree.root(), bench.events, bench.state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_users_ask_for_every_invariant_holds_and_the_same_commits_give_the_same_root(
        commits in vec((vec(any_wish(), 0..8), prop_oneof![4 => 0..2u64, 1 => 0..400u64], 40_000..90_000i64), 1..12),
    ) {
        let (root, events, state) = play(&commits);
        let totals = state.totals();
        let held = totals.accounts + [totals.fees, totals.insurance, totals.clearing]
            .iter().map(|purse| i128::from(purse.micros())).sum::<i128>();
        prop_assert_eq!(held, i128::from(totals.deposits.micros()));
        let (again, told_again, _) = play(&commits);
        prop_assert_eq!(root, again);
        prop_assert_eq!(events, told_again);
    }

    #[test]
    fn any_bytes_are_an_answer_and_never_a_panic(
        garbage in vec(vec(any::<u8>(), 0..300), 0..20),
        cut in 0..400usize,
        (at, with) in (0..400usize, any::<u8>()),
    ) {
        let mut bench = Bench::funded();
        let good = bench.intent(1, vec![buy(PERPETUAL, 5, AT), sell(CALL, 3, 900)]).encode();
        let mut broken = good.to_vec();
        broken.truncate(cut);
        let mut flipped = good.to_vec();
        let place = at % flipped.len();
        flipped[place] = with;
        let mut all: Vec<Bytes> = garbage.into_iter().map(Bytes::from).collect();
        all.extend([Bytes::from(broken), Bytes::from(flipped), good]);
        let sent = all.len();
        let told = bench.commit_raw(all);
        let answers = told.iter().filter(|event| {
            matches!(event, Event::Receipt { .. } | Event::IntentRejected { .. })
        });
        prop_assert_eq!(answers.count(), sent);
    }
}
