//! Trades beside the books: requests for quotes from asking to trading, and block trades under two signatures.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, http::Answer, ws::Client};

/// A future bought and calls sold, twice as many.
fn structure(venue: &Venue) -> Value {
    json!({
        "legs": [
            { "instrument_name": PERPETUAL, "amount": 0.5, "direction": "buy" },
            { "instrument_name": venue.names[2], "amount": 1.0, "direction": "sell" },
        ],
        "label": "covered",
    })
}

/// The maker's sale of the structure.
fn sale(venue: &Venue, request: &Value, (future, call): (f64, f64)) -> Value {
    json!({
        "block_rfq_id": request["block_rfq_id"],
        "direction": "sell",
        "amount": 0.5,
        "legs": [
            { "instrument_name": PERPETUAL, "price": future, "direction": "buy", "ratio": 1 },
            { "instrument_name": venue.names[2], "price": call, "direction": "sell", "ratio": 2 },
        ],
    })
}

fn buy(request: &Value, price: f64) -> Value {
    json!({
        "block_rfq_id": request["block_rfq_id"],
        "price": price,
        "amount": 0.5,
        "direction": "buy",
        "time_in_force": "fill_or_kill",
    })
}

async fn size(venue: &Venue, client_id: &str, instrument: &str) -> Value {
    let named = json!({ "instrument_name": instrument });
    venue.private(client_id, "private/get_position", &named).await.result()["size"].clone()
}

#[tokio::test]
async fn a_structure_is_asked_for_quoted_and_traded_at_once() {
    let venue = Venue::open().await;
    let mut maker = Client::log_in(venue.address, "maker").await;
    let mut taker = Client::log_in(venue.address, "trader").await;
    assert_eq!(maker.subscribe("private", &["block_rfq.maker.BTC"]).await, json!(["block_rfq.maker.BTC"]));
    taker.subscribe("private", &["block_rfq.taker.any"]).await;
    let makers = venue.private("trader", "private/get_block_rfq_makers", &json!({})).await;
    assert_eq!(makers.result(), &json!(["maker"]));

    let request = taker.call("private/create_block_rfq", &structure(&venue)).await["result"].clone();
    assert_eq!((&request["amount"], &request["min_trade_amount"]), (&json!(0.5), &json!(0.005)));
    let asked = maker.next_of("block_rfq.maker.BTC").await;
    assert_eq!(
        (&asked["role"], &asked["taker"], &asked["legs"][1]["ratio"]),
        (&json!("maker"), &json!("reader"), &json!(2))
    );
    assert!(asked.get("label").is_none() && asked.get("makers").is_none());

    let mut quote = sale(&venue, &request, (64_010.0, 2_500.0));
    quote["disclosed"] = json!(false);
    let quoted = maker.call("private/add_block_rfq_quote", &quote).await["result"].clone();
    assert_eq!((&quoted["price"], &quoted["quote_state"]), (&json!(59_010.0), &json!("open")));
    assert_eq!(taker.next_of("block_rfq.taker.any").await["asks"], json!([]));
    let seen = taker.next_of("block_rfq.taker.any").await;
    assert_eq!(
        (&seen["asks"][0]["price"], &seen["asks"][0]["makers"]),
        (&json!(59_010.0), &json!(["ANONYMOUS"]))
    );

    let dear = taker.call("private/accept_block_rfq", &buy(&request, 59_009.0)).await;
    assert_eq!(dear["error"]["code"], 11_030, "{dear}");
    let accepted = taker.call("private/accept_block_rfq", &buy(&request, 59_010.0)).await;
    let block = &accepted["result"]["block_trades"][0];
    let trades = block["trades"].as_array().expect("trades");
    let told: Vec<(&Value, &Value)> = trades.iter().map(|it| (&it["direction"], &it["price"])).collect();
    assert_eq!(told, [(&json!("buy"), &json!(64_010.0)), (&json!("sell"), &json!(2_500.0))]);
    assert!(trades.iter().all(|it| it["block_trade_id"] == block["id"] && it["liquidity"] == "T"));
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(0.5));
    assert_eq!(size(&venue, "maker", &venue.names[2]).await, json!(1.0));

    let mine = json!({ "block_rfq_id": request["block_rfq_id"], "role": "taker" });
    let filled =
        venue.private("trader", "private/get_block_rfqs", &mine).await.result()["block_rfqs"][0].clone();
    let deal = json!({ "direction": "buy", "price": 59_010.0, "amount": 0.5, "maker": "maker" });
    assert_eq!((&filled["state"], &filled["trades"]), (&json!("filled"), &json!([deal])));
    let public = venue.public("public/get_block_rfq_trades", &json!({ "currency": "BTC" })).await;
    let public = &public.result()["block_rfqs"][0];
    assert_eq!(
        (&public["trades"][0]["price"], &public["trades"][0]["maker"]),
        (&json!(59_010.0), &Value::Null)
    );
    let blocks = venue.private("maker", "private/get_block_trades", &json!({ "currency": "BTC" })).await;
    assert_eq!(blocks.result()[0]["id"], block["id"]);
    let last =
        venue.public("public/get_last_trades_by_instrument", &json!({ "instrument_name": PERPETUAL })).await;
    assert_eq!(last.result()["trades"][0]["block_trade_id"], block["id"]);
}

#[tokio::test]
async fn what_the_exchange_refuses_leaves_the_request_open() {
    let venue = Venue::open().await;
    let request =
        venue.private("trader", "private/create_block_rfq", &structure(&venue)).await.result().clone();
    let outside = sale(&venue, &request, (600_000.0, 2_500.0));
    let quote = venue.private("maker", "private/add_block_rfq_quote", &outside).await.result().clone();
    let refused = venue.private("trader", "private/accept_block_rfq", &buy(&request, 1e6)).await;
    assert_eq!(refused.code(), 10_007, "{refused:?}");
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(0.0));
    let edited = json!({
        "block_rfq_quote_id": quote["block_rfq_quote_id"],
        "amount": 0.5,
        "legs": sale(&venue, &request, (64_000.0, 2_500.0))["legs"],
    });
    let edited = venue.private("maker", "private/edit_block_rfq_quote", &edited).await;
    assert_eq!((&edited.result()["replaced"], &edited.result()["price"]), (&json!(true), &json!(59_000.0)));
    let accepted = venue.private("trader", "private/accept_block_rfq", &buy(&request, 59_000.0)).await;
    assert_eq!(accepted.result()["block_trades"].as_array().map(Vec::len), Some(1));
    let again = venue.private("trader", "private/accept_block_rfq", &buy(&request, 59_000.0)).await;
    assert_eq!(again.code(), 11_044);
}

#[tokio::test]
async fn a_quote_that_was_taken_back_and_a_stranger_trade_nothing() {
    let venue = Venue::open().await;
    let mut asked = structure(&venue);
    asked["makers"] = json!(["nobody"]);
    let private = venue.private("trader", "private/create_block_rfq", &asked).await.result().clone();
    let stranger = venue
        .private("maker", "private/add_block_rfq_quote", &sale(&venue, &private, (64_000.0, 2_500.0)))
        .await;
    assert_eq!(stranger.code(), 13_020);
    let seen = venue.private("maker", "private/get_block_rfqs", &json!({})).await;
    assert_eq!(seen.result()["block_rfqs"], json!([]));

    let request =
        venue.private("trader", "private/create_block_rfq", &structure(&venue)).await.result().clone();
    let mut quote = sale(&venue, &request, (64_000.0, 2_500.0));
    quote["label"] = json!("mine");
    venue.private("maker", "private/add_block_rfq_quote", &quote).await.result();
    let mine = json!({ "block_rfq_id": request["block_rfq_id"], "label": "mine" });
    let cancelled = venue.private("maker", "private/cancel_block_rfq_quote", &mine).await;
    assert_eq!(cancelled.result()["quote_state"], "cancelled");
    let gone = venue.private("trader", "private/accept_block_rfq", &buy(&request, 59_000.0)).await;
    assert_eq!(gone.code(), 11_030);
    let not_his = venue.private("maker", "private/cancel_block_rfq", &mine).await;
    assert_eq!(not_his.code(), 13_020);
    let reader = venue.private("reader", "private/create_block_rfq", &structure(&venue)).await;
    assert_eq!(reader.code(), 13_021);
}

/// What both parties of a block trade say.
fn agreed(venue: &Venue, role: &str) -> Value {
    json!({
        "timestamp": 1_700_000_000_000_u64,
        "nonce": "between us",
        "role": role,
        "trades": [
            { "instrument_name": PERPETUAL, "price": 64_000, "amount": 0.2, "direction": "sell" },
            { "instrument_name": venue.names[2], "price": 2_500, "amount": 0.3, "direction": "buy" },
        ],
    })
}

async fn verified(venue: &Venue, role: &str) -> Value {
    let answer = venue.private("maker", "private/verify_block_trade", &agreed(venue, role)).await;
    answer.result()["signature"].clone()
}

async fn execute(venue: &Venue, mut call: Value, signature: &Value) -> Answer {
    call["counterparty_signature"] = signature.clone();
    venue.private("trader", "private/execute_block_trade", &call).await
}

#[tokio::test]
async fn a_block_trade_needs_both_to_say_the_same() {
    let venue = Venue::open().await;
    let signature = verified(&venue, "maker").await;
    let mut other_price = agreed(&venue, "taker");
    other_price["trades"][0]["price"] = json!(63_999);
    let mut other_nonce = agreed(&venue, "taker");
    other_nonce["nonce"] = json!("with another");
    for wrong in [other_price, other_nonce, agreed(&venue, "maker")] {
        assert_eq!(execute(&venue, wrong, &signature).await.code(), -32_602);
    }
    for forged in [json!("x"), json!("00.00"), json!("zz.zz")] {
        assert_eq!(execute(&venue, agreed(&venue, "taker"), &forged).await.code(), -32_602);
    }
    let done = execute(&venue, agreed(&venue, "taker"), &signature).await;
    let block = done.result();
    assert_eq!(
        (&block["trades"][0]["direction"], &block["trades"][1]["direction"]),
        (&json!("buy"), &json!("sell"))
    );
    assert_eq!(size(&venue, "maker", PERPETUAL).await, json!(-0.2));
    let found = venue.private("maker", "private/get_block_trade", &json!({ "id": block["id"] })).await;
    assert_eq!(found.result()["trades"][0]["liquidity"], "M");
    let nobody = venue.private("maker", "private/get_block_trade", &json!({ "id": "BLOCK-9999" })).await;
    assert_eq!(nobody.code(), 13_020);
    assert_ne!(execute(&venue, agreed(&venue, "taker"), &signature).await.code(), 0, "it trades once");
}

#[tokio::test]
async fn whoever_signs_first_may_be_the_taker_and_may_think_again() {
    let venue = Venue::open().await;
    let signature = verified(&venue, "taker").await;
    let done = execute(&venue, agreed(&venue, "maker"), &signature).await;
    assert_eq!(done.result()["trades"][0]["direction"], "sell");
    let signature = verified(&venue, "maker").await;
    let mine = json!({ "signature": signature });
    let not_his = venue.private("trader", "private/invalidate_block_trade_signature", &mine).await;
    assert_eq!(not_his.code(), 13_021);
    let taken_back = venue.private("maker", "private/invalidate_block_trade_signature", &mine).await;
    assert_eq!(taken_back.result(), "ok");
    assert_ne!(execute(&venue, agreed(&venue, "taker"), &signature).await.code(), 0);
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(-0.2));
}

/// Calls with a future sold at a price that the taker names; half a structure is the least with a hedge in whole lots.
fn hedged(venue: &Venue) -> Value {
    json!({
        "legs": [{ "instrument_name": venue.names[2], "amount": 1.0, "direction": "buy" }],
        "hedge": { "instrument_name": PERPETUAL, "amount": 0.4, "direction": "sell", "price": 64_010 },
    })
}

fn answer(venue: &Venue, request: &Value, (direction, call): (&str, f64)) -> Value {
    json!({
        "block_rfq_id": request["block_rfq_id"],
        "direction": direction,
        "amount": 1.0,
        "legs": [{ "instrument_name": venue.names[2], "price": call, "direction": "buy", "ratio": 1 }],
    })
}

#[tokio::test]
async fn a_hedge_trades_with_its_structure_at_the_price_that_the_taker_named() {
    let venue = Venue::open().await;
    let asked = hedged(&venue);
    let request = venue.private("trader", "private/create_block_rfq", &asked).await.result().clone();
    let hedge =
        json!({ "instrument_name": PERPETUAL, "amount": 0.4, "direction": "sell", "price": 64_010.0 });
    assert_eq!(request["hedge"], hedge);
    let mut quote = answer(&venue, &request, ("sell", 2_500.0));
    quote["hedge"] =
        json!({ "instrument_name": PERPETUAL, "amount": 0.3, "direction": "sell", "price": 64_010 });
    assert_eq!(venue.private("maker", "private/add_block_rfq_quote", &quote).await.code(), 11_029);
    quote["hedge"] = asked["hedge"].clone();
    let quoted = venue.private("maker", "private/add_block_rfq_quote", &quote).await;
    assert_eq!((&quoted.result()["price"], &quoted.result()["hedge"]), (&json!(2_500.0), &hedge));
    let buy =
        json!({ "block_rfq_id": request["block_rfq_id"], "price": 2_500, "amount": 1.0, "direction": "buy" });
    let done = venue.private("trader", "private/accept_block_rfq", &buy).await;
    let trades = done.result()["block_trades"][0]["trades"].as_array().expect("trades").clone();
    let told: Vec<[&Value; 4]> = trades
        .iter()
        .map(|it| ["instrument_name", "direction", "price", "amount"].map(|name| &it[name]))
        .collect();
    let want = json!([[venue.names[2], "buy", 2_500.0, 1.0], [PERPETUAL, "sell", 64_010.0, 0.4]]);
    assert_eq!(json!(told), want);
    assert_eq!(size(&venue, "maker", PERPETUAL).await, json!(0.4));
    for (part, value) in [
        ("instrument_name", json!(venue.names[3])),
        ("instrument_name", json!(venue.names[4])),
        ("price", json!(0)),
        ("amount", json!(0.0001)),
        ("direction", json!("long")),
    ] {
        let mut wrong = asked.clone();
        wrong["hedge"][part] = value.clone();
        assert_ne!(venue.private("trader", "private/create_block_rfq", &wrong).await.code(), 0, "{value}");
    }
}

#[tokio::test]
async fn an_acceptance_waits_for_a_quote_and_trades_without_another_call() {
    let venue = Venue::open().await;
    let mut taker = Client::log_in(venue.address, "trader").await;
    let request = taker.call("private/create_block_rfq", &hedged(&venue)).await["result"].clone();
    taker.subscribe("private", &["block_rfq.taker.any"]).await;
    let id = &request["block_rfq_id"];
    let waits = json!({ "block_rfq_id": id, "price": 2_500, "amount": 1.0, "direction": "buy",
        "time_in_force": "good_til_cancelled" });
    let accepted = taker.call("private/accept_block_rfq", &waits).await["result"].clone();
    let trigger = json!({ "state": "untriggered", "price": 2_500.0, "direction": "buy" });
    assert_eq!(accepted, json!({ "trade_trigger": trigger, "block_trades": [] }));
    assert_eq!(taker.next_of("block_rfq.taker.any").await["trade_trigger"], trigger);
    let maker_sees = venue.private("maker", "private/get_block_rfqs", &json!({})).await;
    assert_eq!(maker_sees.result()["block_rfqs"][0]["trade_trigger"], Value::Null);

    let one = json!({ "block_rfq_id": id });
    let cancelled = taker.call("private/cancel_block_rfq_trigger", &one).await["result"].clone();
    assert_eq!(cancelled["trade_trigger"]["state"], "cancelled");
    assert_eq!(taker.call("private/cancel_block_rfq_trigger", &one).await["error"]["code"], 13_020);
    taker.call("private/accept_block_rfq", &waits).await;
    venue.private("maker", "private/add_block_rfq_quote", &answer(&venue, &request, ("sell", 2_600.0))).await;
    venue.private("maker", "private/add_block_rfq_quote", &answer(&venue, &request, ("sell", 2_500.0))).await;
    let filled = loop {
        let told = taker.next_of("block_rfq.taker.any").await;
        if told["state"] == "filled" {
            break told;
        }
    };
    assert_eq!(filled["trade_trigger"]["state"], "triggered");
    assert_eq!(
        (&filled["trades"][0]["price"], &filled["trades"][0]["direction"]),
        (&json!(2_500.0), &json!("buy"))
    );
    assert_eq!(size(&venue, "trader", &venue.names[2]).await, json!(1.0));
    assert_eq!(size(&venue, "trader", PERPETUAL).await, json!(-0.4));
}
