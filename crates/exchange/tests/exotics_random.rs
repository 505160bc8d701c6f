//! Any exotics, offers of them and exercises, at any prices and over any time: every invariant holds after every commit,
//! and a state that was saved and read back goes on alike.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::{Genesis, Input, Listing, LoadError, LoadReason, State};
use num::{Lots, MINUTE_MS, Side};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use support::exotics::*;
use support::*;
use tree::{Changes, Map};
use wire::{Action, Atomicity, Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, Knock, OptionRight};

/// What somebody wants, as numbers.
#[derive(Clone, Debug)]
enum Wish {
    Create(usize),
    /// An offer of one exotic, with a hedge or without: lots, and a price away from the mark in half dollars.
    Offer {
        maker: u8,
        exotic: usize,
        side: Side,
        lots: u64,
        away: i64,
        hedge: bool,
    },
    Exercise {
        exotic: usize,
        lots: u64,
    },
    Auction {
        of: u8,
        thousandths: i64,
    },
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let lots = || prop_oneof![12 => 0..60_u64, 2 => 0..4_000_u64, 1 => any::<u64>()];
    let away = prop_oneof![8 => -40..40_i64, 1 => any::<i64>()];
    prop_oneof![
        // One of four is American.
        4 => prop_oneof![3 => 0..40_usize, 1 => 8..12_usize].prop_map(Wish::Create),
        10 => (1..7_u8, 0..12_usize, side, lots(), away, any::<bool>()).prop_map(
            |(maker, exotic, side, lots, away, hedge)| Wish::Offer { maker, exotic, side, lots, away, hedge }
        ),
        6 => (0..12_usize, prop_oneof![6 => 1..9_u64, 1 => lots()])
            .prop_map(|(exotic, lots)| Wish::Exercise { exotic, lots }),
        2 => (1..7_u8, -1..1_100_i64).prop_map(|(of, thousandths)| Wish::Auction { of, thousandths }),
    ]
}

/// Who wants what in a commit, how long after the last, at which index.
type Turn = (Vec<(u8, Wish, bool)>, u64, i64);

fn any_turn() -> impl Strategy<Value = Turn> {
    let wishes = vec((1..7_u8, any_wish(), any::<bool>()), 0..6);
    let minutes = prop_oneof![12 => 0..8_u64, 2 => 0..300_u64, 1 => 0..12_000_u64];
    (wishes, minutes, prop_oneof![4 => 62_000..66_500_i64, 1 => 30_000..120_000_i64])
}

/// Terms of all styles around 64,000, of both expiries; a few that are refused.
fn terms(number: usize) -> ExoticTerms {
    let (rises, falls) = (Crossing::Rises, Crossing::Falls);
    let styles = [
        ExoticStyle::Cash { amount: usdc(1_000) },
        ExoticStyle::Asset,
        ExoticStyle::American,
        barrier(rises, Knock::Out, 66_000, 300),
        barrier(rises, Knock::In, 66_000, 0),
        barrier(falls, Knock::Out, 62_000, 0),
        barrier(falls, Knock::In, 62_000, 250),
        ExoticStyle::Asian { fixings: 2 },
        ExoticStyle::Asian { fixings: 15 },
        ExoticStyle::Cash { amount: usdc(-1) },
    ];
    let right = if number.is_multiple_of(2) { OptionRight::Call } else { OptionRight::Put };
    let near = support::exotics::terms(right, styles[(number / 4) % styles.len()]);
    if (number / 2).is_multiple_of(2) { far(near) } else { near }
}

fn begun() -> Genesis {
    let rules = exchange::genesis::ExoticParameters { open_max: 12, idle_ms: 90 * MINUTE_MS, ..free() };
    let mut genesis = genesis_with(rules);
    genesis.liquidation.book_ms = 20;
    genesis.liquidation.auction_ms = 40;
    genesis.limits.position_lots_max = 3_000;
    genesis
}

fn action(bench: &mut Bench, wish: &Wish) -> Option<Action> {
    // Mostly one that is open.
    let exotics = || bench.state.instruments().iter().filter(|it| it.exotic.is_some());
    let open = exotics().filter(|it| it.listing == Listing::Open);
    let listed: Vec<InstrumentId> = open.chain(exotics().take(1)).map(|it| it.id).collect();
    let of = |number: usize| listed.get(number % listed.len().max(1)).copied();
    Some(match *wish {
        Wish::Create(number) => create(terms(number)),
        Wish::Offer { maker, exotic, side, lots, away, hedge } => {
            let id = of(exotic)?;
            let mark = bench.state.instrument(id)?.mark().map_or(0, |mark| mark.micros() / 500_000);
            let mut legs = vec![leg(id, side, lots, mark.saturating_add(away).max(1))];
            let index = bench.state.underlying_of(BTC)?.index.micros() / 500_000;
            legs.extend(hedge.then(|| leg(PERPETUAL, side.opposite(), lots, index)));
            offer(bench, maker, legs)
        }
        Wish::Exercise { exotic, lots } => {
            Action::Exercise { instrument: of(exotic)?, lots: Lots::new(lots) }
        }
        Wish::Auction { of, thousandths } => Action::TakeAuction {
            account: account(of),
            part: num::Fix::from_raw(thousandths * 1_000_000),
            reward_min: num::Cash::ZERO,
        },
    })
}

/// Plays turns; the leaves that were told of are always those that there are.
fn play(turns: &[Turn], saves: bool) -> (Bench, crypto::Digest) {
    let genesis = begun();
    let mut bench = Bench::with(|it| *it = genesis.clone());
    for user in 1..=6 {
        bench.act(user, vec![faucet(12_000)]);
    }
    let mut tree = Map::new();
    for (wishes, minutes, usd) in turns {
        bench.now_ms += minutes * MINUTE_MS;
        bench.report(0, *usd);
        let mut intents = Vec::new();
        for (user, wish, together) in wishes {
            let Some(action) = action(&mut bench, wish) else { continue };
            let atomicity = if *together { Atomicity::AllOrNothing } else { Atomicity::Independent };
            // A group of two, of which the second is refused half of the time.
            let second = faucet(i64::from(*user % 2));
            intents.push(bench.intent_of(*user, vec![action, second], atomicity));
        }
        bench.commit(intents);
        let mut changes = Changes::new();
        bench.state.take_changes(|key, value| changes.add(key.path(), value.as_deref()));
        tree.update(changes);
        if saves {
            reload(&mut bench, &genesis);
        }
    }
    let (mut anew, mut leaves) = (Map::new(), Changes::new());
    bench.state.leaves(|key, value| leaves.add(key.path(), Some(&value)));
    anew.update(leaves);
    assert_eq!(anew.root(), tree.root(), "the leaves are those that were told of");
    (bench, tree.root())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exotics_keep_every_invariant_and_money_is_where_it_was(turns in vec(any_turn(), 1..24)) {
        let (bench, root) = play(&turns, false);
        let totals = bench.state.totals();
        let held = totals.accounts + [totals.fees, totals.insurance, totals.funding, totals.clearing]
            .iter().map(|purse| i128::from(purse.micros())).sum::<i128>();
        prop_assert_eq!(held, i128::from(totals.deposits.micros()));
        let (again, root_again) = play(&turns, true);
        prop_assert_eq!(root, root_again);
        prop_assert_eq!(bench.events, again.events);
        prop_assert!(saved(&bench.state) == saved(&again.state));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_exotics_that_were_changed_are_a_sound_state_or_an_error(
        turns in vec(any_turn(), 1..8),
        changes in vec((any::<usize>(), any::<u8>()), 200),
    ) {
        let (bench, _) = play(&turns, false);
        let bytes = saved(&bench.state);
        for (at, with) in changes {
            let mut changed = bytes.clone();
            changed[at % bytes.len()] = with;
            let Ok((state, _)) = read_back(&begun(), &changed) else { continue };
            let (mut then, now_ms) = (Bench::with(|it| *it = begun()), bench.now_ms);
            (then.state, then.now_ms) = (state, now_ms + MINUTE_MS);
            then.report(0, 64_000);
        }
    }
}

#[test]
fn a_state_that_counts_fewer_receipts_ends_before_its_bytes_do() {
    const ROOT: usize = 8 + 32;
    let (bench, _) = play(&[(Vec::new(), 0, 64_000)], false);
    let mut bytes = saved(&bench.state);
    // Roots of receipts are the last that is saved: how many there are, and of each its commit and itself.
    let roots =
        (1..=bench.state.commit()).filter(|commit| bench.state.receipts_of(*commit).is_some()).count();
    let count = bytes.len() - roots * ROOT - 1;
    assert_eq!(usize::from(bytes[count]), roots);
    bytes[count] -= 1;
    let read = bytes.len() - ROOT;
    assert_eq!(read_back(&begun(), &bytes).unwrap().1, read);
    let mut input = Input::new(&bytes);
    State::load(&begun(), network(), &mut input).unwrap();
    let left_over = LoadError { at: read, reason: LoadReason::LeftOver { have: ROOT } };
    assert_eq!(input.finish(), Err(left_over), "which is what a snapshot's reader asks");
}

#[test]
fn what_is_drawn_reaches_every_part_of_a_life() {
    let mut runner = TestRunner::deterministic();
    let mut counts = [0; 7];
    for _ in 0..40 {
        let turns = vec(any_turn(), 12..24).new_tree(&mut runner).unwrap().current();
        for event in play(&turns, false).0.events {
            match event {
                Event::ExoticListed { .. } => counts[0] += 1,
                Event::BarrierTouched { .. } => counts[1] += 1,
                Event::AsianFixed { .. } => counts[2] += 1,
                Event::Exercised { .. } => counts[3] += 1,
                Event::Assigned { .. } => counts[4] += 1,
                Event::PositionSettled { .. } => counts[5] += 1,
                Event::PositionTransferred { .. } => counts[6] += 1,
                _ => {}
            }
        }
    }
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}
