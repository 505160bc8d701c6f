//! The exchange and its slow reference say the same, event by event, whatever users ask for.
//!
//! `CLOCKLESS_INTENTS=1000000 cargo test --release -p clockless-exchange --test agreement` compares a million.

#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod drawn;
mod reference;
mod support;

use std::collections::BTreeMap;

use drawn::{
    Draw, any_beginning, any_intent, any_words,
    rules::{begun, has_exotics, is_wild},
};
use num::{DAY_MS, HOUR_MS};
use reference::Reference;
use support::*;
use wire::{Event, Outcome};

/// Intents compared where nothing else is asked for, and those of one run before all begins anew.
const INTENTS: u64 = 16_000;
const INTENTS_OF_A_RUN: u64 = 400;

/// What must have happened among as many as are compared anyway, beside what cannot be missed.
const HAPPEN: &str = "AmendBelowFilled AsianFixed Assigned AuctionStarted AuctionTaken BarrierTouched Block BookFull Combo ComboLimit Deleveraged Delisted \
    Delivered DisplayOutOfRange Enacted Exercised ExoticLimit ExoticListed Expired FundingPaid GroupFailed Halted IndexMoved InstrumentClosed InstrumentExpired \
    InsurancePaid KeyExpired LabelInUse Legs Liquidating LiquidationEnded LiquidationStarted \
    MarginModelSet MarginTooLow NoAuction NoBook NoMark NoVault NoVolatilityPrice NotFillable OpenInterestLimit \
    OpenOrderLimit Opening Order OrderRefused OrderTriggered OtherPool ParameterOutOfRange Paused PositionLimit PositionSettled \
    PositionTooLarge PostOnlyWouldTrade PrimaryEnded ProposalLimit ProposalPassed ProtectionFrozen ProtectionTripped Quoted \
    ReduceOnlyWouldOpen Reopened Repeated Rival SelfTrade Switch Transferred UnknownParameter UnknownProposal VaultEntered VaultLeft VaultLocked \
    VaultShares WithdrawalPaid";

/// What happened how often, by the names that events, rejects and ends have in the code.
type Seen = BTreeMap<String, u64>;

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
        Event::ProposalEnded { is_enacted: true, .. } => count("Enacted".to_owned()),
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
