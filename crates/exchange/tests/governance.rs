//! Governance: stake decides behind a time lock, and a guardian can only stop things for a while.

mod support;

use exchange::{
    Input, State,
    genesis::{GovernanceParameters, Member, WithdrawalParameters},
};
use num::{Duration, HOUR_MS, MINUTE_MS, Timestamp};
use support::*;
use wire::{Action, Atomicity, Change, Destination, Event, Outcome, ParameterName, Reject};

fn rules() -> GovernanceParameters {
    let hex =
        |seed: u8| key(seed).public_key().0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    GovernanceParameters {
        members: (11..=14).map(|seed| Member { key: hex(seed), stake: u64::from(seed) - 10 }).collect(),
        quorum: 6,
        voting_ms: HOUR_MS,
        delay_ms: 24 * HOUR_MS,
        proposals_max: 3,
        guardian: Some(hex(20)),
        pause_ms_max: 10 * MINUTE_MS,
        rest_ms: HOUR_MS,
    }
}

fn bench() -> Bench {
    Bench::with(|genesis| {
        genesis.governance = Some(rules());
        genesis.withdrawals = Some(WithdrawalParameters { delay_ms: 0, ..WithdrawalParameters::default() });
    })
    .fund()
}

fn parameter(name: &str, value: i64) -> Change {
    Change::Parameter { name: ParameterName::new(name.as_bytes().to_vec()).expect("a short name"), value }
}

fn propose(change: Change) -> Action {
    Action::Propose { change }
}

fn taker_fee(bench: &Bench) -> i64 {
    bench.state.fees().future_taker_billionths
}

#[test]
fn a_change_that_a_quorum_votes_for_is_in_force_when_its_lock_has_passed_and_not_before() {
    let mut bench = bench();
    let change = parameter("fees.future_taker_billionths", 700_000);
    assert_eq!(bench.act(14, vec![propose(change)]), [Outcome::Proposed { proposal: 0 }]);
    bench.act(11, vec![Action::Vote { proposal: 0 }]);
    bench.act(11, vec![Action::Vote { proposal: 0 }]);
    assert_eq!(bench.state.governance().proposals[&0].due_at, None, "five of ten, however often one votes");
    bench.act(12, vec![Action::Vote { proposal: 0 }]);
    let due = Timestamp::from_millis(bench.now_ms + 24 * HOUR_MS);
    assert!(bench.events.contains(&Event::ProposalPassed { proposal: 0, due_at: due }));
    bench.now_ms += 24 * HOUR_MS - 20;
    bench.commit(vec![]);
    assert_eq!(taker_fee(&bench), 500_000);
    let events = bench.commit(vec![]);
    assert_eq!(taker_fee(&bench), 700_000);
    assert!(events.contains(&Event::ProposalEnded { proposal: 0, is_enacted: true }));
}

#[test]
fn what_was_counted_with_the_old_parameters_is_counted_anew() {
    let mut bench = bench();
    bench.act(1, vec![sell(CALL, 100, 1_000), buy(PERPETUAL, 50, 127_000)]);
    bench.act(2, vec![buy(CALL, 60, 1_000)]);
    let changes = [
        ("fees.option_billionths", 900_000),
        ("margin.standard_option_billionths", 300_000_000),
        ("limits.position_lots_max", 50),
    ];
    for (proposal, (name, value)) in (0..).zip(changes) {
        bench.act(14, vec![propose(parameter(name, value))]);
        bench.act(13, vec![Action::Vote { proposal }]);
    }
    bench.now_ms += 24 * HOUR_MS;
    bench.commit(vec![]);
    let most = Reject::PositionTooLarge { have: num::Lots::new(51), need: num::Lots::new(50) };
    let future = wire::InstrumentId(1);
    bench.report(0, 64_000);
    assert_eq!(bench.reject_of(3, buy(future, 51, 128_000)), Some(most));
    let mut bytes = Vec::new();
    bench.state.save(&mut bytes);
    let mut begun = genesis();
    begun.governance = Some(rules());
    begun.withdrawals = Some(WithdrawalParameters { delay_ms: 0, ..WithdrawalParameters::default() });
    let read = State::load(&begun, network(), &mut Input::new(&bytes)).unwrap();
    assert_eq!(read.fees(), bench.state.fees(), "a snapshot keeps what was enacted");
    let mut again = Vec::new();
    read.save(&mut again);
    assert!(bytes == again);
}

#[test]
fn a_scan_range_is_voted_for_and_margins_follow() {
    let mut bench = bench();
    bench.act(1, vec![buy(PERPETUAL, 50, 127_000)]);
    bench.act(2, vec![sell(PERPETUAL, 50, 127_000)]);
    let margin = |bench: &Bench| {
        let index = bench.state.account_index(&account(1)).expect("the user is known");
        bench.state.margin_summary(index).1.maintenance
    };
    let before = margin(&bench);
    for (proposal, range) in [(0, 320_000_000), (1, 180_000_000)] {
        bench.act(14, vec![propose(parameter("scan.BTC", range))]);
        bench.act(13, vec![Action::Vote { proposal }]);
        bench.now_ms += 24 * HOUR_MS;
        let events = bench.commit(vec![]);
        assert!(events.contains(&Event::ProposalEnded { proposal, is_enacted: true }));
        bench.report(0, 64_000);
        let now = margin(&bench);
        assert_eq!(now > before, range == 320_000_000, "{now:?} {before:?}");
        assert_eq!(now == before, range == 180_000_000, "the grid's own range is what nobody stated");
    }
    for (name, value, want) in [
        ("scan.XYZ", 180_000_000, Reject::UnknownParameter),
        ("scan.", 180_000_000, Reject::UnknownParameter),
        ("scan.BTC", 89_999_999, Reject::ParameterOutOfRange { have: 89_999_999 }),
        ("scan.BTC", 333_333_334, Reject::ParameterOutOfRange { have: 333_333_334 }),
    ] {
        assert_eq!(bench.reject_of(14, propose(parameter(name, value))), Some(want), "{name} {value}");
    }
}

#[test]
fn a_proposal_without_a_quorum_ends_with_its_time() {
    let mut bench = bench();
    bench.act(14, vec![propose(parameter("fees.future_taker_billionths", 1))]);
    bench.now_ms += HOUR_MS;
    let events = bench.commit(vec![]);
    assert!(events.contains(&Event::ProposalEnded { proposal: 0, is_enacted: false }));
    assert_eq!(bench.reject_of(13, Action::Vote { proposal: 0 }), Some(Reject::UnknownProposal { have: 0 }));
}

#[test]
fn every_reject_of_a_proposal_in_its_order() {
    let mut bench = bench();
    let fine = || propose(parameter("fees.future_taker_billionths", 1));
    assert_eq!(bench.reject_of(1, fine()), Some(Reject::NotMember));
    for name in ["fees.none", "oracle.quorum", "start_ms", "halt.window_ms", "fees", "fees./x"] {
        assert_eq!(
            bench.reject_of(14, propose(parameter(name, 1))),
            Some(Reject::UnknownParameter),
            "{name}"
        );
    }
    let refused = bench.reject_of(14, propose(parameter("fees.future_taker_billionths", -1)));
    assert_eq!(refused, Some(Reject::ParameterOutOfRange { have: -1 }));
    let skips = Change::Upgrade { version: 3, commit: 1_000 };
    assert_eq!(bench.reject_of(14, propose(skips)), Some(Reject::VersionOutOfOrder { have: 3, need: 2 }));
    let past = Change::Upgrade { version: 2, commit: 1 };
    assert!(matches!(bench.reject_of(14, propose(past)), Some(Reject::CommitPassed { have: 1, .. })));
    bench.act(14, vec![fine(), fine(), fine()]);
    assert_eq!(bench.reject_of(14, fine()), Some(Reject::ProposalLimit { have: 3, need: 3 }));
    assert_eq!(bench.reject_of(14, Action::Vote { proposal: 9 }), Some(Reject::UnknownProposal { have: 9 }));
}

#[test]
fn an_upgrade_changes_the_version_at_its_commit() {
    let mut bench = bench();
    let at = bench.state.commit() + 100;
    bench.act(14, vec![propose(Change::Upgrade { version: 2, commit: at })]);
    bench.act(13, vec![Action::Vote { proposal: 0 }]);
    bench.now_ms += 24 * HOUR_MS;
    bench.commit(vec![]);
    assert_eq!([at - 1, at, at + 1].map(|commit| bench.state.version_at(commit)), [1, 2, 2]);
}

#[test]
fn a_pause_stops_trading_and_withdrawals_ends_by_itself_and_cannot_be_made_anew_at_once() {
    let mut bench = bench();
    bench.act(1, vec![sell(PERPETUAL, 10, AT)]);
    let pause = |minutes| Action::Pause { span: Duration::from_millis(minutes * MINUTE_MS) };
    assert_eq!(bench.reject_of(1, pause(1)), Some(Reject::NotGuardian));
    let most = Duration::from_millis(10 * MINUTE_MS);
    let long = Duration::from_millis(11 * MINUTE_MS);
    assert_eq!(bench.reject_of(20, pause(11)), Some(Reject::PauseTooLong { have: long, need: most }));
    assert_eq!(bench.act(20, vec![pause(10)]), [Outcome::Done]);
    let until = Timestamp::from_millis(bench.now_ms + 10 * MINUTE_MS);
    assert_eq!(bench.reject_of(2, buy(PERPETUAL, 10, AT)), Some(Reject::Paused { need: until }));
    let withdraw = Action::Withdraw { amount: usdc(5), to: Destination::default() };
    assert_eq!(bench.reject_of(2, withdraw), Some(Reject::Paused { need: until }));
    let balances = [1, 2].map(|user| bench.balance(user));
    assert_eq!(
        bench.act(1, vec![Action::CancelAll { instrument: None }]),
        [Outcome::Done],
        "cancels are free"
    );
    assert_eq!([1, 2].map(|user| bench.balance(user)), balances);
    bench.now_ms += 10 * MINUTE_MS;
    assert_eq!(bench.reject_of(2, buy(PERPETUAL, 10, AT)), None);
    assert!(matches!(bench.reject_of(20, pause(1)), Some(Reject::PauseTooSoon { .. })));
    bench.now_ms += HOUR_MS;
    assert_eq!(bench.reject_of(20, pause(1)), None);
    assert_eq!(bench.reject_of(20, pause(0)), None, "who stopped it may let it go on");
    assert_eq!(bench.reject_of(2, buy(PERPETUAL, 10, AT)), None);
}

#[test]
fn a_failed_group_proposes_nothing() {
    let mut bench = bench();
    let group = vec![propose(parameter("fees.future_taker_billionths", 1)), faucet(0)];
    let intent = bench.intent_of(14, group, Atomicity::AllOrNothing);
    bench.commit(vec![intent]);
    assert!(bench.state.governance().proposals.is_empty());
}
