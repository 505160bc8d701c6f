//! Requests and quotes without a network.

use num::{Cash, Fix, Side};
use wire::{AccountId, InstrumentId};

use super::*;

const NOW: u64 = 1_000;
const TAKER: u16 = 1;
const MAKER: u16 = 2;
const OTHER: u16 = 3;

fn account(subaccount: u16) -> AccountId {
    AccountId { subaccount, ..AccountId::default() }
}

fn party(subaccount: u16) -> Party {
    Party { account: account(subaccount), name: format!("desk-{subaccount}"), disclosure: Disclosure::Named }
}

fn units(tenths: i64) -> Fix {
    Fix::from_raw(tenths * 100_000_000)
}

/// A call bought and two calls sold, three structures of them.
fn spread() -> NewRequest {
    let leg = |id, side, tenths| Leg {
        instrument: InstrumentId(id),
        side,
        ratio: units(tenths).raw(),
        lot: units(1),
    };
    let legs = vec![leg(0, Side::Buy, 30), leg(1, Side::Sell, 60)];
    NewRequest { taker: party(TAKER), legs, hedge: None, makers: Vec::new(), label: String::new() }
}

fn priced(first: i64, second: i64) -> Vec<PricedLeg> {
    let leg = |id, side, usd| PricedLeg {
        instrument: InstrumentId(id),
        side,
        price: Cash::from_micros(usd * 1_000_000),
    };
    vec![leg(0, Side::Buy, first), leg(1, Side::Sell, second)]
}

/// An answer of the maker's, who sells the structure at the price of the first leg less twice ten.
fn sale(maker: u16, first: i64, amount: Fix) -> NewQuote {
    NewQuote {
        request: 1,
        maker: party(maker),
        client_id: format!("key-{maker}"),
        offer: Priced { side: Side::Sell, legs: priced(first, 10), amount },
        execution: Execution::AnyPart,
        label: "a".into(),
        expires_ms: None,
    }
}

fn buy(usd: i64, amount: Fix) -> Acceptance {
    Acceptance { side: Side::Buy, price: Cash::from_micros(usd * 1_000_000), amount }
}

fn opened() -> RequestBook {
    let mut book = RequestBook::default();
    assert_eq!(book.create(spread(), NOW), Ok(1));
    book
}

#[test]
fn a_structure_is_its_legs_in_whole_ratios() {
    let book = opened();
    let request = book.request(1).unwrap();
    assert_eq!(request.amount, units(30));
    assert_eq!(request.legs.iter().map(|leg| leg.ratio).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(request.step(), units(1));
    let prices = request.prices(&priced(100, 10)).unwrap();
    assert_eq!(request.price(&prices), Some(Cash::from_micros(80_000_000)));
    assert_eq!(request.prices(&priced(100, 10)[..1]), None);
}

#[test]
fn the_least_amount_leaves_every_leg_in_whole_lots() {
    let mut request = opened().request(1).unwrap().clone();
    request.legs[0].lot = Fix::from_raw(4);
    request.legs[1] = Leg { lot: Fix::from_raw(6), ratio: 2, ..request.legs[1] };
    assert_eq!(request.step(), Fix::from_raw(12));
}

#[test]
fn the_best_price_is_taken_first_and_only_as_far_as_wanted() {
    let mut book = opened();
    book.quote(sale(MAKER, 102, units(20)), NOW).unwrap();
    book.quote(sale(OTHER, 101, units(20)), NOW).unwrap();
    let taken = book.take(&account(TAKER), 1, buy(82, units(30))).unwrap();
    let taken: Vec<(u64, Fix)> = taken.iter().map(|(quote, part)| (quote.id, *part)).collect();
    assert_eq!(taken, [(2, units(20)), (1, units(10))]);
}

#[test]
fn what_cannot_be_had_whole_at_the_price_is_not_taken() {
    let mut book = opened();
    book.quote(sale(MAKER, 102, units(20)), NOW).unwrap();
    book.quote(NewQuote { execution: Execution::AllOrNone, ..sale(OTHER, 101, units(20)) }, NOW).unwrap();
    for (price, amount, have) in [(81, 30, 20), (80, 10, 0), (82, 30, 30)] {
        let wanted = buy(price, units(amount));
        match book.take(&account(TAKER), 1, wanted) {
            Ok(taken) => {
                assert_eq!(have, amount);
                book.finish(1, &taken, Ending::Refused);
            }
            Err(error) => {
                assert_eq!(error, RfqError::NotFillable { have: units(have), need: units(amount) });
            }
        }
    }
}

#[test]
fn a_request_that_trades_lets_nobody_change_it() {
    let mut book = opened();
    book.quote(sale(MAKER, 100, units(30)), NOW).unwrap();
    let taken = book.take(&account(TAKER), 1, buy(80, units(30))).unwrap();
    let busy = RfqError::RequestTrading { have: 1 };
    assert_eq!(book.cancel_quote(&account(MAKER), 1, NOW), Err(busy.clone()));
    assert_eq!(book.edit_quote(&account(MAKER), 1, (priced(99, 10), units(30)), NOW), Err(busy.clone()));
    assert_eq!(book.take(&account(TAKER), 1, buy(80, units(30))).unwrap_err(), busy);
    book.finish(1, &taken, Ending::Traded { at_ms: 7 });
    let request = book.request(1).unwrap();
    assert_eq!((request.state, request.traded_ms, request.deals.len()), (RequestState::Filled, 7, 1));
    assert_eq!(book.quotes().next().map(|it| (it.state, it.filled)), Some((QuoteState::Filled, units(30))));
}

#[test]
fn a_refusal_leaves_everything_as_it_was_and_an_unknown_outcome_ends_it() {
    for (ending, state) in [(Ending::Refused, RequestState::Open), (Ending::Unknown, RequestState::Cancelled)]
    {
        let mut book = opened();
        book.quote(sale(MAKER, 100, units(30)), NOW).unwrap();
        let taken = book.take(&account(TAKER), 1, buy(80, units(30))).unwrap();
        book.finish(1, &taken, ending);
        assert_eq!(book.request(1).map(|it| it.state), Some(state));
        let can_trade = book.take(&account(TAKER), 1, buy(80, units(30))).is_ok();
        assert_eq!(can_trade, ending == Ending::Refused);
    }
}

#[test]
fn only_who_is_asked_answers_and_only_who_asked_takes() {
    let mut book = RequestBook::default();
    book.create(NewRequest { makers: vec!["desk-2".into()], ..spread() }, NOW).unwrap();
    let hidden = RfqError::UnknownRequest { have: 1 };
    assert_eq!(book.quote(sale(OTHER, 100, units(30)), NOW), Err(hidden.clone()));
    assert_eq!(book.quote(sale(TAKER, 100, units(30)), NOW), Err(RfqError::OwnRequest));
    assert_eq!(book.quote(sale(MAKER, 100, units(30)), NOW), Ok(1));
    assert_eq!(book.cancel(&account(OTHER), 1), Err(hidden.clone()));
    assert_eq!(book.take(&account(OTHER), 1, buy(80, units(30))).unwrap_err(), hidden);
    assert_eq!(book.cancel_quote(&account(OTHER), 1, NOW), Err(RfqError::UnknownQuote { have: 1 }));
    assert_eq!(book.makers().collect::<Vec<_>>(), ["desk-2"]);
}

#[test]
fn a_quote_has_the_legs_and_the_amounts_of_its_request() {
    let mut book = opened();
    let mut other = sale(MAKER, 100, units(30));
    other.offer.legs[1].side = Side::Buy;
    assert_eq!(book.quote(other, NOW), Err(RfqError::OtherLegs));
    let step = |raw| RfqError::AmountStep { have: Fix::from_raw(raw), need: units(1) };
    assert_eq!(book.quote(sale(MAKER, 100, Fix::from_raw(5)), NOW), Err(step(5)));
    assert_eq!(book.quote(sale(MAKER, 100, Fix::ZERO), NOW), Err(step(0)));
    let large = RfqError::AmountTooLarge { have: units(31), need: units(30) };
    assert_eq!(book.quote(sale(MAKER, 100, units(31)), NOW), Err(large));
    let mut dear = sale(MAKER, 100, units(30));
    dear.offer.legs[0].price = Cash::MAX;
    dear.offer.legs[1].price = Cash::MIN;
    assert_eq!(book.quote(dear, NOW), Err(RfqError::PriceTooLarge));
}

#[test]
fn what_has_stood_its_time_ends() {
    let mut book = opened();
    book.quote(NewQuote { expires_ms: Some(NOW + 5), ..sale(MAKER, 100, units(30)) }, NOW).unwrap();
    book.quote(sale(OTHER, 101, units(30)), NOW).unwrap();
    assert_eq!(book.expire(NOW + 4), Vec::<u64>::new());
    assert_eq!(book.expire(NOW + 5), [1]);
    assert_eq!(book.best(1, Side::Sell).len(), 1);
    assert_eq!(book.expire(NOW + SPAN_MS), [1]);
    assert_eq!(book.request(1).map(|it| it.state), Some(RequestState::Expired));
    assert!(book.quotes().all(|it| it.state == QuoteState::Expired));
    assert_eq!(book.cancel(&account(TAKER), 1), Err(RfqError::RequestEnded { have: 1 }));
}

#[test]
fn what_one_account_keeps_here_is_bounded() {
    let mut book = RequestBook::default();
    for _ in 0..OPEN_MAX {
        book.create(spread(), NOW).unwrap();
    }
    let full = RfqError::RequestLimit { have: OPEN_MAX, need: OPEN_MAX };
    assert_eq!(book.create(spread(), NOW), Err(full));
    for _ in 0..QUOTES_MAX {
        book.quote(sale(MAKER, 100, units(30)), NOW).unwrap();
    }
    let full = RfqError::QuoteLimit { have: QUOTES_MAX, need: QUOTES_MAX };
    assert_eq!(book.quote(sale(MAKER, 100, units(30)), NOW), Err(full));
}

/// A book with one request of the spread, hedged with a tenth less than its amount.
fn hedged() -> RequestBook {
    let hedge = Hedge {
        instrument: InstrumentId(7),
        side: Side::Sell,
        amount: Fix::from_raw(1_200_000_000),
        price: Cash::from_micros(64_000_000_000),
        lot: Fix::from_raw(100_000_000),
    };
    let mut book = RequestBook::default();
    assert_eq!(book.create(NewRequest { hedge: Some(hedge), ..spread() }, NOW), Ok(1));
    book
}

#[test]
fn parts_of_a_hedged_structure_have_a_hedge_in_whole_lots() {
    let book = hedged();
    let request = book.request(1).expect("it is open");
    // Thirty steps of a tenth go with twelve lots: five steps with two.
    assert_eq!((request.amount, request.step()), (units(30), units(5)));
    let lots = |tenths| request.hedge_of(units(tenths)).map(|(_, amount)| amount.raw() / 100_000_000);
    assert_eq!([lots(5), lots(10), lots(30)], [Some(2), Some(4), Some(12)]);
    assert_eq!(check_amount(request, units(4)), Err(RfqError::AmountStep { have: units(4), need: units(5) }));
    let plain = Request { hedge: None, ..request.clone() };
    assert_eq!((plain.step(), plain.hedge_of(units(5))), (units(1), None));
}

fn state_of(book: &RequestBook) -> Option<TriggerState> {
    book.request(1).and_then(|it| it.triggers.foremost()).map(|it| it.state.clone())
}

#[test]
fn an_acceptance_that_waits_is_taken_once_and_by_the_quote_that_fills_it() {
    let mut book = hedged();
    assert_eq!(
        book.wait(&account(OTHER), 1, (buy(80, units(30)), "key")),
        Err(RfqError::UnknownRequest { have: 1 })
    );
    assert_eq!(book.wait(&account(TAKER), 1, (buy(79, units(30)), "key")), Ok(()));
    assert_eq!(book.wait(&account(TAKER), 1, (buy(80, units(30)), "key")), Ok(()));
    assert_eq!(book.quote(sale(MAKER, 101, units(30)), NOW), Ok(1));
    assert_eq!(book.quote(sale(MAKER, 100, units(20)), NOW), Ok(2));
    assert!(book.take_due().is_empty(), "a third of it cannot be had");
    assert_eq!(book.quote(sale(OTHER, 99, units(10)), NOW), Ok(3));
    let due = book.take_due();
    let taken: Vec<(u64, Fix)> = due[0].taken.iter().map(|(quote, part)| (quote.id, *part)).collect();
    assert_eq!((due.len(), due[0].client_id.as_str()), (1, "key"));
    assert_eq!(taken, [(3, units(10)), (2, units(20))]);
    assert!(book.take_due().is_empty(), "it trades already");
    book.finish_due(&due[0], (Ending::Traded { at_ms: 9 }, ""));
    assert_eq!(state_of(&book), Some(TriggerState::Taken));
    assert_eq!(book.request(1).map(|it| it.state), Some(RequestState::Filled));
}

#[test]
fn what_waits_ends_with_its_request_by_its_taker_or_by_a_refusal() {
    let reason = |text: &str| Some(TriggerState::Cancelled { reason: text.to_owned() });
    let mut book = hedged();
    assert_eq!(book.cancel_trigger(&account(TAKER), 1, None), Err(RfqError::NoTrigger { have: 1 }));
    assert_eq!(book.wait(&account(TAKER), 1, (buy(80, units(30)), "key")), Ok(()));
    assert_eq!(book.cancel_trigger(&account(TAKER), 1, None), Ok(()));
    assert_eq!(state_of(&book), reason("user_request"));
    assert_eq!(book.quote(sale(MAKER, 100, units(30)), NOW), Ok(1));
    assert!(book.take_due().is_empty());

    assert_eq!(book.wait(&account(TAKER), 1, (buy(80, units(30)), "key")), Ok(()));
    let due = book.take_due();
    book.finish_due(&due[0], (Ending::Refused, "too little margin"));
    assert_eq!(state_of(&book), reason("too little margin"));
    assert_eq!(book.request(1).map(|it| it.state), Some(RequestState::Open));
    assert!(book.take_due().is_empty(), "what was refused is not tried again");

    assert_eq!(book.wait(&account(TAKER), 1, (buy(70, units(30)), "key")), Ok(()));
    book.expire(u64::MAX);
    assert_eq!(state_of(&book), reason("expired"));
}

#[test]
fn one_acceptance_may_wait_on_each_side_and_one_trade_ends_both() {
    let sell = |usd| Acceptance { side: Side::Sell, ..buy(usd, units(30)) };
    let states = |book: &RequestBook| -> Vec<(Side, &'static str)> {
        let triggers = book.request(1).into_iter().flat_map(|it| it.triggers.iter());
        triggers.map(|it| (it.wanted.side, it.state.word())).collect()
    };
    let mut book = hedged();
    for wanted in [buy(70, units(30)), sell(90), buy(80, units(30))] {
        assert_eq!(book.wait(&account(TAKER), 1, (wanted, "key")), Ok(()));
    }
    assert_eq!(states(&book), [(Side::Sell, "untriggered"), (Side::Buy, "untriggered")]);
    assert_eq!(book.cancel_trigger(&account(TAKER), 1, Some(Side::Sell)), Ok(()));
    assert_eq!(states(&book), [(Side::Sell, "cancelled"), (Side::Buy, "untriggered")]);
    assert_eq!(book.wait(&account(TAKER), 1, (sell(90), "key")), Ok(()));
    assert_eq!(book.quote(sale(MAKER, 100, units(30)), NOW), Ok(1));
    let due = book.take_due();
    assert_eq!((due.len(), due[0].side), (1, Side::Buy));
    book.finish_due(&due[0], (Ending::Traded { at_ms: 9 }, ""));
    assert_eq!(states(&book), [(Side::Buy, "triggered"), (Side::Sell, "cancelled")]);
}
