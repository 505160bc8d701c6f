//! Whatever is committed: no panic, every invariant after every commit, and the same again for the same commits.

mod support;

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::Digest;
use exchange::{
    Genesis, Input, State,
    genesis::{FundingParameters, HaltParameters, LadderParameters, ListingParameters, WithdrawalParameters},
};
use num::{Cash, Duration, Fix, Lots, Side, Ticks, Timestamp};
use proptest::{collection::vec, option, prelude::*};
use support::*;
use tree::{Changes, Map};
use wire::{
    Action, Atomicity, Conditions, ContractKind, Crossing, Event, InstrumentId, Label, MarginModel, NewOrder,
    OrderFilter, OrderId, OrderKind, OrderTarget, Permission, PostOnly, PriceSource, ProtectionLimits,
    QuoteSide, ReduceOnly, SelfTrade, TimeInForce, Trigger, UnderlyingId,
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

fn any_part() -> impl Strategy<Value = Fix> {
    (-1..1_100i64).prop_map(|thousandths| Fix::from_raw(thousandths * (Fix::SCALE / 1_000)))
}

fn any_ratio() -> impl Strategy<Value = Fix> {
    prop_oneof![4 => 1..3_000i64, 1 => any::<i64>()]
        .prop_map(|raw| Fix::from_raw(raw.saturating_mul(1_000_000)))
}

/// Around the times of the test's commits.
fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![4 => 0..30_000u64, 1 => any::<u64>()]
        .prop_map(|ahead| Timestamp::from_millis(START_MS.saturating_add(ahead.saturating_mul(1_000))))
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    let source = prop_oneof![Just(PriceSource::Mark), Just(PriceSource::Index), Just(PriceSource::Last)];
    let crossing = prop_oneof![Just(Crossing::Rises), Just(Crossing::Falls)];
    prop_oneof![
        2 => (source, crossing, -1..90_000i64).prop_map(|(source, crossing, usd)| Trigger::Price {
            source, crossing, price: Cash::from_micros(usd * 1_000_000),
        }),
        1 => any_target().prop_map(|primary| Trigger::Filled { primary }),
    ]
}

fn any_conditions() -> impl Strategy<Value = Conditions> {
    let self_trade =
        prop_oneof![Just(SelfTrade::ExpireMaker), Just(SelfTrade::ExpireTaker), Just(SelfTrade::ExpireBoth)];
    let display = option::of((0..30u64).prop_map(Lots::new));
    let group = option::weighted(0.3, 0..3u16);
    (option::of(any_trigger()), option::of(0..3u32), self_trade, display, group).prop_map(
        |(trigger, rivals, self_trade, display, protection)| Conditions {
            trigger,
            rivals,
            self_trade,
            display,
            protection,
        },
    )
}

fn any_quote() -> impl Strategy<Value = Action> {
    let side = || option::of((any_price(), any_lots()).prop_map(|(price, lots)| QuoteSide { price, lots }));
    (0..8u32, option::weighted(0.3, 0..3u16), side(), side()).prop_map(
        |(instrument, protection, bid, ask)| Action::Quote {
            instrument: InstrumentId(instrument),
            protection,
            bid,
            ask,
        },
    )
}

fn any_protection() -> impl Strategy<Value = Action> {
    let limit = || option::of(any_ratio());
    let limits = (0..5_000u64, 0..5_000u64, limit(), limit(), limit()).prop_map(
        |(interval, frozen, quantity, delta, vega)| ProtectionLimits {
            interval: Duration::from_millis(interval),
            frozen: Duration::from_millis(frozen),
            quantity,
            delta,
            vega,
        },
    );
    prop_oneof![
        6 => (0..3u16, option::weighted(0.9, limits))
            .prop_map(|(group, limits)| Action::SetProtection { group, limits }),
        1 => (0..3u16).prop_map(|group| Action::ResetProtection { group }),
    ]
}

fn any_filter() -> impl Strategy<Value = OrderFilter> {
    let kind =
        prop_oneof![Just(ContractKind::Option), Just(ContractKind::Future), Just(ContractKind::Perpetual)];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    (option::of(0..3u16), option::of(0..8u32), option::of(kind), option::of(side), option::of(any_label()))
        .prop_map(|(underlying, instrument, kind, side, label)| OrderFilter {
            underlying: underlying.map(UnderlyingId),
            instrument: instrument.map(InstrumentId),
            kind,
            side,
            label,
            protection: None,
        })
}

fn any_order() -> impl Strategy<Value = NewOrder> {
    let kind = prop_oneof![
        12 => any_price().prop_map(|price| OrderKind::Limit { price }),
        2 => Just(OrderKind::Market),
        1 => any_ratio().prop_map(|volatility| OrderKind::Volatility { volatility }),
    ];
    let time = prop_oneof![
        6 => Just(TimeInForce::GoodTilCancelled),
        1 => Just(TimeInForce::ImmediateOrCancel),
        1 => Just(TimeInForce::FillOrKill),
        1 => any_time().prop_map(|until| TimeInForce::GoodTilTime { until }),
    ];
    let flags = (any::<bool>(), 0..5u8, 0..5u8);
    (0..8u32, any_lots(), kind, time, flags, any_label()).prop_map(
        |(instrument, lots, kind, time_in_force, (buys, post, reduce), label)| NewOrder {
            instrument: InstrumentId(instrument),
            side: if buys { Side::Buy } else { Side::Sell },
            lots,
            kind,
            time_in_force,
            post_only: match post {
                0 => PostOnly::Reject,
                1 => PostOnly::Reprice,
                _ => PostOnly::Off,
            },
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
        16 => any_order().prop_map(|order| Action::Place { order }),
        8 => (any_order(), any_conditions())
            .prop_map(|(order, conditions)| Action::PlaceWith { order, conditions }),
        4 => any_quote(),
        2 => any_protection(),
        1 => any_filter().prop_map(|filter| Action::CancelMatching { filter }),
        1 => option::of(any_time()).prop_map(|at| Action::SetSwitch { at }),
        1 => any::<bool>().prop_map(|standard| Action::SetMarginModel {
            model: if standard { MarginModel::Standard } else { MarginModel::Portfolio },
        }),
        3 => (1..6u8, any_part()).prop_map(|(user, part)| Action::TakeAuction {
            account: account(user), part, reward_min: Cash::ZERO,
        }),
        4 => (any_target(), any_lots(), any_price())
            .prop_map(|(target, lots, price)| Action::Amend { target, lots, price }),
        3 => any_target().prop_map(|target| Action::Cancel { target }),
        1 => option::of(0..8u32)
            .prop_map(|it| Action::CancelAll { instrument: it.map(InstrumentId) }),
        2 => amount.clone().prop_map(|amount| Action::Faucet { amount }),
        2 => amount.clone().prop_map(|amount| Action::Withdraw { amount, to: label("out") }),
        1 => (0..9u64).prop_map(|withdrawal| Action::CancelWithdrawal { withdrawal }),
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

/// Whether an exchange lives through, or is saved and read back after every other commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Through,
    InParts,
}

/// A genesis under which much happens within a few commits.
fn begun(halts: bool) -> Genesis {
    let halt = HaltParameters {
        window_ms: 60_000,
        flow_bucket_lots: 20,
        flow_buckets: 2,
        cancel_only_ms: 15,
        collect_ms: 25,
        ..HaltParameters::default()
    };
    let funding = FundingParameters { pay_ms: 15, impact_micros: 1, ..FundingParameters::default() };
    let withdrawals = WithdrawalParameters {
        delay_ms: 5,
        period_ms: 20,
        share_billionths: Fix::SCALE / 50,
        waiting_max: 3,
    };
    let listing = ListingParameters {
        strikes: 1,
        dailies: 1,
        quarterlies: 0,
        check_ms: 1,
        ..ListingParameters::default()
    };
    Genesis {
        halt: halts.then_some(halt),
        funding: Some(funding),
        withdrawals: Some(withdrawals),
        listing: halts.then_some(listing),
        ladder: halts.then_some(LadderParameters::default()),
        ..genesis()
    }
}

/// Plays commits, an hour between some of them; returns the root and all that was told.
fn play(commits: &[(Vec<Wish>, u64, i64)], halts: bool, life: Life) -> (Digest, Vec<Event>, State) {
    let genesis = begun(halts);
    let mut bench = Bench::with(|begun| *begun = genesis.clone()).fund();
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
        let mut changes = Changes::new();
        bench.state.take_changes(|key, value| changes.add(key.path(), value.as_deref()));
        tree.update(changes);
        if life == Life::InParts && bench.state.commit() % 4 < 2 {
            let bytes = saved(&bench.state);
            bench.state = State::load(&genesis, network(), &mut Input::new(&bytes)).expect("it was saved");
            assert_eq!(saved(&bench.state), bytes, "what was read back saves to the same");
            let (mut anew, mut leaves) = (Map::new(), Changes::new());
            bench.state.leaves(|key, value| leaves.add(key.path(), Some(&value)));
            anew.update(leaves);
            assert_eq!(anew.root(), tree.root(), "the leaves are those that were told of");
        }
    }
    (tree.root(), bench.events, bench.state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_users_ask_for_every_invariant_holds_and_the_same_commits_give_the_same_root(
        commits in vec((vec(any_wish(), 0..8), prop_oneof![4 => 0..2u64, 1 => 0..400u64], 40_000..90_000i64), 1..12),
        halts in any::<bool>(),
    ) {
        let (root, events, state) = play(&commits, halts, Life::Through);
        let totals = state.totals();
        let held = totals.accounts + [totals.fees, totals.insurance, totals.withdrawals, totals.funding, totals.clearing]
            .iter().map(|purse| i128::from(purse.micros())).sum::<i128>();
        prop_assert_eq!(held, i128::from(totals.deposits.micros()));
        let (again, told_again, in_parts) = play(&commits, halts, Life::InParts);
        prop_assert_eq!(root, again);
        prop_assert_eq!(events, told_again);
        prop_assert!(saved(&state) == saved(&in_parts), "the same commits save to the same bytes");
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_a_state_that_were_cut_or_changed_are_a_sound_state_or_an_error(
        commits in vec((vec(any_wish(), 1..8), 0..2u64, 60_000..68_000i64), 1..4),
        changes in vec((any::<usize>(), any::<u8>()), 200),
    ) {
        let (_, _, state) = play(&commits, false, Life::Through);
        let bytes = saved(&state);
        for (at, with) in changes {
            let at = at % bytes.len();
            prop_assert!(read_back(&begun(false), &bytes[..at]).is_err());
            let mut changed = bytes.clone();
            changed[at] = with;
            // What is read is checked there.
            drop(read_back(&begun(false), &changed));
        }
    }
}
