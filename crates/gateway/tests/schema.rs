//! Every method's reply against api/methods.json, over sockets.
//!
//! A reply has exactly the fields that are written there, each of its kind. The examples run in the order of
//! the file, so that there is an order to edit before it is cancelled.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, ws::Client};

const SCHEMA: &str = include_str!("../api/methods.json");

/// What is wrong with a value, if anything, and where.
fn check(types: &Value, kind: &Value, value: &Value, place: &str) -> Result<(), String> {
    match kind {
        Value::String(words) => match words.strip_prefix('@') {
            Some(name) => check(types, &types[name], value, &format!("{place} {name}")),
            None if words.split('|').any(|word| is(word, value)) => Ok(()),
            None => Err(format!("{place}: {value} is not {words}")),
        },
        Value::Array(items) => {
            let list = value.as_array().ok_or_else(|| format!("{place}: {value} is no list"))?;
            let each = |(number, item)| check(types, &items[0], item, &format!("{place}[{number}]"));
            list.iter().enumerate().try_for_each(each)
        }
        Value::Object(fields) if fields.contains_key("|") => {
            let kinds = fields["|"].as_array().ok_or_else(|| format!("{place}: kinds are expected"))?;
            let fit = kinds.iter().filter(|kind| check(types, kind, value, place).is_ok()).count();
            if fit > 0 { Ok(()) } else { Err(format!("{place}: {value} is none of {kind}")) }
        }
        Value::Object(fields) => {
            let object = value.as_object().ok_or_else(|| format!("{place}: {value} is no object"))?;
            if fields.is_empty() {
                return Ok(());
            }
            let known = |name: &str| fields.contains_key(name) || fields.contains_key(&format!("{name}?"));
            if let Some(name) = object.keys().find(|name| !known(name)) {
                return Err(format!("{place}.{name}: is not in the schema"));
            }
            fields.iter().try_for_each(|(name, kind)| {
                let plain = name.trim_end_matches('?');
                match object.get(plain) {
                    Some(value) => check(types, kind, value, &format!("{place}.{plain}")),
                    None if name.ends_with('?') => Ok(()),
                    None => Err(format!("{place}.{name}: is missing")),
                }
            })
        }
        other => Err(format!("{place}: {other} is no kind")),
    }
}

fn is(word: &str, value: &Value) -> bool {
    match word {
        "any" => true,
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        word => value == word,
    }
}

/// An example with the live venue's names and numbers in it.
fn fill(example: &Value, known: &Value) -> Value {
    match example {
        Value::String(text) if text.starts_with('$') => known[&text[1..]].clone(),
        Value::Object(fields) => fields.iter().map(|(name, it)| (name.clone(), fill(it, known))).collect(),
        Value::Array(items) => items.iter().map(|it| fill(it, known)).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_reply_is_as_it_is_written_down() {
    let venue = Venue::open().await;
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let methods = schema["methods"].as_object().expect("methods");
    assert!(methods.len() > 90, "{} methods", methods.len());
    let mut client = Client::log_in(venue.address, "trader").await;
    let buy = json!({ "instrument_name": PERPETUAL, "amount": 0.1, "type": "market" });
    client.call("private/buy", &buy).await;
    let option = json!({ "instrument_name": venue.names[2], "amount": 0.1, "type": "market" });
    client.call("private/buy", &option).await;
    let legs = json!({ "trades": [
        { "instrument_name": venue.names[1], "direction": "buy", "amount": 1 },
        { "instrument_name": PERPETUAL, "direction": "sell", "amount": 1 },
    ] });
    let combo = client.call("private/create_combo", &legs).await["result"].clone();
    let now = venue.sequencer.time_ms() + 60_000;
    let credentials = json!({ "grant_type": "client_credentials", "client_id": "trader", "client_secret": "secret", "scope": "session:x" });
    let refresh = venue.public("public/auth", &credentials).await.result()["refresh_token"].clone();
    let mut known = json!({
        "perpetual": PERPETUAL, "option": venue.names[2], "combo": combo["id"],
        "combo_number": combo["instrument_id"], "now": now, "start": now - 180_000, "refresh": refresh,
    });
    known["exotic"] = json!(format!("{}-AMERICAN", venue.names[2].replace("-64000-", "-50000-")));
    // The file is read in the order it is written in: orders are placed, then edited, then cancelled.
    for (name, method) in in_order(methods) {
        // The test's node has no committee that could sign a root.
        if method["over"] == "network" {
            continue;
        }
        prepare(&venue, &mut client, (name, &mut known)).await;
        let params = fill(&method["example"], &known);
        let reply = if method["over"] == "websocket" {
            client.call(name, &params).await
        } else {
            venue.private(method["by"].as_str().unwrap_or("trader"), name, &params).await.body
        };
        let result = reply.get("result").unwrap_or_else(|| unreachable!("{name} {params}: {reply}"));
        let checked = check(&schema["types"], &method["result"], result, name);
        assert_eq!(checked, Ok(()), "{result}");
        match name {
            "private/buy" => known["order"] = result["order"]["order_id"].clone(),
            "private/create_block_rfq" => known["rfq"] = result["block_rfq_id"].clone(),
            "private/verify_block_trade" => known["signature"] = result["signature"].clone(),
            "private/execute_block_trade" => known["block"] = result["id"].clone(),
            _ => {}
        }
    }
}

/// What has to be there before an example.
async fn prepare(venue: &Venue, client: &mut Client, (name, known): (&str, &mut Value)) {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let example = |name: &str, known: &Value| fill(&schema["methods"][name]["example"], known);
    match name {
        "private/cancel_by_label" => {
            let place =
                json!({ "instrument_name": PERPETUAL, "amount": 0.01, "price": 60_000, "label": "schema" });
            client.call("private/buy", &place).await;
        }
        // What was asked for before has been traded.
        "private/cancel_block_rfq_quote" => {
            let asked = example("private/create_block_rfq", known);
            let asked = venue.private("trader", "private/create_block_rfq", &asked).await;
            known["rfq"] = asked.result()["block_rfq_id"].clone();
            let quote = example("private/add_block_rfq_quote", known);
            venue.private("maker", "private/add_block_rfq_quote", &quote).await.result();
        }
        // Something has to wait that can be taken back.
        "private/cancel_block_rfq_trigger" => {
            let mut wanted = example("private/accept_block_rfq", known);
            (wanted["price"], wanted["time_in_force"]) = (json!(1), json!("good_til_cancelled"));
            venue.private("trader", "private/accept_block_rfq", &wanted).await.result();
        }
        "private/change_api_key_name" => {
            let keys = venue.private("treasurer", "private/list_api_keys", &json!({})).await.result().clone();
            let spare = keys.as_array().and_then(|keys| keys.iter().find(|key| key["client_id"] == "spare"));
            known["key"] = spare.map_or(Value::Null, |key| key["id"].clone());
        }
        // The first signature was invalidated.
        "private/execute_block_trade" => {
            let agreed = example("private/verify_block_trade", known);
            let verified = venue.private("maker", "private/verify_block_trade", &agreed).await;
            known["signature"] = verified.result()["signature"].clone();
        }
        "private/clockless/exercise" => {
            let sale = json!({ "instrument_name": known["exotic"], "price": 14_000, "amount": 0.2, "direction": "sell" });
            let agreed = json!({ "timestamp": 1, "nonce": "e", "role": "maker", "trades": [sale] });
            let verified = venue.private("maker", "private/verify_block_trade", &agreed).await;
            let mut taken = agreed;
            taken["role"] = json!("taker");
            taken["counterparty_signature"] = verified.result()["signature"].clone();
            venue.private("trader", "private/execute_block_trade", &taken).await.result();
        }
        _ => {}
    }
}

/// The methods as they stand in the file.
fn in_order(methods: &serde_json::Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut named: Vec<(&str, &Value)> = methods.iter().map(|(name, it)| (name.as_str(), it)).collect();
    named.sort_by_key(|(name, _)| SCHEMA.find(&format!("\n  \"{name}\":")));
    named
}

#[tokio::test]
async fn parameters_of_the_wrong_kind_are_named_and_harm_nothing() {
    let venue = Venue::open().await;
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let wrong = [json!({}), json!([[]]), json!(-1.5), json!("\u{0}"), json!(true), json!(1e300), json!(null)];
    for (name, method) in schema["methods"].as_object().expect("methods") {
        for parameter in method["params"].as_object().expect("parameters").keys() {
            let parameter = parameter.trim_end_matches('?');
            for value in &wrong {
                let mut params = json!({ "instrument_name": PERPETUAL, "currency": "USDC", "amount": 0.01 });
                params[parameter] = value.clone();
                let answer = venue.private("reader", name, &params).await;
                let is_answer = answer.body.get("result").is_some() != answer.body.get("error").is_some();
                assert!(is_answer && [200, 400].contains(&answer.status), "{name} {params}: {answer:?}");
                assert_ne!(answer.code(), 11_094, "{name} {params}: {answer:?}");
            }
        }
    }
    assert_eq!(venue.public("public/test", &json!({})).await.status, 200);
}

#[test]
fn the_check_finds_what_is_wrong() {
    let types = json!({ "order": { "id": "string", "price?": "number|market_price" } });
    let said = |kind: Value, value: Value| check(&types, &kind, &value, "x").err().unwrap_or_default();
    assert_eq!(said(json!("@order"), json!({ "id": "1", "price": "market_price" })), "");
    assert_eq!(said(json!("@order"), json!({ "id": 1 })), "x order.id: 1 is not string");
    assert_eq!(said(json!("@order"), json!({})), "x order.id: is missing");
    assert_eq!(said(json!(["@order"]), json!([{ "id": "1", "y": 0 }])), "x[0] order.y: is not in the schema");
    assert_eq!(said(json!(["integer"]), json!([1, 1.5])), "x[1]: 1.5 is not integer");
}

#[test]
fn every_method_is_written_down() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    // Methods that move money or make keys exist to say that session keys cannot; an answer of theirs has no schema.
    let no_result = ["withdraw", "cancel_withdrawal", "create_deposit_address", "create_api_key"];
    let (dispatch, access) =
        (include_str!("../src/methods/mod.rs"), include_str!("../src/methods/access.rs"));
    let public =
        dispatch.split("fn public(").nth(1).and_then(|it| it.split("\n}\n").next()).expect("the match");
    // A quoted word is the name of a method where an arrow or an alternative follows it.
    let of = |scope: &str, source: &str| -> Vec<String> {
        let parts: Vec<&str> = source.split('"').collect();
        let is_arm =
            |after: &str| after.trim_start().starts_with("=>") || after.trim_start().starts_with('|');
        let arms = parts.windows(2).skip(1).step_by(2).filter(|pair| is_arm(pair[1]));
        arms.map(|pair| format!("{scope}/{}", pair[0])).collect()
    };
    let names = [of("public", public), of("private", access)].concat();
    assert!(names.len() > 90, "{} names", names.len());
    for name in names {
        let excused = no_result.iter().any(|it| name.ends_with(it)) || name.contains("submit_transfer");
        assert!(excused || schema["methods"].get(&name).is_some(), "{name} is not in the schema");
    }
}
