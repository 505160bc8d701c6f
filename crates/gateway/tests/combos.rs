//! Combos through a gateway: listed and described, quoted below zero, traded on both sides, and refused.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, http::Answer, ws::Client};

const CREATE: &str = "private/create_combo";

fn trade(name: &str, direction: &str, amount: f64) -> Value {
    json!({ "instrument_name": name, "direction": direction, "amount": amount })
}

/// The future bought and the perpetual sold.
fn spread(venue: &Venue) -> Value {
    json!({ "trades": [trade(&venue.names[1], "buy", 1.0), trade(PERPETUAL, "sell", 1.0)] })
}

/// The name of a combo that the trader lists.
async fn listed(venue: &Venue, trades: &Value) -> String {
    let answer = venue.private("trader", CREATE, trades).await;
    answer.result()["id"].as_str().expect("a name").to_owned()
}

fn order(name: &str, (amount, price): (f64, f64)) -> Value {
    json!({ "instrument_name": name, "amount": amount, "type": "limit", "price": price })
}

async fn balance(venue: &Venue) -> f64 {
    let summaries = venue.private("trader", "private/get_account_summaries", &json!({})).await;
    summaries.result()["summaries"][0]["balance"].as_f64().expect("a balance")
}

async fn size(venue: &Venue, client_id: &str, instrument: &str) -> Value {
    let named = json!({ "instrument_name": instrument });
    venue.private(client_id, "private/get_position", &named).await.result()["size"].clone()
}

/// What the trader's last trade in a leg was at.
async fn leg_price(venue: &Venue, instrument: &str) -> f64 {
    let asked = json!({ "instrument_name": instrument });
    let trades = venue.private("trader", "private/get_user_trades_by_instrument", &asked).await;
    trades.result()["trades"][0]["price"].as_f64().expect("a trade")
}

async fn ids(venue: &Venue, state: &str) -> Value {
    let asked = json!({ "currency": "BTC", "state": state });
    venue.public("public/get_combo_ids", &asked).await.result().clone()
}

#[tokio::test]
async fn a_combo_is_listed_once_whatever_its_legs_are_asked_as() {
    let venue = Venue::open().await;
    let before = balance(&venue).await;
    let created = venue.private("trader", CREATE, &spread(&venue)).await.result().clone();
    let legs = json!([
        { "instrument_name": venue.names[1], "amount": 1 },
        { "instrument_name": PERPETUAL, "amount": -1 },
    ]);
    assert_eq!((&created["legs"], &created["state"]), (&legs, &json!("active")));
    assert_eq!(created["creation_timestamp"], created["state_timestamp"]);
    assert!(created["creation_timestamp"].as_u64().is_some_and(|it| it <= venue.sequencer.time_ms()));
    let opposite = [trade(PERPETUAL, "buy", 0.02), trade(&venue.names[1], "sell", 0.02)];
    let again = venue.private("maker", CREATE, &json!({ "trades": opposite })).await;
    assert_eq!(again.result(), &created);
    assert_eq!(venue.private("trader", CREATE, &spread(&venue)).await.result(), &created);
    let paid = before - balance(&venue).await;
    assert!((paid - 1.0).abs() < 1e-9, "{paid}");
}

#[tokio::test]
async fn combos_are_found_by_name_currency_state_and_kind() {
    let venue = Venue::open().await;
    let created = venue.private("trader", CREATE, &spread(&venue)).await.result().clone();
    let named = json!({ "combo_id": created["id"] });
    assert_eq!(venue.public("public/get_combo_details", &named).await.result(), &created);
    for (currency, found) in [("BTC", json!([created])), ("any", json!([created])), ("ETH", json!([]))] {
        let combos = venue.public("public/get_combos", &json!({ "currency": currency })).await;
        assert_eq!(combos.result(), &found, "{currency}");
    }
    assert_eq!(ids(&venue, "active").await, json!([created["id"]]));
    assert_eq!((ids(&venue, "inactive").await, ids(&venue, "rfq").await), (json!([]), json!([])));
    for (kind, count) in [("combo", 1), ("future_combo", 1), ("option_combo", 0)] {
        let instruments = venue.public("public/get_instruments", &json!({ "kind": kind })).await;
        assert_eq!(instruments.result().as_array().map(Vec::len), Some(count), "{kind}");
    }
}

#[tokio::test]
async fn a_combo_that_nobody_uses_is_inactive_until_it_is_asked_for_again() {
    let venue = Venue::open().await;
    let created = venue.private("trader", CREATE, &spread(&venue)).await.result().clone();
    venue.sequencer.skip(2 * num::HOUR_MS);
    venue.ready().await;
    assert_eq!(ids(&venue, "inactive").await, json!([created["id"]]));
    assert_eq!(venue.public("public/get_combos", &json!({ "currency": "BTC" })).await.result(), &json!([]));
    let again = venue.private("maker", CREATE, &spread(&venue)).await.result().clone();
    assert_eq!((&again["id"], &again["state"]), (&created["id"], &json!("active")));
    assert_eq!(again["creation_timestamp"], created["creation_timestamp"]);
    assert!(again["state_timestamp"].as_u64() > created["state_timestamp"].as_u64());
}

#[tokio::test]
async fn both_sides_trade_below_zero_and_see_their_orders_filled() {
    let venue = Venue::open().await;
    let combo = listed(&venue, &spread(&venue)).await;
    let resting = venue.private("trader", "private/buy", &order(&combo, (0.1, -20.0))).await;
    let resting = &resting.result()["order"];
    assert_eq!((&resting["order_state"], &resting["price"]), (&json!("open"), &json!(-20.0)));
    let edit = json!({ "order_id": resting["order_id"], "amount": 0.2, "price": -10.5 });
    let edited = venue.private("trader", "private/edit", &edit).await;
    assert_eq!(edited.result()["order"]["price"], json!(-10.5));
    let book = venue.public("public/get_order_book", &json!({ "instrument_name": combo })).await;
    assert_eq!((&book.result()["bids"], &book.result()["asks"]), (&json!([[-10.5, 0.2]]), &json!([])));
    // Nobody quotes the future, so that the legs offer nothing.
    assert_eq!(book.result()["implied_bid_price"], Value::Null);

    let sold = venue.private("maker", "private/sell", &order(&combo, (0.2, -15.0))).await;
    let sold = sold.result();
    let (future, perpetual) = (leg_price(&venue, &venue.names[1]).await, leg_price(&venue, PERPETUAL).await);
    assert_eq!(future - perpetual, -10.5);
    for (client_id, id) in [("trader", &resting["order_id"]), ("maker", &sold["order"]["order_id"])] {
        let state = venue.private(client_id, "private/get_order_state", &json!({ "order_id": id })).await;
        let state = state.result();
        assert_eq!((&state["order_state"], &state["filled_amount"]), (&json!("filled"), &json!(0.2)));
        assert_eq!((&state["average_price"], &state["instrument_name"]), (&json!(-10.5), &json!(combo)));
    }
    assert_eq!(size(&venue, "trader", &venue.names[1]).await, json!(0.2));
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(-0.2));
    assert_eq!(size(&venue, "maker", PERPETUAL).await, json!(0.2));
}

#[tokio::test]
async fn a_combos_price_may_be_zero_or_below_and_is_whole_ticks_inside_its_band() {
    let venue = Venue::open().await;
    let combo = listed(&venue, &spread(&venue)).await;
    for (price, code) in [(0.0, 0), (-0.5, 0), (-10.3, 10_043), (-60_000.0, 10_005), (60_000.0, 10_007)] {
        let placed = venue.private("trader", "private/buy", &order(&combo, (0.1, price))).await;
        assert_eq!(placed.code(), code, "{price}: {placed:?}");
    }
    let side = |price: f64| json!({ "price": price, "amount": 0.1 });
    let quote = json!({ "instrument_name": combo, "bid": side(-30.0), "ask": side(5.0) });
    let quotes = json!({ "quotes": [quote], "quote_id": "q", "mmp_group": "g" });
    let quoted = venue.private("maker", "private/mass_quote", &quotes).await;
    assert_eq!(quoted.result()["errors_count"], json!(0), "{quoted:?}");
    assert_eq!(quoted.result()["orders"][0]["price"], json!(-30.0));
    let plain = venue.private("trader", "private/buy", &order(PERPETUAL, (0.1, -0.5))).await;
    assert_eq!(plain.code(), 10_023);
}

#[tokio::test]
async fn what_the_books_of_the_legs_offer_is_told_and_can_be_taken() {
    let venue = Venue::open().await;
    let call = venue.names[2].clone();
    let hedged = json!({ "trades": [trade(&call, "buy", 0.5), trade(PERPETUAL, "sell", 0.5)] });
    let combo = listed(&venue, &hedged).await;
    let book = venue.public("public/get_order_book", &json!({ "instrument_name": combo })).await;
    let book = book.result();
    assert_eq!((&book["implied_bid_price"], &book["implied_bid_amount"]), (&json!(-63_005.0), &json!(1.0)));
    assert_eq!((&book["implied_ask_price"], &book["implied_ask_amount"]), (&json!(-59_995.0), &json!(1.0)));
    let plain = venue.public("public/get_order_book", &json!({ "instrument_name": call })).await;
    assert!(plain.result().get("implied_bid_price").is_none());
    let bought = venue.private("trader", "private/buy", &order(&combo, (0.5, -59_995.0))).await;
    let bought = &bought.result()["order"];
    assert_eq!((&bought["order_state"], &bought["average_price"]), (&json!("filled"), &json!(-59_995.0)));
    assert_eq!(size(&venue, "trader", &call).await, json!(0.5));
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(-0.5));
    // Whose order of a leg's book traded sees a trade of that leg, and of which combo it was.
    let asked = json!({ "instrument_name": call });
    let made = venue.private("maker", "private/get_user_trades_by_instrument", &asked).await;
    assert_eq!(made.result()["trades"][0]["combo_id"], json!(combo));
    let of_combo = json!({ "instrument_name": combo });
    let made = venue.private("maker", "private/get_user_trades_by_instrument", &of_combo).await;
    assert_eq!(made.result()["trades"], json!([]));
}

/// The named fields of what is told.
fn told(it: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| it[name].clone()).collect()
}

#[tokio::test]
async fn a_trade_of_a_combo_is_told_with_those_of_its_legs() {
    let venue = Venue::open().await;
    let combo = listed(&venue, &spread(&venue)).await;
    let mut watcher = Client::log_in(venue.address, "maker").await;
    let channels = [format!("trades.{combo}.raw"), format!("trades.{PERPETUAL}.raw")];
    watcher.subscribe("private", &[&channels[0], &channels[1]]).await;
    venue.private("trader", "private/buy", &order(&combo, (0.2, -10.5))).await;
    let sold = venue.private("maker", "private/sell", &order(&combo, (0.2, -10.5))).await;
    let own = &sold.result()["trades"];
    assert_eq!(own.as_array().map(Vec::len), Some(1), "{own}");
    let fields = ["instrument_name", "direction", "price", "amount", "liquidity", "order_id"];
    let order_id = &sold.result()["order"]["order_id"];
    assert_eq!(json!(told(&own[0], &fields)), json!([combo, "sell", -10.5, 0.2, "T", order_id]));

    let asked = json!({ "instrument_name": combo });
    let trades = venue.public("public/get_last_trades_by_instrument", &asked).await;
    let trade = trades.result()["trades"][0].clone();
    let legs = trade["legs"].as_array().expect("legs");
    let of_leg = ["instrument_name", "direction", "amount", "combo_id", "combo_trade_id"];
    let told_legs: Vec<_> = legs.iter().map(|leg| told(leg, &of_leg)).collect();
    let number = &trade["trade_id"];
    let want = json!([[venue.names[1], "sell", 0.2, combo, number], [PERPETUAL, "buy", 0.2, combo, number],]);
    assert_eq!(json!(told_legs), want);
    let price = |leg: &Value| leg["price"].as_f64().expect("a price");
    assert_eq!(price(&legs[0]) - price(&legs[1]), -10.5);
    assert_eq!(watcher.next_of(&channels[0]).await, json!([trade]));
    assert_eq!(watcher.next_of(&channels[1]).await, json!([legs[1]]));

    let ticker = venue.public("public/ticker", &asked).await;
    let stats = &ticker.result()["stats"];
    assert_eq!(
        json!([ticker.result()["last_price"], stats["volume"], stats["volume_usd"]]),
        json!([-10.5, 0.2, 2.1])
    );

    // The buyer sees himself buy the future and sell the perpetual; his legs pay and are paid, the combo is not.
    let bought = venue.private("trader", "private/get_user_trades_by_instrument", &asked).await;
    let bought = &bought.result()["trades"][0];
    assert_eq!(json!(told(bought, &fields[1..5])), json!(["buy", -10.5, 0.2, "M"]));
    assert_eq!([&bought["legs"][0]["direction"], &bought["legs"][1]["direction"]], ["buy", "sell"]);
    let span =
        json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": u64::MAX, "query": "trade" });
    let log = venue.private("trader", "private/get_transaction_log", &span).await;
    let entries: Vec<&Value> = log.result()["logs"].as_array().expect("entries").iter().collect();
    let named: Vec<&Value> = entries.iter().map(|entry| &entry["instrument_name"]).collect();
    assert_eq!(named, [&json!(PERPETUAL), &json!(venue.names[1])]);
    let fees: f64 = entries.iter().map(|entry| entry["commission"].as_f64().expect("a fee")).sum();
    assert!((bought["fee"].as_f64().expect("a fee") - fees).abs() < 1e-9, "{bought} {fees}");
}

#[tokio::test]
async fn leg_prices_come_to_the_price_of_their_structure() {
    let venue = Venue::open().await;
    let (future, call) = (venue.names[1].as_str(), venue.names[2].as_str());
    let ask = |legs: Value, price: f64| {
        let asked = json!({ "legs": legs, "price": price });
        let venue = &venue;
        async move { venue.private("trader", "private/get_leg_prices", &asked).await }
    };
    let spread = json!([trade(future, "buy", 0.4), trade(PERPETUAL, "sell", 0.4)]);
    let split = ask(spread.clone(), -20.5).await;
    let legs = &split.result()["legs"];
    assert_eq!(split.result()["amount"], json!(0.4));
    assert_eq!(
        json!(told(&legs[1], &["ratio", "direction", "instrument_name"])),
        json!([1, "sell", PERPETUAL])
    );
    let price = |leg: &Value| leg["price"].as_f64().expect("a price");
    assert_eq!(price(&legs[0]) - price(&legs[1]), -20.5);
    let calls = json!([trade(call, "buy", 1.0), trade(PERPETUAL, "sell", 0.5)]);
    let split = ask(calls, -60_000.0).await;
    let legs = &split.result()["legs"];
    assert_eq!(2.0 * price(&legs[0]) - price(&legs[1]), -60_000.0);
    for (legs, price, code) in [
        (spread.clone(), 0.3, -32_602),
        (spread, 1e6, 0),
        (json!([trade(future, "buy", 0.4), trade(PERPETUAL, "buy", 0.4)]), -1.0, -32_602),
        (json!([]), 1.0, -32_602),
        (json!([trade("NO-SUCH", "buy", 1.0)]), 1.0, 10_020),
    ] {
        assert_eq!(ask(legs.clone(), price).await.code(), code, "{legs} {price}");
    }
}

/// Code and parameter of an error.
fn refusal(answer: &Answer) -> (i64, &str) {
    (answer.code(), answer.body["error"]["data"]["param"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn wrong_legs_are_refused_by_the_name_of_what_is_wrong() {
    let venue = Venue::open().await;
    let combo = listed(&venue, &spread(&venue)).await;
    let (future, call) = (venue.names[1].as_str(), venue.names[2].as_str());
    let eth = venue.names[4].as_str();
    let with =
        |amount: f64, direction: &str| json!([trade(call, "buy", 1.0), trade(future, direction, amount)]);
    for (trades, code, parameter) in [
        (json!([]), 11_029, "trades"),
        (json!([trade(call, "buy", 1.0)]), 11_029, "trades"),
        (json!([trade(call, "buy", 1.0), trade(call, "sell", 2.0)]), 11_029, "trades"),
        (json!([trade(future, "buy", 1.0), trade(eth, "sell", 1.0)]), 11_029, "trades"),
        (json!([trade(&combo, "buy", 1.0), trade(call, "sell", 1.0)]), 11_029, "trades"),
        (with(11.0, "sell"), 11_029, "trades"),
        (with(1.5, "sell"), 11_029, "trades"),
        (json!(vec![trade(call, "buy", 1.0); 5]), -32_602, "trades"),
        (Value::Null, -32_602, "trades"),
        (with(0.0, "sell"), -32_602, "amount"),
        (with(-1.0, "sell"), -32_602, "amount"),
        (with(1.0, "long"), -32_602, "direction"),
        (json!([{ "instrument_name": call, "direction": "buy" }]), -32_602, "amount"),
        (json!([{ "instrument_name": call, "amount": 1 }]), -32_602, "direction"),
        (json!([trade("NO-SUCH", "buy", 1.0)]), 10_020, "instrument_name"),
    ] {
        let answer = venue.private("trader", CREATE, &json!({ "trades": trades })).await;
        assert_eq!(refusal(&answer), (code, parameter), "{trades}: {answer:?}");
    }
    for name in ["NO-SUCH", PERPETUAL] {
        let answer = venue.public("public/get_combo_details", &json!({ "combo_id": name })).await;
        assert_eq!(refusal(&answer), (13_020, "combo_id"), "{name}");
    }
    assert_eq!(venue.private("reader", CREATE, &spread(&venue)).await.code(), 13_021);
    assert_eq!(refusal(&venue.public("public/get_combos", &json!({})).await), (-32_602, "currency"));
}

#[tokio::test]
async fn a_network_without_combos_says_so() {
    let venue = Venue::open_with(|config| config.exchange.combos = None).await;
    assert_eq!(venue.private("trader", CREATE, &spread(&venue)).await.code(), 11_042);
    let names = venue.public("public/get_index_price_names", &json!({ "extended": true })).await;
    assert_eq!(names.result()[0]["future_combo_creation_enabled"], json!(false));
    let venue = Venue::open().await;
    let names = venue.public("public/get_index_price_names", &json!({ "extended": true })).await;
    assert_eq!(names.result()[0]["option_combo_creation_enabled"], json!(true));
}
