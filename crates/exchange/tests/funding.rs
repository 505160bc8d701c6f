//! Funding: what keeps a perpetual at its index, second by second of data time.

mod support;

use exchange::genesis::FundingParameters;
use num::{Cash, Fix, HOUR_MS, MINUTE_MS};
use support::*;
use wire::{AccountId, Event};

/// A bench whose perpetual trades 0.3 % above its index: 1 is short and 2 is long of 10 BTC.
fn rich(change: impl FnOnce(&mut FundingParameters)) -> Bench {
    let mut rules = FundingParameters { average_ms: 1, ..FundingParameters::default() };
    change(&mut rules);
    let mut bench = Bench::with(|genesis| genesis.funding = Some(rules)).fund();
    bench.act(1, vec![sell(PERPETUAL, 10_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 10_000, AT)]);
    // 64,192 USD on either side of half a tick, ten BTC deep.
    bench.act(3, vec![sell(PERPETUAL, 10_000, 128_385)]);
    bench.act(4, vec![buy(PERPETUAL, 10_000, 128_383)]);
    bench.commit(vec![]);
    bench
}

fn paid(events: &[Event]) -> Vec<(AccountId, Cash)> {
    let of = |event: &Event| match event {
        Event::FundingPaid { account, amount, .. } => Some((*account, *amount)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// Lets time pass in steps of half a minute.
fn pass(bench: &mut Bench, minutes: u64) -> Vec<Event> {
    let from = bench.events.len();
    for _ in 0..2 * minutes {
        bench.now_ms += MINUTE_MS / 2 - 10;
        bench.commit(vec![]);
    }
    bench.events[from..].to_vec()
}

#[test]
fn longs_pay_shorts_what_is_beyond_the_free_band_for_the_time_that_passed() {
    let mut bench = rich(|_| ());
    let before = [bench.balance(1), bench.balance(2)];
    pass(&mut bench, 8 * 60);
    // 0.3 % less 0.025 % of 640,000 USD over eight hours.
    let due = 1_760;
    let [short, long] = [1, 2].map(|user| bench.balance(user));
    let got = short.checked_sub(before[0]).unwrap();
    let gave = before[1].checked_sub(long).unwrap();
    assert!((got.micros() - usdc(due).micros()).abs() < usdc(5).micros(), "the short got {got}");
    let dust = gave.checked_sub(got).unwrap();
    assert!((0..=1_000).contains(&dust.micros()), "{dust} of rounding is the fund's");
    assert_eq!(bench.balance(3), bench.balance(4), "who only quotes pays nothing");
}

#[test]
fn a_perpetual_below_its_index_is_paid_for_by_shorts() {
    let mut bench = rich(|_| ());
    bench.act(3, vec![wire::Action::CancelAll { instrument: None }]);
    bench.act(4, vec![wire::Action::CancelAll { instrument: None }]);
    bench.act(3, vec![sell(PERPETUAL, 10_000, 127_601)]);
    bench.act(4, vec![buy(PERPETUAL, 10_000, 127_599)]);
    let amounts = paid(&pass(&mut bench, 3));
    let of =
        |user: u8| amounts.iter().filter(|(of, _)| *of == account(user)).map(|it| it.1.micros()).sum::<i64>();
    assert!(of(1) < 0 && of(2) > 0, "short {}, long {}", of(1), of(2));
}

#[test]
fn a_thin_or_a_one_sided_book_says_nothing_about_the_price() {
    let mut bench = rich(|rules| rules.impact_micros = usdc(641_931).micros());
    let before = bench.balance(2);
    pass(&mut bench, 10);
    assert_eq!(bench.balance(2), before);
    bench.act(5, vec![buy(PERPETUAL, 1_000, 128_383), sell(PERPETUAL, 1_000, 128_385)]);
    pass(&mut bench, 10);
    assert!(bench.balance(2) < before, "eleven BTC a side are enough");
}

#[test]
fn the_rate_is_capped_and_so_is_the_time_that_a_gap_costs() {
    let mut bench = rich(|rules| rules.cap_billionths = 1_000_000);
    let before = bench.balance(2);
    bench.now_ms += 100 * HOUR_MS;
    bench.commit(vec![]);
    let gave = before.checked_sub(bench.balance(2)).unwrap();
    // A minute of 0.1 % over eight hours on 640,000 USD, and what passed before.
    assert!((1_333_333..1_340_000).contains(&gave.micros()), "{gave}");
}

#[test]
fn who_leaves_between_payments_pays_for_his_time_and_who_comes_pays_from_then_on() {
    let mut bench = rich(|rules| rules.pay_ms = 8 * HOUR_MS);
    pass(&mut bench, 30);
    bench.act(4, vec![wire::Action::CancelAll { instrument: None }]);
    let events = bench.commit(vec![]);
    assert!(paid(&events).is_empty());
    bench.act(2, vec![sell(PERPETUAL, 10_000, 128_200)]);
    let from = bench.events.len();
    bench.act(5, vec![buy(PERPETUAL, 10_000, 128_200)]);
    let left = paid(&bench.events[from..]);
    assert_eq!(left.len(), 1);
    assert!(left[0].0 == account(2) && left[0].1.is_negative());
    let before = bench.balance(5);
    bench.commit(vec![]);
    assert_eq!(bench.balance(5), before, "nothing of the time before is his");
}

#[test]
fn the_mark_follows_the_premium_within_its_bound() {
    let mut bench = rich(|rules| rules.premium_billionths_max = 2_000_000);
    pass(&mut bench, 2);
    let it = bench.state.instrument(PERPETUAL).unwrap();
    assert_eq!(it.funding.premium, Fix::from_raw(2_000_000));
    assert_eq!(it.mark(), Some(usdc(64_128)));
}
