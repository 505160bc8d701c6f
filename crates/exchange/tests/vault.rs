//! Vaults: shares at what they are worth, a lock, quotes that lean against what is held, and no loss beyond what is there.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::{State, Vault, genesis::VaultParameters};
use num::{Cash, Side, Ticks, Timestamp};
use proptest::prelude::*;
use support::*;
use wire::{Action, Atomicity, Event, InstrumentId, NewOrder, Outcome, Permission, Reject, TimeInForce};

const FAR_CALL: InstrumentId = InstrumentId(4);
const LOCK_MS: u64 = 1_000;

fn rules() -> VaultParameters {
    VaultParameters {
        lock_ms: LOCK_MS,
        exit_billionths: 0,
        spread_billionths: 20_000_000,
        skew_billionths: 100_000_000,
        lots: 20,
        instruments_max: 8,
    }
}

fn bench() -> Bench {
    Bench::with(|genesis| genesis.vault = Some(rules())).fund()
}

fn enter(usd: i64) -> Action {
    Action::EnterVault { pool: 0, amount: usdc(usd) }
}

fn vault(state: &State) -> Vault {
    *state.vault(0).unwrap()
}

fn worth(state: &State) -> Cash {
    state.margin_summary(vault(state).account).0
}

fn shares(bench: &Bench, user: u8) -> u64 {
    let index = bench.state.account_index(&account(user)).unwrap();
    bench.state.shareholding(0, index).map_or(0, |shareholding| shareholding.shares)
}

fn leave(bench: &Bench, user: u8) -> Action {
    Action::LeaveVault { pool: 0, shares: shares(bench, user) }
}

fn wait(bench: &mut Bench) {
    bench.now_ms += LOCK_MS;
}

/// An order that takes what the vault quotes, at any price.
fn take(instrument: InstrumentId, side: Side, lots: u64) -> Action {
    let order = limit(instrument, side, lots, 1);
    let time_in_force = TimeInForce::ImmediateOrCancel;
    Action::Place { order: NewOrder { kind: wire::OrderKind::Market, time_in_force, ..order } }
}

fn held(state: &State, instrument: InstrumentId) -> i64 {
    let found = state.holdings(vault(state).account).find(|(it, _)| it.id == instrument);
    found.map_or(0, |(_, holding)| holding.position.get())
}

fn touch(bench: &Bench, id: InstrumentId) -> [Option<i64>; 2] {
    [Side::Buy, Side::Sell].map(|side| bench.state.best(id, side).map(Ticks::get))
}

#[test]
fn who_pays_in_has_a_share_and_gets_it_back_when_the_lock_is_over() {
    let mut bench = bench();
    assert_eq!(bench.act(1, vec![enter(100_000)]), [Outcome::Done]);
    assert_eq!(shares(&bench, 1), 100_000_000_000);
    assert_eq!(bench.balance(1), usdc(900_000));
    let refused = bench.reject_of(1, leave(&bench, 1));
    assert!(matches!(refused, Some(Reject::VaultLocked { .. })), "{refused:?}");
    wait(&mut bench);
    assert_eq!(bench.reject_of(1, leave(&bench, 1)), None);
    assert_eq!((bench.balance(1), shares(&bench, 1)), (usdc(1_000_000), 0));
    assert_eq!(worth(&bench.state), Cash::ZERO);
}

#[test]
fn paying_in_again_locks_everything_anew() {
    let mut bench = bench();
    bench.act(1, vec![enter(1_000)]);
    wait(&mut bench);
    bench.act(1, vec![enter(1_000)]);
    let refused = bench.reject_of(1, leave(&bench, 1));
    assert!(matches!(refused, Some(Reject::VaultLocked { .. })), "{refused:?}");
}

#[test]
fn what_breaks_a_rule_of_a_vault_is_told_which() {
    let mut bench = bench();
    let other = Action::EnterVault { pool: 9, amount: usdc(1) };
    assert_eq!(bench.reject_of(1, other), Some(Reject::NoVault { have: 9 }));
    assert_eq!(bench.reject_of(1, enter(-1)), Some(Reject::AmountNotPositive { have: usdc(-1) }));
    let (have, need) = (usdc(1_000_000), usdc(1_000_001));
    assert_eq!(bench.reject_of(1, enter(1_000_001)), Some(Reject::BalanceTooLow { have, need }));
    let nothing = Action::LeaveVault { pool: 0, shares: 1 };
    assert_eq!(bench.reject_of(1, nothing.clone()), Some(Reject::NoVault { have: 0 }));
    bench.act(1, vec![enter(1_000)]);
    assert_eq!(bench.reject_of(2, nothing), Some(Reject::VaultShares { have: 0, need: 1 }));
    let none = Action::LeaveVault { pool: 0, shares: 0 };
    assert_eq!(bench.reject_of(1, none), Some(Reject::VaultShares { have: 1_000_000_000, need: 1 }));
    let (session, permission) = (key(77).public_key(), Permission::Trade);
    bench.act(1, vec![Action::RegisterKey { key: session, permission, valid_until: Timestamp::MAX }]);
    let signed = wire::Intent {
        network: network(),
        account: account(1),
        key: session,
        nonce: 1,
        valid_until: Timestamp::MAX,
        after: None,
        atomicity: Atomicity::Independent,
        actions: wire::List::new(vec![enter(1)]).unwrap(),
    };
    let events = bench.commit(vec![signed.sign(&key(77))]);
    assert_eq!(outcomes(&events), [Outcome::Rejected { reject: Reject::OwnerOnly }]);
    assert_eq!(Bench::funded().reject_of(1, enter(1)), Some(Reject::NoVault { have: 0 }));
}

#[test]
fn a_group_that_fails_has_not_entered() {
    let mut bench = bench();
    let group = bench.intent_of(1, vec![enter(1_000), faucet(0)], Atomicity::AllOrNothing);
    bench.commit(vec![group]);
    assert!(bench.state.vault(0).is_none());
    assert_eq!((bench.balance(1), shares(&bench, 1)), (usdc(1_000_000), 0));
    bench.act(1, vec![enter(1_000)]);
    let group = bench.intent_of(1, vec![enter(500), faucet(0)], Atomicity::AllOrNothing);
    bench.commit(vec![group]);
    assert_eq!(shares(&bench, 1), 1_000_000_000);
}

#[test]
fn it_quotes_around_the_mark_and_sells_no_call_that_it_does_not_have() {
    let mut bench = bench();
    bench.act(1, vec![enter(200_000)]);
    let mark = |id| bench.state.instrument(id).unwrap().mark().unwrap().micros() / 500_000;
    let [Some(bid), Some(ask)] = touch(&bench, PUT) else { panic!("no quote of a put") };
    assert!(bid < mark(PUT) && mark(PUT) < ask, "{bid} {ask}");
    for call in [CALL, FAR_CALL] {
        let [Some(bid), None] = touch(&bench, call) else { panic!("a call is bid for and not offered") };
        assert!(bid < mark(call), "{bid}");
    }
    assert_eq!(touch(&bench, PERPETUAL), [None, None]);
    bench.act(2, vec![take(CALL, Side::Sell, 20)]);
    assert_eq!(held(&bench.state, CALL), 20);
    let [Some(bid), Some(ask)] = touch(&bench, CALL) else { panic!("what it has it offers") };
    assert!(bid < ask);
}

#[test]
fn what_it_has_much_of_it_bids_for_and_offers_lower() {
    let mut bench = bench();
    bench.act(1, vec![enter(200_000)]);
    let [Some(bid), Some(ask)] = touch(&bench, PUT) else { panic!("no quote of a put") };
    bench.act(2, vec![take(PUT, Side::Sell, 20)]);
    let [Some(lower_bid), Some(lower_ask)] = touch(&bench, PUT) else { panic!("no quote of a put") };
    assert!(lower_bid < bid && lower_ask < ask, "{bid} {ask} {lower_bid} {lower_ask}");
    bench.act(2, vec![take(PUT, Side::Buy, 20)]);
    bench.act(2, vec![take(PUT, Side::Buy, 20)]);
    assert_eq!(held(&bench.state, PUT), -20);
    let [Some(higher_bid), Some(higher_ask)] = touch(&bench, PUT) else { panic!("no quote of a put") };
    assert!(higher_bid > bid && higher_ask > ask, "{bid} {ask} {higher_bid} {higher_ask}");
}

#[test]
fn a_vault_that_could_not_pay_quotes_nothing() {
    let mut bench = bench();
    // 20 lots of a put at 64,000 may cost 12,800.
    bench.act(1, vec![enter(5_000)]);
    let [Some(_), None] = touch(&bench, PUT) else { panic!("it bids and does not offer") };
    wait(&mut bench);
    bench.act(2, vec![take(PUT, Side::Sell, 20), take(CALL, Side::Sell, 20)]);
    let all = bench.reject_of(1, leave(&bench, 1));
    assert!(matches!(all, Some(Reject::BalanceTooLow { .. })), "what it needs stays: {all:?}");
}

#[test]
fn who_comes_later_pays_what_a_share_is_worth() {
    let mut bench = bench();
    bench.act(1, vec![enter(100_000)]);
    bench.act(2, vec![take(PUT, Side::Sell, 20), take(CALL, Side::Sell, 20)]);
    let (before, all) = (worth(&bench.state), vault(&bench.state).shares);
    assert!(before > usdc(100_000), "it bought below the marks: {before}");
    bench.act(3, vec![enter(50_000)]);
    let (after, more) = (worth(&bench.state), vault(&bench.state).shares);
    assert!(more - all < 50_000_000_000, "a share costs more than at first");
    let [before, after] = [(before, all), (after, more)]
        .map(|(worth, shares)| i128::from(worth.micros()) * 1_000_000_000_000 / i128::from(shares));
    assert!(after >= before, "{before} {after}");
}

#[test]
fn a_snapshot_keeps_stakes_and_whose_turn_it_is() {
    let mut bench = bench();
    bench.act(1, vec![enter(100_000)]);
    bench.act(2, vec![take(PUT, Side::Sell, 20), enter(10_000)]);
    let mut bytes = Vec::new();
    bench.state.save(&mut bytes);
    let mut genesis = genesis();
    genesis.vault = Some(rules());
    let mut read = State::load(&genesis, network(), &mut exchange::Input::new(&bytes)).unwrap();
    let mut again = Vec::new();
    read.save(&mut again);
    assert_eq!(bytes, again);
    let intent = bench.intent(3, vec![take(PUT, Side::Buy, 5)]);
    let raw = vec![commonware_codec::Encode::encode(&intent)];
    let then = payload(bench.state.commit() + 1, bench.now_ms + 10, raw);
    let mut events = Vec::new();
    exchange::apply(&mut read, &then, &mut events);
    assert_eq!(bench.commit(vec![intent]), events);
}

fn any_taking() -> impl Strategy<Value = Vec<(u8, u64, u64, bool)>> {
    proptest::collection::vec((0..3u8, 1..30u64, 0..60u64, any::<bool>()), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_traded_with_it_and_wherever_prices_go_it_keeps_what_it_owes(
        takes in any_taking(), paid_in in 1_000..60_000i64,
    ) {
        let mut bench = bench();
        bench.act(1, vec![enter(paid_in)]);
        for (what, lots, moved, sells) in takes {
            let instrument = [CALL, PUT, FAR_CALL][usize::from(what)];
            let side = if sells { Side::Sell } else { Side::Buy };
            bench.act(2, vec![take(instrument, side, lots)]);
            bench.report(0, 63_000 + 2_000 * i64::try_from(moved).unwrap() / 60);
        }
        let (state, now_ms) = (bench.state.clone(), bench.now_ms);
        for index in [6_400, 40_000, 63_990, 64_000, 64_010, 90_000, 640_000] {
            (bench.state, bench.now_ms) = (state.clone(), now_ms);
            bench.events.clear();
            for expiry_ms in [1_786_176_000_000, 1_787_904_000_000] {
                bench.now_ms = expiry_ms - 60_000;
                bench.report(0, index);
                bench.now_ms = expiry_ms + 1_000;
                bench.report(0, index);
                bench.report(0, index);
            }
            let account = bench.state.vault(0).unwrap().account;
            prop_assert_eq!(bench.state.holdings(account).count(), 0, "all has settled");
            prop_assert!(!bench.state.balance(account).is_negative());
            let id = state.vault(0).map(|it| it.account);
            let owed = bench.events.iter().any(|event| match event {
                Event::InsurancePaid { account, .. } | Event::ShortfallLeft { account, .. } => {
                    bench.state.account_index(account) == id
                }
                _ => false,
            });
            prop_assert!(!owed, "nobody paid for it at {}", index);
        }
    }
}
