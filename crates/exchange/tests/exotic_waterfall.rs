//! Who cannot cover an exotic: no book closes it, an auction does, and the last resort does; and a vault leaves it alone.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::genesis::VaultParameters;
use num::{Cash, Fix, Side};
use support::exotics::*;
use support::*;
use wire::{Action, Event, ExoticStyle, InstrumentId, Outcome, TradeKind};

/// 6 is short of one unit of a digital that pays the asset, and the price rises far past its strike.
fn ruined() -> (Bench, InstrumentId) {
    let mut bench = bench();
    bench.act(6, vec![faucet(60_000)]);
    let id = list(&mut bench, far(call(ExoticStyle::Asset)));
    let mark = mark(&bench, id).micros() / 500_000;
    deal(&mut bench, (6, 2), (id, 100, mark));
    assert_eq!(bench.position(6, id), -100);
    bench.report(0, 96_000);
    (bench, id)
}

fn wait(bench: &mut Bench, ms: u64) {
    bench.now_ms += ms;
    bench.report(0, 96_000);
}

#[test]
fn an_auction_takes_what_no_book_does() {
    let (mut bench, id) = ruined();
    let started = bench.events.iter().any(|it| matches!(it, Event::LiquidationStarted { .. }));
    assert!(started);
    let rules = bench.state.parameters().liquidation;
    wait(&mut bench, rules.book_ms);
    assert!(bench.events.iter().any(|it| matches!(it, Event::AuctionStarted { .. })));
    let closed = |it: &Event| matches!(it, Event::Traded { trade } if trade.kind == TradeKind::Liquidation);
    assert!(!bench.events.iter().any(closed), "there is no book");
    wait(&mut bench, rules.auction_ms / 2);
    let part = Fix::ONE;
    let take = Action::TakeAuction { account: account(6), part, reward_min: Cash::ZERO };
    assert_eq!(bench.act(3, vec![take]), [Outcome::Done]);
    assert_eq!((bench.position(3, id), bench.position(6, id)), (-100, 0));
}

#[test]
fn the_last_resort_closes_it_with_who_holds_the_other_side() {
    let (mut bench, id) = ruined();
    let rules = bench.state.parameters().liquidation;
    wait(&mut bench, rules.book_ms);
    wait(&mut bench, rules.auction_ms);
    wait(&mut bench, 1_000);
    let deleveraged = bench.events.iter().find_map(|it| match it {
        Event::Deleveraged { account: of, counterparty, instrument, lots, .. } => {
            Some((*of, *counterparty, *instrument, lots.get()))
        }
        _ => None,
    });
    assert_eq!(deleveraged, Some((account(6), account(2), id, 100)));
    assert_eq!((bench.position(2, id), bench.position(6, id)), (0, 0));
    assert_eq!(bench.state.instrument(id).unwrap().open_interest, 0);
}

#[test]
fn a_vault_quotes_no_exotic() {
    let mut bench = Bench::with(|genesis| {
        genesis.exotics = Some(free());
        genesis.vault = Some(VaultParameters { instruments_max: 256, ..VaultParameters::default() });
    })
    .fund();
    let id = list(&mut bench, call(ExoticStyle::American));
    let amount = usdc(500_000);
    assert_eq!(bench.act(1, vec![Action::EnterVault { pool: 0, amount }]), [Outcome::Done]);
    bench.report(0, 64_000);
    let offers = |id| [Side::Buy, Side::Sell].map(|side| bench.state.levels(id, side, 9).len());
    assert_eq!(offers(id), [0, 0]);
    assert_ne!(offers(CALL), [0, 0], "what has a book is quoted");
}
