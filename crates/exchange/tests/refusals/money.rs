//! Money in and out, auctions, prices of reference, governance, reporters.

use exchange::genesis::{
    Faucet, GovernanceParameters, LadderParameters, Member, VaultParameters, WithdrawalParameters,
};
use num::{Cash, Duration, Fix, Timestamp};
use wire::{Action, Change, Destination, ParameterName, UnderlyingId};

use super::{Row, last, told};
use crate::support::*;

fn withdraw(whole: i64) -> Action {
    Action::Withdraw { amount: usdc(whole), to: Destination::default() }
}

fn paying() -> Bench {
    let rules = WithdrawalParameters { waiting_max: 1, ..WithdrawalParameters::default() };
    Bench::with(|genesis| genesis.withdrawals = Some(rules)).fund()
}

fn transfer(subaccount: u16, whole: i64) -> Action {
    Action::Transfer { subaccount, amount: usdc(whole) }
}

/// User 2 is being auctioned since so long.
fn auctioned(ms: u64) -> Bench {
    let mut bench = Bench::ruined();
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    bench.now_ms += 10_000;
    bench.commit(Vec::new());
    bench.now_ms += ms;
    bench
}

fn take(thousandths: i64, reward_min: i64) -> Action {
    let part = Fix::from_raw(thousandths * (Fix::SCALE / 1_000));
    Action::TakeAuction { account: account(2), part, reward_min: usdc(reward_min) }
}

/// Members 11 to 14, and guardian 20.
fn governed() -> Bench {
    let hex = |seed: u8| hex::encode(key(seed).public_key().0);
    let rules = GovernanceParameters {
        members: (11..=14).map(|seed| Member { key: hex(seed), stake: 1 }).collect(),
        quorum: 3,
        voting_ms: 1_000,
        delay_ms: 1_000,
        proposals_max: 1,
        guardian: Some(hex(20)),
        pause_ms_max: 1_000,
        rest_ms: 1_000,
    };
    Bench::with(|genesis| genesis.governance = Some(rules)).fund()
}

fn propose(name: &[u8], value: i64) -> Action {
    let name = ParameterName::new(name.to_vec()).expect("a short name");
    Action::Propose { change: Change::Parameter { name, value } }
}

fn upgrade(version: u32, commit: u64) -> Action {
    Action::Propose { change: Change::Upgrade { version, commit } }
}

fn pause(ms: u64) -> Action {
    Action::Pause { span: Duration::from_millis(ms) }
}

fn said(underlying: u16, (price, ahead_ms): (Cash, u64)) -> Action {
    let observed_at = Timestamp::from_millis(START_MS + ahead_ms);
    Action::Observe { underlying: UnderlyingId(underlying), price, observed_at }
}

pub const ROWS: &[Row] = &[
    ("FaucetClosed", || {
        let mut bench = Bench::with(|genesis| genesis.faucet = Faucet::Closed);
        bench.reject_of(1, faucet(1))
    }),
    ("AmountNotPositive", || told(faucet(0))),
    ("AmountTooLarge", || told(faucet(2_000_000_000))),
    ("SameSubaccount", || told(transfer(0, 1))),
    ("BalanceTooLow", || told(transfer(1, 1_000_001))),
    ("NoAuction", || told(take(10, 0))),
    ("PartOutOfRange", || auctioned(0).reject_of(3, take(0, 0))),
    ("RewardTooLow", || auctioned(1_000).reject_of(3, take(10, 1_000_000))),
    ("WithdrawalsClosed", || told(withdraw(1))),
    ("WithdrawalLimit", || last(&mut paying(), 1, vec![withdraw(1), withdraw(1)])),
    ("UnknownWithdrawal", || told(Action::CancelWithdrawal { withdrawal: 7 })),
    ("OracleRung", || {
        let mut bench = Bench::with(|genesis| genesis.ladder = Some(LadderParameters::default())).fund();
        bench.reject_of(1, buy(PERPETUAL, 1, AT))
    }),
];

pub const GOVERNANCE: &[Row] = &[
    ("Paused", || {
        let mut bench = governed();
        bench.act(20, vec![pause(1_000)]);
        bench.reject_of(1, buy(PERPETUAL, 1, AT))
    }),
    ("NotMember", || governed().reject_of(1, upgrade(2, 99))),
    ("NotGuardian", || governed().reject_of(1, pause(1))),
    ("ProposalLimit", || last(&mut governed(), 11, vec![upgrade(2, 99), upgrade(2, 99)])),
    ("UnknownParameter", || governed().reject_of(11, propose(b"fees.none", 1))),
    ("ParameterOutOfRange", || governed().reject_of(11, propose(b"fees.option_billionths", -1))),
    ("VersionOutOfOrder", || governed().reject_of(11, upgrade(7, 99))),
    ("CommitPassed", || governed().reject_of(11, upgrade(2, 1))),
    ("UnknownProposal", || governed().reject_of(11, Action::Vote { proposal: 3 })),
    ("PauseTooLong", || governed().reject_of(20, pause(1_001))),
    ("PauseTooSoon", || {
        let mut bench = governed();
        bench.act(20, vec![pause(100)]);
        bench.now_ms += 200;
        bench.reject_of(20, pause(100))
    }),
];

pub const REPORTERS: &[Row] = &[
    ("NotReporter", || told(said(0, (usdc(64_000), 0)))),
    ("UnknownUnderlying", || Bench::new().reject_of(201, said(9, (usdc(64_000), 0)))),
    ("ObservationOutOfRange", || Bench::new().reject_of(201, said(0, (Cash::ZERO, 0)))),
    ("ObservationAhead", || Bench::new().reject_of(201, said(0, (usdc(64_000), 6_000)))),
    ("ObservationStale", || {
        last(&mut Bench::new(), 201, vec![said(0, (usdc(64_000), 5)), said(0, (usdc(64_001), 4))])
    }),
];

/// A vault that gives shares back after a second.
fn vaulted() -> Bench {
    let rules = VaultParameters { lock_ms: 1_000, ..VaultParameters::default() };
    Bench::with(|genesis| genesis.vault = Some(rules)).fund()
}

fn enter(pool: u16, whole: i64) -> Action {
    Action::EnterVault { pool, amount: usdc(whole) }
}

pub const VAULTS: &[Row] = &[
    ("NoVault", || vaulted().reject_of(1, enter(7, 1))),
    ("VaultLocked", || {
        last(&mut vaulted(), 1, vec![enter(0, 10), Action::LeaveVault { pool: 0, shares: 1 }])
    }),
    ("VaultShares", || {
        last(&mut vaulted(), 1, vec![enter(0, 10), Action::LeaveVault { pool: 0, shares: 0 }])
    }),
];

/// What is told of a rule that no commit can break: an exchange that has begun has marks, and a vault keeps what it owes.
pub const OUT_OF_REACH: [&str; 2] = ["NoMark", "VaultWorthless"];
