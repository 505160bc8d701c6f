//! What market makers protect themselves with, and what callers are told that cannot be had.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, history_in, http, ws::Client};

fn quotes(group: &str, amount: f64) -> Value {
    let side = |price: f64| json!({ "price": price, "amount": amount });
    let quote = json!({ "instrument_name": PERPETUAL, "bid": side(63_996.0), "ask": side(64_004.0) });
    json!({ "quote_id": "q", "mmp_group": group, "quotes": [quote] })
}

async fn placed(venue: &Venue, params: &Value) -> Value {
    venue.private("trader", "private/mass_quote", params).await.result().clone()
}

#[tokio::test]
async fn a_group_with_a_name_protects_its_quotes_and_says_when_it_trips() {
    let venue = Venue::open().await;
    let mut listener = Client::log_in(venue.address, "trader").await;
    listener.subscribe("private", &["user.mmp_trigger.any"]).await;
    let config = json!({ "index_name": "btc_usdc", "mmp_group": "desk", "interval": 60, "frozen_time": 30,
        "quantity_limit": 0.01, "max_quote_quantity": 0.05 });
    let set = venue.private("trader", "private/set_mmp_config", &config).await.result()[0].clone();
    assert_eq!((&set["mmp_group"], &set["max_quote_quantity"]), (&json!("desk"), &json!(0.05)));
    let all = venue.private("trader", "private/get_mmp_config", &json!({})).await;
    assert_eq!(all.result(), &json!([set]));
    let other = json!({ "index_name": "btc_usdc", "mmp_group": "other" });
    assert_eq!(venue.private("trader", "private/get_mmp_config", &other).await.result(), &json!([]));

    let refused = placed(&venue, &quotes("desk", 0.06)).await;
    assert_eq!((&refused["errors"][0]["code"], &refused["orders"]), (&json!(10_021), &json!([])));
    let taken = placed(&venue, &quotes("desk", 0.05)).await;
    assert_eq!((&taken["errors_count"], &taken["orders"][1]["mmp"]), (&json!(0), &json!(true)));
    let hit = json!({ "instrument_name": PERPETUAL, "amount": 0.02, "type": "market" });
    venue.private("maker", "private/buy", &hit).await.result();
    let tripped = listener.next_of("user.mmp_trigger.any").await;
    assert_eq!((&tripped["index_name"], &tripped["mmp_group"]), (&json!("btc_usdc"), &json!("desk")));
    let status = venue.private("trader", "private/get_mmp_status", &json!({ "mmp_group": "desk" })).await;
    assert_eq!(status.result(), &json!([tripped]));
    assert_eq!(placed(&venue, &quotes("desk", 0.05)).await["errors_count"], json!(1), "it is frozen");
    let desk = json!({ "index_name": "btc_usdc", "mmp_group": "desk" });
    venue.private("trader", "private/reset_mmp", &desk).await.result();
    assert_eq!(placed(&venue, &quotes("desk", 0.05)).await["errors_count"], json!(0));
    let off = json!({ "index_name": "btc_usdc", "mmp_group": "desk", "interval": 0 });
    assert_eq!(venue.private("trader", "private/set_mmp_config", &off).await.result(), &json!([]));
    let free = placed(&venue, &quotes("desk", 0.06)).await;
    assert_eq!((&free["errors_count"], &free["orders"][0]["mmp"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn a_group_keeps_its_name_and_its_room_over_a_restart_and_has_a_number_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = history_in(&folder, "history.sqlite");
    let venue = Venue::open().await;
    let (first, task) = venue.serve(|config| config.history = Some(history.clone())).await;
    venue.ready_at(first).await;
    let ask = async |address, method: &str, params: &Value| {
        let answer =
            http::call(address, &format!("private/{method}"), params, Some(("trader", "secret"))).await;
        answer.result().clone()
    };
    let all = json!({});
    let config = json!({ "index_name": "eth_usdc", "mmp_group": "desk", "interval": 60, "quantity_limit": 1,
        "max_quote_quantity": 0.05 });
    let set = ask(first, "set_mmp_config", &config).await;
    assert_eq!((&set[0]["mmp_group"], &set[0]["max_quote_quantity"]), (&json!("desk"), &json!(0.05)));
    task.abort();
    let (second, _task) = venue.serve(|config| config.history = Some(history)).await;
    venue.ready_at(second).await;
    assert_eq!(ask(second, "get_mmp_config", &all).await, set);

    // The venue's own gateway has never heard the name.
    venue.ready().await;
    let elsewhere = ask(venue.address, "get_mmp_config", &all).await;
    let number = elsewhere[0]["mmp_group"].clone();
    assert!(number.as_str().is_some_and(|name| name.starts_with('#')), "{elsewhere}");
    assert_eq!(elsewhere[0]["index_name"], "eth_usdc");
    let by_number = json!({ "index_name": "eth_usdc", "mmp_group": number });
    for address in [second, venue.address] {
        assert_eq!(ask(address, "get_mmp_config", &by_number).await.as_array().map(Vec::len), Some(1));
    }
    assert_eq!(ask(second, "get_mmp_config", &all).await, set, "a number takes no name's place");
    let by_name = json!({ "index_name": "eth_usdc", "mmp_group": "desk" });
    assert_eq!(ask(venue.address, "get_mmp_config", &by_name).await[0]["mmp_group"], "desk");
    let off = json!({ "index_name": "eth_usdc", "mmp_group": number, "interval": 0 });
    assert_eq!(ask(second, "set_mmp_config", &off).await, json!([]));
    assert_eq!(ask(second, "get_mmp_config", &all).await, json!([]));
}

#[tokio::test]
async fn what_may_stand_on_one_side_counts_orders_that_are_protected() {
    let venue = Venue::open().await;
    let config = json!({ "index_name": "btc_usdc", "interval": 60, "max_quote_quantity": 0.05 });
    venue.private("trader", "private/set_mmp_config", &config).await.result();
    let order = |amount: f64, mmp: bool| json!({ "instrument_name": PERPETUAL, "amount": amount, "price": 60_000, "mmp": mmp });
    for (amount, mmp, code) in [(0.03, true, 0), (0.03, true, 10_021), (0.03, false, 0), (0.02, true, 0)] {
        let placed = venue.private("trader", "private/buy", &order(amount, mmp)).await;
        assert_eq!(placed.code(), code, "{amount} {mmp}");
    }
    let sold = json!({ "instrument_name": PERPETUAL, "amount": 0.05, "price": 68_000, "mmp": true });
    venue.private("trader", "private/sell", &sold).await.result();
}

#[tokio::test]
async fn what_the_venue_knows_and_we_do_not_is_refused_by_its_name() {
    let venue = Venue::open().await;
    let order = venue
        .private(
            "trader",
            "private/buy",
            &json!({ "instrument_name": PERPETUAL, "amount": 0.01, "price": 60_000 }),
        )
        .await;
    let id = order.result()["order"]["order_id"].clone();
    for (method, parameter, value) in [
        ("private/buy", "otoco_config", json!([{ "amount": 1 }])),
        ("private/sell", "trigger_offset", json!(5)),
        ("private/edit", "trigger_price", json!(5)),
        ("private/cancel_all", "freeze_quotes", json!(true)),
        ("private/create_block_rfq", "trade_allocations", json!([{ "user_id": 1, "amount": 1 }])),
        ("private/get_block_trades", "broker_code", json!("any")),
        ("private/set_mmp_config", "trade_count_limit", json!(3)),
        ("private/set_mmp_config", "block_rfq", json!(true)),
        ("private/get_mmp_config", "block_rfq", json!(true)),
        ("private/reset_mmp", "block_rfq", json!(true)),
        ("private/subscribe", "label", json!("x")),
    ] {
        let mut params = json!({ "order_id": id, "instrument_name": PERPETUAL, "amount": 0.01, "price": 60_000,
            "index_name": "btc_usdc", "interval": 1, "channels": [] });
        params[parameter] = value;
        let refused = venue.private("trader", method, &params).await;
        assert_eq!(
            (refused.code(), &refused.body["error"]["data"]["param"]),
            (10_033, &json!(parameter)),
            "{method}"
        );
    }
    let spared = json!({ "freeze_quotes": false, "what_is_this": 1 });
    assert_eq!(venue.private("trader", "private/cancel_all", &spared).await.result(), &json!(1));
    let summaries = venue.private("trader", "private/get_account_summaries", &json!({})).await;
    let own = json!({ "subaccount_id": summaries.result()["id"] });
    venue.private("trader", "private/get_positions", &own).await.result();
    let other = json!({ "subaccount_id": 7 });
    assert_eq!(venue.private("trader", "private/get_positions", &other).await.code(), 13_021);
}

#[tokio::test]
async fn an_amount_and_a_number_of_contracts_say_the_same() {
    let venue = Venue::open().await;
    let order = |amount: Value, contracts: Value| json!({ "instrument_name": PERPETUAL, "price": 60_000, "amount": amount, "contracts": contracts });
    for (amount, contracts, code) in [
        (json!(0.01), json!(10), 0),
        (json!(0.01), json!(11), 10_021),
        (Value::Null, json!(10), 0),
        (Value::Null, json!(0), 10_021),
        (Value::Null, Value::Null, -32_602),
    ] {
        let placed = venue.private("trader", "private/buy", &order(amount.clone(), contracts.clone())).await;
        assert_eq!(placed.code(), code, "{amount} {contracts}");
    }
    let open = venue.private("trader", "private/get_open_orders", &json!({})).await.result().clone();
    let edit = json!({ "order_id": open[0]["order_id"], "contracts": 7 });
    let edited = venue.private("trader", "private/edit", &edit).await.result()["order"]["amount"].clone();
    assert_eq!(edited, json!(0.007));
}

const CANCEL: &str = "private/cancel_all_by_instrument";

#[tokio::test]
async fn cancelling_an_instrument_spares_combos_of_it_unless_they_are_meant() {
    let venue = Venue::open().await;
    let leg =
        |name: &str, direction: &str| json!({ "instrument_name": name, "direction": direction, "amount": 1 });
    let legs = json!({ "trades": [leg(&venue.names[1], "buy"), leg(PERPETUAL, "sell")] });
    let combo = venue.private("trader", "private/create_combo", &legs).await.result()["id"].clone();
    for (name, price) in [(combo, json!(-500)), (json!(PERPETUAL), json!(60_000))] {
        let order = json!({ "instrument_name": name, "amount": 0.1, "price": price });
        venue.private("trader", "private/buy", &order).await.result();
    }
    let one = json!({ "instrument_name": PERPETUAL });
    assert_eq!(venue.private("trader", CANCEL, &one).await.result(), &json!(1));
    let mut both = one;
    both["include_combos"] = json!(true);
    assert_eq!(venue.private("trader", CANCEL, &both).await.result(), &json!(1));
}

#[tokio::test]
async fn the_fills_of_an_order_come_in_the_order_that_is_asked_for() {
    let venue = Venue::open().await;
    let bought = json!({ "instrument_name": PERPETUAL, "amount": 1.5, "price": 64_100 });
    let order = venue.private("trader", "private/buy", &bought).await.result()["order"]["order_id"].clone();
    let numbers = |answer: &Value| -> Vec<Value> {
        answer.as_array().into_iter().flatten().map(|it| it["trade_id"].clone()).collect()
    };
    let mut params = json!({ "order_id": order });
    let ascending = venue.private("trader", "private/get_user_trades_by_order", &params).await;
    params["sorting"] = json!("desc");
    let descending = venue.private("trader", "private/get_user_trades_by_order", &params).await;
    let mut turned = numbers(descending.result());
    turned.reverse();
    assert_eq!((turned.len(), turned), (2, numbers(ascending.result())));
}
