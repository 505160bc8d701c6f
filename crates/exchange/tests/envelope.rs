//! The margin envelope holds every state that the network may still decide.

mod support;

use exchange::envelope::{Envelope, envelope};
use support::*;
use wire::{Action, SignedIntent};

fn envelope_of(bench: &Bench, pending: &[SignedIntent]) -> Envelope {
    envelope(&bench.state, &account(1), pending)
}

#[test]
fn without_intents_best_and_worst_are_what_is() {
    let mut bench = Bench::funded();
    bench.act(1, vec![buy(PERPETUAL, 1_000, AT)]);
    let found = envelope_of(&bench, &[]);
    assert_eq!(found.best, found.worst);
    let index = bench.state.account_index(&account(1)).unwrap();
    let (equity, margin) = bench.state.margin_summary(index);
    assert_eq!((found.worst.equity, found.worst.initial), (equity, margin.initial));
}

#[test]
fn the_worst_order_is_named_and_leads_there() {
    let mut bench = Bench::funded();
    bench.act(1, vec![buy(PERPETUAL, 1_000, AT)]);
    let out = bench.intent(1, vec![Action::Transfer { subaccount: 4, amount: usdc(300_000) }]);
    let open = bench.intent(1, vec![buy(PERPETUAL, 30_000, AT)]);
    let cancel = bench.intent(1, vec![Action::CancelAll { instrument: None }]);
    let pending = [cancel.clone(), open, out];
    let before = bench.state.totals();
    let found = envelope_of(&bench, &pending);
    assert!(found.is_exact);
    assert_eq!(bench.state.totals(), before, "nothing happened");
    // Money gone and the order there is the worst; no order and the money there is the best.
    assert_eq!(found.best.witness, [cancel.intent.id()]);
    assert_eq!(found.worst.witness.len(), 2);
    assert!(!found.worst.witness.contains(&cancel.intent.id()));
    for id in &found.worst.witness {
        let intent = pending.iter().find(|it| it.intent.id() == *id).unwrap().clone();
        bench.commit(vec![intent]);
    }
    let is = envelope_of(&bench, &[]).worst;
    assert_eq!((is.equity, is.initial), (found.worst.equity, found.worst.initial));
    assert!(is.free() >= 0, "what would not be covered would have been refused");
}

#[test]
fn intents_that_exclude_each_other_are_never_counted_together() {
    let mut bench = Bench::funded();
    let each = usdc(600_000);
    let out =
        |bench: &mut Bench, subaccount| bench.intent(1, vec![Action::Transfer { subaccount, amount: each }]);
    let pending = [out(&mut bench, 4), out(&mut bench, 5)];
    assert_eq!(envelope_of(&bench, &pending).worst.equity, usdc(400_000));
}

#[test]
fn many_intents_are_followed_toward_either_end_and_the_envelope_says_so() {
    let mut bench = Bench::funded();
    bench.act(1, vec![buy(PERPETUAL, 1_000, AT)]);
    let mut pending: Vec<SignedIntent> =
        (1..8).map(|lots| bench.intent(1, vec![buy(PERPETUAL, lots * 100, AT)])).collect();
    pending.push(bench.intent(1, vec![Action::CancelAll { instrument: None }]));
    let found = envelope_of(&bench, &pending);
    assert!(!found.is_exact);
    assert_eq!((found.worst.witness.len(), found.best.witness.len()), (7, 1));
}
