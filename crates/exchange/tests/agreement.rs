//! The exchange and its slow reference say the same, event by event, whatever users ask for.
//!
//! `CLOCKLESS_INTENTS=1000000 cargo test --release -p clockless-exchange --test agreement` compares a million.

#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod drawn;
mod reference;
mod support;

use std::collections::BTreeMap;

use drawn::{Draw, any_beginning, any_intent, any_words};
use exchange::{
    Genesis,
    genesis::{
        ComboParameters, ExoticParameters, FundingParameters, HaltParameters, ListingParameters, PoolGenesis,
        VaultParameters, WithdrawalParameters,
    },
};
use num::{DAY_MS, Fix, HOUR_MS};
use reference::Reference;
use support::*;
use wire::{Event, Outcome};

/// Intents compared where nothing else is asked for, and those of one run before all begins anew.
const INTENTS: u64 = 16_000;
const INTENTS_OF_A_RUN: u64 = 400;

/// What must have happened among as many as are compared anyway, beside what cannot be missed.
const HAPPEN: &str = "AmendBelowFilled AsianFixed Assigned AuctionStarted AuctionTaken BarrierTouched Block BookFull Combo ComboLimit Deleveraged Delisted \
    Delivered DisplayOutOfRange Exercised ExoticLimit ExoticListed Expired FundingPaid GroupFailed Halted IndexMoved InstrumentClosed InstrumentExpired \
    InsurancePaid KeyExpired LabelInUse Legs Liquidating LiquidationEnded LiquidationStarted \
    MarginModelSet MarginTooLow NoAuction NoBook NoMark NoVault NoVolatilityPrice NotFillable OpenInterestLimit \
    OpenOrderLimit Opening Order OrderRefused OrderTriggered OtherPool PositionLimit PositionSettled \
    PositionTooLarge PostOnlyWouldTrade PrimaryEnded ProtectionFrozen ProtectionTripped Quoted \
    ReduceOnlyWouldOpen Reopened Repeated Rival SelfTrade Switch Transferred VaultEntered VaultLeft VaultLocked \
    VaultShares WithdrawalPaid";

/// What happened how often, by the names that events, rejects and ends have in the code.
type Seen = BTreeMap<String, u64>;

/// Whether little money meets a wild market, so that margin fails.
const fn is_wild(seed: u64) -> bool {
    seed % 3 == 2
}

/// Whether there are exotics, and days pass.
const fn has_exotics(seed: u64) -> bool {
    seed % 7 < 3
}

/// Rules differ from run to run: isolated pools or one, few orders or many, withdrawals or none.
fn begun(seed: u64) -> Genesis {
    let mut genesis = genesis();
    if seed % 2 == 1 {
        genesis.limits.open_orders_max = 9;
        genesis.limits.book_orders_max = 5;
        genesis.limits.position_lots_max = 60;
        genesis.limits.open_interest_lots_max = 70;
    }
    if seed % 3 == 1 {
        genesis.pools = vec![PoolGenesis { name: "ether".to_owned(), insurance_micros: 5_000_000_000 }];
        genesis.underlyings[1].pool = 1;
    }
    genesis.combos = (!seed.is_multiple_of(5)).then_some(ComboParameters {
        open_max: 3,
        idle_ms: if seed % 4 > 1 { 900 } else { HOUR_MS },
        ..ComboParameters::default()
    });
    genesis.listing = (seed % 6 > 3).then_some(ListingParameters {
        dailies: 1,
        weeklies: 1,
        monthlies: 1,
        quarterlies: 1,
        strikes: 1,
        step_billionths: Fix::SCALE / 70,
        check_ms: 45,
        instruments_max: 36,
        ..ListingParameters::default()
    });
    genesis.liquidation.book_ms = 30;
    genesis.liquidation.auction_ms = 60;
    if is_wild(seed) {
        genesis.insurance_micros = 150_000_000;
    }
    genesis.vault = (seed % 5 > 1).then_some(VaultParameters {
        lock_ms: 150,
        skew_billionths: Fix::SCALE / 10,
        lots: 20,
        instruments_max: 3,
        ..VaultParameters::default()
    });
    genesis.exotics = has_exotics(seed).then_some(ExoticParameters {
        open_max: 6,
        idle_ms: if seed.is_multiple_of(3) { 700 } else { DAY_MS * 9 },
        fee_micros: 1_000_000,
        ..ExoticParameters::default()
    });
    genesis.funding = (seed % 4 != 1).then_some(FundingParameters {
        period_ms: 900,
        average_ms: 90,
        impact_micros: 700_000_000,
        pay_ms: 70,
        gap_ms_max: 150,
        ..FundingParameters::default()
    });
    genesis.halt = (seed % 4 < 2).then_some(HaltParameters {
        window_ms: 900,
        move_billionths: if is_wild(seed) { Fix::SCALE / 4 } else { Fix::SCALE / 50 },
        flow_bucket_lots: 30,
        flow_buckets: 2,
        flow_billionths: Fix::SCALE / 10 * 7,
        cancel_only_ms: 5,
        collect_ms: 75,
    });
    genesis.withdrawals = (seed % 3 < 2).then_some(WithdrawalParameters {
        delay_ms: 25,
        period_ms: 60,
        share_billionths: Fix::SCALE / 5_000,
        waiting_max: 3,
    });
    genesis
}

/// One exchange from its beginning, and its reference. Answers with how many intents were compared.
fn run(seed: u64, intents: u64, seen: &mut Seen) -> u64 {
    let (mut draw, genesis) = (Draw(seed), begun(seed));
    let mut bench = Bench::with(|it| *it = genesis.clone());
    if seed % 7 == 3 {
        // The nearest expiry is a moment away.
        bench.now_ms = START_MS + 8 * HOUR_MS - 1_500;
    }
    let mut reference = Reference::new(genesis);
    // Some have much, some have little, so that margin says yes and no.
    let funds =
        if is_wild(seed) { [500, 400, 900, 300, 200] } else { [2_000_000, 300_000, 40_000, 6_000, 900] };
    let (often, far) = if is_wild(seed) { (3, (2, 45_000)) } else { (6, (8, 3_000)) };
    let begins = (1..).zip(funds).map(|(user, usd)| {
        let begin = [vec![faucet(usd)], any_beginning(&mut draw)].concat();
        bench.intent(user, begin)
    });
    let mut signed: Vec<_> = begins.collect();
    let (mut done, mut orders) = (0, 0);
    while done < intents {
        let before = bench.state.clone();
        let have = bench.commit(signed.clone());
        let need = reference.commit([&before, &bench.state], &signed);
        for (place, (have, need)) in have.iter().zip(&need).enumerate() {
            assert_eq!(have, need, "seed {seed}, intent {done}, event {place} of {signed:?}");
        }
        assert_eq!(have.len(), need.len(), "seed {seed}, intent {done}: {signed:?}");
        have.iter().for_each(|event| note(event, seen));
        reference.check_laws(&bench.state, &have);
        orders = need.iter().fold(orders, |last, event| match event {
            Event::OrderPlaced { order, .. } | Event::OrderConditioned { order, .. } => last.max(order.0),
            _ => last,
        });
        done += u64::try_from(signed.len()).unwrap();
        if draw.one_in(often * 2) {
            bench.now_ms += draw.below(700);
        }
        if has_exotics(seed) && draw.one_in(30) {
            // A moment before the next expiry.
            let mornings = (bench.now_ms + 16 * HOUR_MS) / DAY_MS;
            bench.now_ms = bench.now_ms.max(mornings * DAY_MS + 8 * HOUR_MS - 250);
        }
        signed = if draw.one_in(often) { any_words(&mut bench, &mut draw, far) } else { Vec::new() };
        for _ in 0..=draw.below(5) {
            signed.push(any_intent(&mut bench, &mut draw, orders));
        }
    }
    compare_ends(&bench, &reference);
    done
}

fn note(event: &Event, seen: &mut Seen) {
    let name =
        |it: &dyn core::fmt::Debug| format!("{it:?}").split([' ', '{', '(']).next().unwrap().to_owned();
    let mut count = |name: String| *seen.entry(name).or_default() += 1;
    count(name(event));
    match event {
        Event::ComboTraded { trade } => count(name(&trade.maker)),
        Event::Traded { trade } => count(name(&trade.kind)),
        Event::OrderEnded { end, .. } => count(name(end)),
        Event::OrderRefused { reject, .. } | Event::IntentRejected { reject, .. } => count(name(reject)),
        Event::Receipt { outcomes, .. } => outcomes.iter().for_each(|outcome| match outcome {
            Outcome::Rejected { reject } => count(name(reject)),
            outcome => count(name(outcome)),
        }),
        _ => {}
    }
}

/// Money and positions at the end.
fn compare_ends(bench: &Bench, reference: &Reference) {
    for (id, holder) in &reference.holders {
        let index = bench.state.account_index(id).unwrap();
        assert_eq!(i128::from(bench.state.balance(index).micros()), holder.balance);
        let held: Vec<_> = bench
            .state
            .holdings(index)
            .map(|(it, held)| (it.id, i128::from(held.position.get()), i128::from(held.entry.micros())))
            .collect();
        let need: Vec<_> = holder.holdings.iter().map(|(id, it)| (*id, it.position, it.entry)).collect();
        assert_eq!(held, need);
    }
    assert_eq!(i128::from(bench.state.totals().fees.micros()), reference.fees);
}

#[test]
fn the_exchange_and_its_reference_agree_event_by_event() {
    let asked = std::env::var("CLOCKLESS_INTENTS").ok().and_then(|text| text.parse().ok());
    let intents: u64 = asked.unwrap_or(INTENTS);
    let (mut done, mut seed, mut seen) = (0, 0, Seen::new());
    while done < intents {
        done += run(seed, INTENTS_OF_A_RUN, &mut seen);
        seed += 1;
    }
    let missing: Vec<&str> = HAPPEN.split(' ').filter(|name| !seen.contains_key(*name)).collect();
    assert!(intents < INTENTS || missing.is_empty(), "what is compared has to happen: {missing:?}");
}
