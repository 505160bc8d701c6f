//! What an account would need, what its orders on their way can still make of it, and quotes in bulk.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue};

async fn summary(venue: &Venue, client_id: &str) -> Value {
    let usdc = json!({ "currency": "USDC" });
    venue.private(client_id, "private/get_account_summary", &usdc).await.result().clone()
}

async fn simulate(venue: &Venue, params: &Value) -> Value {
    venue.private("trader", "private/simulate_portfolio", params).await.result().clone()
}

#[tokio::test]
async fn a_simulated_position_needs_what_the_traded_one_needs() {
    let venue = Venue::open().await;
    let before = summary(&venue, "trader").await;
    let position = json!({ "currency": "USDC", "simulated_positions": { PERPETUAL: 0.5 } });
    let simulated = simulate(&venue, &position).await;
    assert_eq!((&simulated["equity"], &simulated["delta_total"]), (&before["equity"], &json!(0.5)));
    let bought = json!({ "instrument_name": PERPETUAL, "amount": 0.5, "type": "market" });
    venue.private("trader", "private/buy", &bought).await.result();
    let after = summary(&venue, "trader").await;
    for name in ["initial_margin", "maintenance_margin", "delta_total"] {
        assert_eq!(simulated[name], after[name], "{name}");
    }
    let closed = json!({ "currency": "USDC", "simulated_positions": { PERPETUAL: -0.5 } });
    assert_eq!(simulate(&venue, &closed).await["initial_margin"], json!(0.0));
    let mut alone = position;
    alone["add_positions"] = json!(false);
    assert_eq!(simulate(&venue, &alone).await["initial_margin"], after["initial_margin"]);
    for wrong in [
        json!({ "NO-SUCH": 1 }),
        json!({ PERPETUAL: 0.000_01 }),
        json!({ PERPETUAL: true }),
        json!({ PERPETUAL: 1e12 }),
    ] {
        let params = json!({ "currency": "USDC", "simulated_positions": wrong });
        assert_ne!(
            venue.private("trader", "private/simulate_portfolio", &params).await.code(),
            0,
            "{params}"
        );
    }
}

#[tokio::test]
async fn positions_and_summaries_tell_where_the_account_would_be_liquidated() {
    let venue = Venue::open().await;
    let told = summary(&venue, "trader").await;
    assert_eq!(
        (&told["estimated_liquidation_ratio"], &told["estimated_liquidation_ratio_map"]),
        (&Value::Null, &Value::Null)
    );
    for (name, amount, code) in [(PERPETUAL, 0.01, 0), (venue.names[2].as_str(), 0.1, 0)] {
        let bought = json!({ "instrument_name": name, "amount": amount, "type": "market" });
        assert_eq!(venue.private("trader", "private/buy", &bought).await.code(), code);
    }
    let position = json!({ "instrument_name": PERPETUAL });
    let covered = venue.private("trader", "private/get_position", &position).await.result().clone();
    assert_eq!(covered["estimated_liquidation_price"], Value::Null, "a million covers a hundredth");
    // More than three times its money, at the price of the index.
    let leg = json!({ "instrument_name": PERPETUAL, "price": 64_000, "amount": 55, "direction": "sell" });
    let mut agreed = json!({ "timestamp": 1, "nonce": "n", "role": "maker", "trades": [leg] });
    let signed = venue.private("maker", "private/verify_block_trade", &agreed).await;
    agreed["counterparty_signature"] = signed.result()["signature"].clone();
    agreed["role"] = json!("taker");
    venue.private("trader", "private/execute_block_trade", &agreed).await.result();
    let positions = venue.private("trader", "private/get_positions", &json!({})).await.result().clone();
    let held = |name: &str| {
        let found = positions.as_array().and_then(|all| all.iter().find(|it| it["instrument_name"] == name));
        found.cloned().unwrap_or_default()
    };
    let price = held(PERPETUAL)["estimated_liquidation_price"].as_f64().expect("a price");
    assert!((10_000.0..64_000.0).contains(&price), "{price}");
    assert!(held(&venue.names[2]).get("estimated_liquidation_price").is_none(), "of an option there is none");
    let told = summary(&venue, "trader").await;
    let ratio = told["estimated_liquidation_ratio"].as_f64().expect("a ratio");
    assert!((ratio - price / 64_000.0).abs() < 1e-8, "{ratio} and {price}");
    assert_eq!(told["estimated_liquidation_ratio_map"]["btc_usdc"], told["estimated_liquidation_ratio"]);
    assert_eq!(told["estimated_liquidation_ratio_map"].as_object().map(|it| it.len()), Some(1));
}

#[tokio::test]
async fn a_risk_matrix_adds_up_to_the_margin_that_the_account_has() {
    let venue = Venue::open().await;
    let bought = json!({ "instrument_name": PERPETUAL, "amount": 0.5, "type": "market" });
    venue.private("trader", "private/buy", &bought).await.result();
    let matrix =
        async |params: Value| venue.private("trader", "private/pme/simulate", &params).await.result().clone();
    let (own, summary) = (matrix(json!({ "currency": "CROSS" })).await, summary(&venue, "trader").await);
    let margins = &own["margins"]["usdc"];
    for name in ["initial_margin", "maintenance_margin"] {
        assert_eq!(margins[name], summary[name], "{name}");
    }
    let alone = &own["initial_risk_vectors"][PERPETUAL];
    assert_eq!(alone, &own["aggregated_risk_vectors"]["btc_usdc"]);
    assert_eq!(alone["standard"].as_array().map(Vec::len), Some(23));
    assert_eq!(
        (&own["portfolio"]["position"][PERPETUAL], &own["ticker"][PERPETUAL]["index_price"]),
        (&json!(0.5), &json!(64_000.0))
    );
    let worst = &margins["initial_margin_details"]["risk_matrix_margin_details"];
    assert_eq!(worst["worst_case_bucket"]["side"], "left", "who is long loses when it falls");
    let index = worst["worst_case_bucket"]["index"].as_u64().expect("an index") - 1;
    let source = worst["worst_case_bucket"]["source"].as_str().expect("a table");
    let least = alone[source][usize::try_from(index).expect("small")].as_f64().expect("a number");
    assert_eq!(Some(-least), worst["worst_case"].as_f64());

    let option = &venue.names[2];
    let both = json!({ "currency": "USDC", "simulated_positions": { "ETH_USDC-PERPETUAL": 1, option.as_str(): -1 } });
    let both = matrix(both).await;
    let names = |it: &Value| it.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    assert_eq!(names(&both["aggregated_risk_vectors"]), Some(vec!["btc_usdc".into(), "eth_usdc".into()]));
    assert_eq!(names(&both["initial_risk_vectors"]).map(|it| it.len()), Some(3));
    let eth =
        json!({ "currency": "ETH", "simulated_positions": { "ETH_USDC-PERPETUAL": 1, option.as_str(): -1 } });
    assert_eq!(names(&matrix(eth).await["portfolio"]["position"]), Some(vec!["ETH_USDC-PERPETUAL".into()]));
    let flat = matrix(json!({ "currency": "CROSS", "add_positions": false })).await;
    let flat = &flat["margins"]["usdc"];
    assert_eq!(flat["initial_margin"], json!(0.0));
    assert_eq!(
        flat["initial_margin_details"]["risk_matrix_margin_details"]["worst_case_bucket"],
        Value::Null
    );
    for wrong in
        [json!({}), json!({ "currency": "USDT" }), json!({ "currency": "CROSS", "simulated_positions": 1 })]
    {
        assert_ne!(venue.private("trader", "private/pme/simulate", &wrong).await.code(), 0, "{wrong}");
    }
}

#[tokio::test]
async fn an_account_without_intents_on_their_way_is_what_it_is() {
    let venue = Venue::open().await;
    let found = venue.private("trader", "private/clockless/get_margin_envelope", &json!({})).await;
    let (found, summary) = (found.result(), summary(&venue, "trader").await);
    assert_eq!((&found["pending"], &found["is_exact"]), (&json!(0), &json!(true)));
    assert_eq!(found["best"], found["worst"]);
    assert_eq!(found["best"]["available_funds"], summary["available_funds"]);
}

#[tokio::test]
async fn the_faucet_gives_to_a_session_key_and_says_how_much() {
    let venue = Venue::open().await;
    let before = summary(&venue, "trader").await["balance"].as_f64().expect("a number");
    let given = venue.private("trader", "private/clockless/faucet", &json!({ "amount": 250.5 })).await;
    assert_eq!(given.result(), &json!({ "amount": 250.5, "balance": before + 250.5 }));
    let network = venue.public("public/clockless/get_network", &json!({})).await;
    assert_eq!(network.result()["faucet_max"], json!(1e9));
    for (amount, code) in [(json!(-1), 10_021), (json!(2e9), 10_021), (json!("x"), -32_602)] {
        let refused = venue.private("trader", "private/clockless/faucet", &json!({ "amount": amount })).await;
        assert_eq!(refused.code(), code, "{refused:?}");
    }
    let reader = venue.private("reader", "private/clockless/faucet", &json!({})).await;
    assert_eq!(reader.code(), 11_042);
}

#[tokio::test]
async fn quotes_are_taken_back_by_what_they_are_on() {
    let venue = Venue::open().await;
    let quote = |name: &str, bid: f64, ask: f64| {
        let side = |price: f64| json!({ "price": price, "amount": 0.01 });
        json!({ "instrument_name": name, "bid": side(bid), "ask": side(ask) })
    };
    let order = json!({ "instrument_name": PERPETUAL, "amount": 0.01, "type": "limit", "price": 60_000 });
    venue.private("trader", "private/buy", &order).await.result();
    let quotes = json!({ "quote_id": "q", "quotes": [
        quote(PERPETUAL, 63_000.0, 65_000.0), quote(&venue.names[2], 900.0, 5_000.0),
    ] });
    for (criterion, want) in [
        (json!({ "cancel_type": "all" }), 4),
        (json!({ "cancel_type": "instrument", "instrument_name": PERPETUAL }), 2),
        (json!({ "cancel_type": "instrument_kind", "kind": "option", "currency": "BTC" }), 2),
        (json!({ "cancel_type": "currency", "currency": "ETH" }), 0),
        (json!({ "cancel_type": "currency_pair", "currency_pair": "btc_usdc" }), 4),
        (json!({ "cancel_type": "delta", "min_delta": 0.9, "max_delta": 1.1 }), 2),
    ] {
        let placed = venue.private("trader", "private/mass_quote", &quotes).await;
        assert_eq!(placed.result()["orders"].as_array().map(Vec::len), Some(4), "{placed:?}");
        let cancelled = venue.private("trader", "private/cancel_quotes", &criterion).await;
        assert_eq!(cancelled.result(), &json!(want), "{criterion}");
    }
    let detailed = json!({ "cancel_type": "all", "detailed": true });
    let left = venue.private("trader", "private/cancel_quotes", &detailed).await;
    assert_eq!(left.result()[0]["result"][0]["order_state"], "cancelled");
    let open = venue.private("trader", "private/get_open_orders", &json!({})).await;
    assert_eq!(open.result().as_array().map(Vec::len), Some(1), "the order stays");
    for wrong in [json!({}), json!({ "cancel_type": "some" }), json!({ "cancel_type": "quote_set_id" })] {
        assert_ne!(venue.private("trader", "private/cancel_quotes", &wrong).await.code(), 0);
    }
}

#[tokio::test]
async fn a_group_that_trips_is_told_with_its_end() {
    let venue = Venue::open().await;
    let config =
        json!({ "index_name": "btc_usdc", "interval": 60, "frozen_time": 30, "quantity_limit": 0.01 });
    venue.private("trader", "private/set_mmp_config", &config).await.result();
    let status = json!({ "index_name": "btc_usdc" });
    assert_eq!(venue.private("trader", "private/get_mmp_status", &status).await.result(), &json!([]));
    let side = |price: f64| json!({ "price": price, "amount": 0.02 });
    let quotes = json!({ "quotes": [
        { "instrument_name": PERPETUAL, "mmp": true, "bid": side(63_996.0), "ask": side(64_004.0) },
    ] });
    venue.private("trader", "private/mass_quote", &quotes).await.result();
    let hit = json!({ "instrument_name": PERPETUAL, "amount": 0.02, "type": "market" });
    venue.private("maker", "private/buy", &hit).await.result();
    let frozen = venue.private("trader", "private/get_mmp_status", &json!({})).await;
    let frozen = &frozen.result()[0];
    assert_eq!(frozen["index_name"], "btc_usdc");
    assert!(frozen["frozen_until"].as_u64() > Some(venue.sequencer.time_ms()), "{frozen}");
    venue.private("trader", "private/reset_mmp", &status).await.result();
    assert_eq!(venue.private("trader", "private/get_mmp_status", &status).await.result(), &json!([]));
}

#[tokio::test]
async fn an_account_is_margined_as_it_asks_and_a_trial_changes_nothing() {
    let venue = Venue::open().await;
    let bought = json!({ "instrument_name": PERPETUAL, "amount": 0.5, "type": "market" });
    venue.private("trader", "private/buy", &bought).await.result();
    let before = summary(&venue, "trader").await;
    assert_eq!(before["margin_model"], "cross_pm");
    let mut params = json!({ "margin_model": "cross_sm", "dry_run": true });
    let tried = venue.private("trader", "private/change_margin_model", &params).await.result()[0].clone();
    assert_eq!(tried["old_state"]["available_balance"], before["available_funds"]);
    assert_eq!(summary(&venue, "trader").await["margin_model"], "cross_pm");
    params["dry_run"] = json!(false);
    venue.private("trader", "private/change_margin_model", &params).await.result();
    let after = summary(&venue, "trader").await;
    assert_eq!(
        (&after["margin_model"], &after["portfolio_margining_enabled"]),
        (&json!("cross_sm"), &json!(false))
    );
    assert_eq!(tried["new_state"]["available_balance"], after["available_funds"]);
    for (name, value, code) in [
        ("margin_model", json!("segregated_pm"), 10_033),
        ("margin_model", json!("span"), -32_602),
        ("user_id", json!(7), 13_021),
    ] {
        let mut wrong = json!({ "margin_model": "cross_pm" });
        wrong[name] = value;
        let refused = venue.private("trader", "private/change_margin_model", &wrong).await;
        assert_eq!(refused.code(), code, "{wrong}");
    }
}

#[tokio::test]
async fn a_block_that_no_money_covers_is_told_before_it_is_tried() {
    let venue = Venue::open().await;
    let block = |amount: f64, price: i64| {
        let trade =
            json!({ "instrument_name": PERPETUAL, "price": price, "amount": amount, "direction": "buy" });
        json!({ "role": "maker", "trades": [trade] })
    };
    for (amount, price, covered) in
        [(1.0, 64_000, true), (60.0, 64_000, true), (60.0, 80_000, false), (900.0, 64_000, false)]
    {
        let told = venue.private("trader", "private/simulate_block_trade", &block(amount, price)).await;
        assert_eq!(told.result(), &json!(covered), "{amount} at {price}");
    }
    let details = json!({ "currency": "USDC", "with_open_orders": true });
    let details =
        venue.private("maker", "private/get_subaccounts_details", &details).await.result()[0].clone();
    assert_eq!(
        (details["positions"].clone(), details["open_orders"].as_array().map(Vec::len)),
        (json!([]), Some(6))
    );
}
