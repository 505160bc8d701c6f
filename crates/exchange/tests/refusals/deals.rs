//! Block trades and combos.

use exchange::genesis::ComboParameters;
use num::{Lots, Side, Ticks, Timestamp};
use wire::{AccountId, Action, BlockLeg, BlockTerms, Boxed, ComboLeg, InstrumentId, List, Outcome, Reject};

use super::{Row, told};
use crate::support::*;

/// What user 2 offers to user 1: a call, or what a change makes of it.
fn offered(bench: &mut Bench, change: impl FnOnce(&mut BlockTerms)) -> Option<Reject> {
    let leg = BlockLeg { instrument: CALL, side: Side::Sell, price: Ticks::new(1_000), lots: Lots::new(1) };
    let mut terms = BlockTerms {
        network: network(),
        maker: account(2),
        key: key(2).public_key(),
        nonce: bench.next_nonce(),
        taker: None,
        valid_until: Timestamp::MAX,
        legs: List::new(vec![leg]).expect("one leg"),
    };
    change(&mut terms);
    bench.reject_of(1, Action::TakeBlock { offer: Boxed::new(terms.sign(&key(2))) })
}

fn combining() -> Bench {
    let rules = ComboParameters { open_max: 1, ..ComboParameters::default() };
    Bench::with(|genesis| genesis.combos = Some(rules)).fund()
}

fn combo(legs: &[(InstrumentId, i64)]) -> Action {
    let legs = legs.iter().map(|(instrument, ratio)| ComboLeg { instrument: *instrument, ratio: *ratio });
    Action::CreateCombo { legs: List::new(legs.collect()).expect("few legs") }
}

pub const ROWS: &[Row] = &[
    ("OfferUnsigned", || offered(&mut Bench::funded(), |terms| terms.key = key(3).public_key())),
    ("OfferNotForAccount", || {
        let another = AccountId { subaccount: 7, ..account(1) };
        offered(&mut Bench::funded(), |terms| terms.taker = Some(another))
    }),
    ("CombosClosed", || told(combo(&[(CALL, 1), (PUT, 1)]))),
    ("ComboLegs", || combining().reject_of(1, combo(&[(CALL, 1), (CALL, -1)]))),
    ("ComboRatios", || combining().reject_of(1, combo(&[(CALL, 2), (PUT, 3)]))),
    ("ComboLimit", || {
        let mut bench = combining();
        assert_eq!(bench.reject_of(1, combo(&[(CALL, 1), (PUT, 1)])), None);
        bench.reject_of(1, combo(&[(CALL, 1), (PUT, -1)]))
    }),
    ("ComboInOffer", || {
        let mut bench = combining();
        let listed = bench.act(1, vec![combo(&[(CALL, 1), (PUT, 1)])]).pop();
        let Some(Outcome::Combo { instrument, .. }) = listed else { return None };
        let leg = BlockLeg { instrument, side: Side::Buy, price: Ticks::new(1), lots: Lots::new(1) };
        offered(&mut bench, |terms| terms.legs = List::new(vec![leg]).expect("one leg"))
    }),
];
