//! Block trades: two signatures, all legs or none, the rules of an order for each.

mod support;

use crypto::SigningKey;
use num::{Cash, Lots, Side, Ticks, Timestamp};
use support::*;
use wire::{
    Action, Atomicity, BlockLeg, BlockOffer, BlockTerms, Boxed, Event, InstrumentId, List, Outcome,
    Permission, Reject, TradeKind,
};

fn leg(instrument: InstrumentId, side: Side, lots: u64, price: i64) -> BlockLeg {
    BlockLeg { instrument, side, price: Ticks::new(price), lots: Lots::new(lots) }
}

fn terms(maker: u8, nonce: u64, legs: Vec<BlockLeg>) -> BlockTerms {
    BlockTerms {
        network: network(),
        maker: account(maker),
        key: key(maker).public_key(),
        nonce,
        taker: None,
        valid_until: Timestamp::MAX,
        legs: List::new(legs).expect("few legs"),
    }
}

fn take(terms: BlockTerms, key: &SigningKey) -> Action {
    Action::TakeBlock { offer: Boxed::new(terms.sign(key)) }
}

/// A straddle that 1 sells.
fn straddle(nonce: u64) -> BlockTerms {
    terms(1, nonce, vec![leg(CALL, Side::Sell, 100, 1_000), leg(PUT, Side::Sell, 100, 900)])
}

#[test]
fn all_legs_trade_at_once_and_money_moves_as_in_a_book() {
    let mut bench = Bench::funded();
    assert_eq!(bench.act(2, vec![take(straddle(900), &key(1))]), [Outcome::Done]);
    assert_eq!([CALL, PUT].map(|id| (bench.position(1, id), bench.position(2, id))), [(-100, 100); 2]);
    let trades = bench
        .events
        .iter()
        .filter(|it| matches!(it, Event::Traded { trade } if trade.kind == TradeKind::Block));
    assert_eq!(trades.count(), 2);
    // 1,900 ticks of half a dollar on one BTC, less fees.
    let paid = usdc(1_000_000).checked_sub(bench.balance(2)).unwrap();
    assert!(paid > usdc(950) && paid < usdc(1_000), "{paid}");
    assert!(bench.state.levels(CALL, Side::Sell, 9).is_empty(), "no book has seen it");
}

#[test]
fn a_leg_that_breaks_a_rule_undoes_them_all() {
    let mut bench = Bench::funded();
    let mut legs = straddle(601).legs.into_vec();
    legs.push(leg(PERPETUAL, Side::Buy, 10, 1));
    let refused = bench.reject_of(2, take(terms(1, 601, legs), &key(1)));
    assert!(matches!(refused, Some(Reject::PriceOutsideBand { .. })));
    assert_eq!([1, 2].map(|user| bench.balance(user)), [usdc(1_000_000); 2]);
    assert_eq!(bench.position(1, CALL), 0);
    assert_eq!(bench.act(2, vec![take(straddle(601), &key(1))]), [Outcome::Done], "its number was not used");
}

#[test]
fn an_offer_trades_once_also_beside_intents_of_the_same_key() {
    let mut bench = Bench::funded();
    bench.act(2, vec![take(straddle(700), &key(1))]);
    assert_eq!(bench.reject_of(3, take(straddle(700), &key(1))), Some(Reject::NonceUsed { have: 700 }));
    let group = vec![take(straddle(701), &key(1)), faucet(0)];
    let intent = bench.intent_of(3, group, Atomicity::AllOrNothing);
    bench.commit(vec![intent]);
    assert_eq!(bench.position(3, CALL), 0);
    assert_eq!(bench.act(3, vec![take(straddle(701), &key(1))]), [Outcome::Done], "the group gave it back");
}

#[test]
fn who_did_not_sign_does_not_trade() {
    let mut bench = Bench::funded();
    let unsigned = Some(Reject::OfferUnsigned);
    assert_eq!(bench.reject_of(2, take(straddle(601), &key(3))), unsigned, "another key");
    assert_eq!(bench.reject_of(1, take(straddle(601), &key(1))), unsigned, "with oneself");
    let BlockOffer { terms, signature } = straddle(601).sign(&key(1));
    let dearer = BlockTerms { legs: List::new(vec![leg(CALL, Side::Sell, 100, 1_100)]).unwrap(), ..terms };
    let changed = Action::TakeBlock { offer: Boxed::new(BlockOffer { terms: dearer, signature }) };
    assert_eq!(bench.reject_of(2, changed), unsigned, "another price");
    let by_session = |bench: &mut Bench| {
        let terms = BlockTerms { key: key(77).public_key(), ..straddle(605) };
        bench.reject_of(2, take(terms, &key(77)))
    };
    assert_eq!(by_session(&mut bench), unsigned);
    let (session, permission) = (key(77).public_key(), Permission::Trade);
    bench.act(1, vec![Action::RegisterKey { key: session, permission, valid_until: Timestamp::MAX }]);
    assert_eq!(by_session(&mut bench), None);
}

#[test]
fn an_offer_is_for_whom_and_until_when_it_says_and_for_this_network() {
    let mut bench = Bench::funded();
    let for_three = BlockTerms { taker: Some(account(3)), ..straddle(601) };
    assert_eq!(bench.reject_of(2, take(for_three.clone(), &key(1))), Some(Reject::OfferNotForAccount));
    assert_eq!(bench.reject_of(3, take(for_three, &key(1))), None);
    let late = BlockTerms { valid_until: Timestamp::from_millis(START_MS), ..straddle(602) };
    assert!(matches!(bench.reject_of(2, take(late, &key(1))), Some(Reject::Expired { .. })));
    let elsewhere = BlockTerms { network: crypto::Digest::ZERO, ..straddle(603) };
    assert!(matches!(bench.reject_of(2, take(elsewhere, &key(1))), Some(Reject::WrongNetwork { .. })));
}

#[test]
fn both_sides_are_margined_for_the_whole() {
    let mut bench = Bench::funded();
    let large = terms(1, 601, vec![leg(PERPETUAL, Side::Sell, 200_000, AT)]);
    assert!(matches!(bench.reject_of(2, take(large, &key(1))), Some(Reject::MarginTooLow { .. })));
    // Long and short of the same size need little, however large the legs are.
    let spread = vec![leg(PERPETUAL, Side::Sell, 60_000, AT), leg(FUTURE, Side::Buy, 60_000, 128_640)];
    assert_eq!(bench.reject_of(2, take(terms(1, 601, spread), &key(1))), None);
    assert_eq!(bench.position(2, FUTURE), -60_000);
    assert_ne!(bench.balance(2), Cash::ZERO);
}
