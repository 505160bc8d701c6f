//! A gateway that anybody may send anything to: frames of a connection, and calls over HTTP.
//!
//! Invariant: every frame and every call gets one reply, in the venue's form and under its id, that is never a mistake of
//! our own; what is pushed is a notification.
//!
//! An input is lines. `GET target<TAB>authorization` and `POST target<TAB>authorization<TAB>body` are calls over HTTP; any
//! other line is a frame of one connection, which also hears of one more commit.

use num::Side;
use serde_json::{Value, json};

use crate::market::{self, START_MS, TRADER, venue};

/// Lines of one input that are looked at.
const LINES_MAX: usize = 64;
/// What the gateway answers with where it is to blame.
const INTERNAL_SERVER_ERROR: i64 = 11_094;

/// Lines that a client might send.
pub fn json_rpc(bytes: &[u8]) {
    let venue = venue();
    let mut frames = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(LINES_MAX) {
        match over_http(line) {
            Some((named, body)) => {
                let answer = venue.request(named, body);
                let request = body.and_then(|body| serde_json::from_slice(body).ok());
                answer.iter().for_each(|answer| judge(answer, request.as_ref()));
            }
            None => frames.push(String::from_utf8_lossy(line)),
        }
    }
    let frames: Vec<&str> = frames.iter().map(AsRef::as_ref).collect();
    let trade = market::intent(TRADER, 9, vec![market::order(0, Side::Buy, (5, 128_100))]);
    let news = market::commit(3, vec![trade]);
    let heard = venue.converse(&frames, &news);
    assert_eq!(heard.replies.len(), frames.len(), "a reply for each frame");
    for (frame, reply) in frames.iter().zip(&heard.replies) {
        judge(reply.as_bytes(), serde_json::from_str(frame).ok().as_ref());
    }
    for push in &heard.pushes {
        let push: Value =
            serde_json::from_str(push).unwrap_or_else(|error| panic!("a push is JSON: {error}"));
        assert!(push["method"] == "subscription" && push["params"]["channel"].is_string(), "{push}");
    }
}

type OverHttp<'a> = ((&'a str, &'a str), Option<&'a [u8]>);

/// Target, header and body of a line that is a call over HTTP.
fn over_http(line: &[u8]) -> Option<OverHttp<'_>> {
    if let Some(rest) = line.strip_prefix(b"GET ") {
        let rest = core::str::from_utf8(rest).ok()?;
        return Some((rest.split_once('\t').unwrap_or((rest, "")), None));
    }
    let mut parts = line.strip_prefix(b"POST ")?.splitn(3, |byte| *byte == b'\t');
    let mut text = || core::str::from_utf8(parts.next().unwrap_or_default()).ok();
    let named = (text()?, text()?);
    Some((named, Some(parts.next().unwrap_or_default())))
}

/// What every reply keeps to; `request` is what it answers, where that is JSON.
fn judge(reply: &[u8], request: Option<&Value>) {
    let reply: Value =
        serde_json::from_slice(reply).unwrap_or_else(|error| panic!("a reply is JSON: {error}"));
    assert_eq!(reply["jsonrpc"], "2.0", "{reply}");
    assert!(reply.get("result").is_some() != reply.get("error").is_some(), "a result or an error: {reply}");
    let error = &reply["error"];
    assert_eq!(error.is_object(), error["code"].is_i64() && error["message"].is_string(), "{reply}");
    let is_own = error["code"] == INTERNAL_SERVER_ERROR;
    let is_wanted = request.is_none_or(|it| it["params"]["expected_result"] == "exception");
    assert!(!is_own || is_wanted, "{reply}");
    if let Some(Value::Object(request)) = request {
        assert_eq!(reply["id"], request.get("id").cloned().unwrap_or(Value::Null), "{reply}");
    }
}

/// Lines with a call of every method as the venue's own description has them, and of HTTP.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let description: Value = serde_json::from_str(include_str!("../../crates/gateway/api/methods.json"))
        .expect("invariant: the description is JSON");
    let methods = description["methods"].as_object().into_iter().flatten();
    let (of_keys, others): (Vec<_>, Vec<_>) = methods.partition(|(_, it)| it["by"] == "treasurer");
    let (of_keys, calls) = (filled(&of_keys), filled(&others));
    let frame = |(method, params): &(&str, Value)| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let log_in = |client_id: &str| {
        let params =
            json!({ "grant_type": "client_credentials", "client_id": client_id, "client_secret": "secret" });
        frame(&("public/auth", params))
    };
    let mut seeds = Vec::new();
    for (part, client_id) in calls.chunks(6).zip(["trader", "maker"].into_iter().cycle()) {
        let lines: Vec<String> = core::iter::once(log_in(client_id)).chain(part.iter().map(frame)).collect();
        seeds.push(lines.join("\n").into_bytes());
    }
    let lines: Vec<String> = core::iter::once(log_in("treasurer")).chain(of_keys.iter().map(frame)).collect();
    seeds.push(lines.join("\n").into_bytes());
    seeds.push(rfq(&log_in, &frame).into_bytes());
    seeds.push(channels(&log_in("trader"), &frame).into_bytes());
    seeds.push(
        concat!(
            "GET /api/v2/private/buy?instrument_name=BTC_USDC-PERPETUAL&amount=0.01&price=64000\tBasic dHJhZGVyOnNlY3JldA==\n",
            "GET /api/v2/public/ticker?instrument_name=BTC_USDC-PERPETUAL\tderi-hmac-sha256 id=trader,ts=1,nonce=a,sig=00\n",
            "POST /api/v2\tBearer x\t{\"id\":1,\"method\":\"private/get_positions\"}\n",
            "POST /api/v2/public/test\t\t{\"id\":[1],\"params\":{}}",
        )
        .into(),
    );
    seeds
}

/// Requests for quotes: one from asking to trading, one with a hedge and an acceptance that waits.
fn rfq(log_in: &impl Fn(&str) -> String, frame: &impl Fn(&(&str, Value)) -> String) -> String {
    let leg = |name: &str| json!({ "instrument_name": name, "amount": 0.1, "direction": "buy", "ratio": 1, "price": 64_000 });
    let (perpetual, option) = ("BTC_USDC-PERPETUAL", &market::instruments()[2]);
    let taken = |request: u64, direction: &str| json!({ "block_rfq_id": request, "direction": direction, "amount": 0.1, "price": 64_000, "legs": [leg(perpetual)] });
    let mut waits = taken(2, "buy");
    waits["time_in_force"] = json!("good_til_cancelled");
    [
        log_in("trader"),
        frame(&("private/create_block_rfq", json!({ "legs": [leg(perpetual)] }))),
        log_in("maker"),
        frame(&("private/add_block_rfq_quote", taken(1, "sell"))),
        log_in("trader"),
        frame(&("private/accept_block_rfq", taken(1, "buy"))),
        frame(&("private/create_block_rfq", json!({ "legs": [leg(option)], "hedge": leg(perpetual) }))),
        frame(&("private/accept_block_rfq", waits)),
        frame(&("private/cancel_block_rfq_trigger", json!({ "block_rfq_id": 2 }))),
    ]
    .join("\n")
}

/// Channels of every kind.
fn channels(log_in: &str, frame: &impl Fn(&(&str, Value)) -> String) -> String {
    let kinds = [
        "book.$.raw",
        "book.$.none.10.100ms",
        "book.$.0.5.20.100ms",
        "ticker.$.raw",
        "incremental_ticker.$",
        "quote.$",
        "perpetual.$.raw",
        "trades.$.raw",
        "trades.any.any.100ms",
        "chart.trades.$.1D",
        "deribit_price_index.btc_usdc",
        "deribit_price_statistics.btc_usd",
        "estimated_expiration_price.btc_usdc",
        "markprice.options.btc_usdc",
        "instrument.state.any.any",
        "platform_state",
        "clockless.network",
        "clockless.dag",
        "clockless.finality",
        "user.orders.any.any.raw",
        "user.trades.$.100ms",
        "user.changes.option.BTC.raw",
        "user.portfolio.any",
        "user.mmp_trigger.any",
        "block_rfq.taker.any",
        "block_rfq.maker.BTC",
    ];
    let named: Vec<String> = kinds.iter().map(|it| it.replace('$', "BTC_USDC-PERPETUAL")).collect();
    let chain = format!("clockless.chain.BTC.{}", market::EXPIRY_MS);
    [
        log_in.to_owned(),
        frame(&("private/subscribe", json!({ "channels": named }))),
        frame(&("public/subscribe", json!({ "channels": [chain] }))),
    ]
    .join("\n")
}

/// Calls as the examples of methods have them.
fn filled<'a>(methods: &[(&'a String, &Value)]) -> Vec<(&'a str, Value)> {
    methods.iter().map(|(name, it)| (name.as_str(), filled_in(&it["example"], &names()))).collect()
}

/// What examples leave open.
fn names() -> Value {
    let option = &market::instruments()[2];
    json!({
        "$key": gateway::api_key::number("spare"), "$intent": "ab".repeat(32),
        "$perpetual": "BTC_USDC-PERPETUAL", "$option": option, "$combo_number": 3, "$combo": "", "$order": "1", "$rfq": 1,
        "$now": START_MS + 1_000, "$start": START_MS, "$signature": "00.0", "$block": "BLOCK-1", "$refresh": "x",
    })
}

fn filled_in(example: &Value, names: &Value) -> Value {
    match example {
        Value::String(text) => names.get(text).unwrap_or(example).clone(),
        Value::Array(items) => items.iter().map(|item| filled_in(item, names)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, it)| (name.clone(), filled_in(it, names))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds that are refused at the door would teach a fuzzer nothing.
    #[test]
    fn most_seeds_are_answered_and_not_refused() {
        let (mut replies, mut answered) = (0, 0);
        for seed in seeds() {
            let text = String::from_utf8_lossy(&seed).into_owned();
            let frames: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
            let heard = venue().converse(&frames, &market::commit(3, Vec::new()));
            replies += heard.replies.len();
            answered += heard.replies.iter().filter(|reply| reply.contains("\"result\":")).count();
        }
        assert!(answered * 4 > replies * 3, "{answered} of {replies}");
    }

    #[test]
    fn calls_reach_the_node_that_is_not_there() {
        let frames: Vec<Vec<u8>> = seeds();
        let logged_in = String::from_utf8_lossy(&frames[0]).lines().next().unwrap_or_default().to_owned();
        let buy = json!({ "id": 1, "method": "private/buy", "params": { "instrument_name": "BTC_USDC-PERPETUAL",
            "amount": 0.01, "price": 60_000 } });
        let heard = venue().converse(&[&logged_in, &buy.to_string()], &market::commit(3, Vec::new()));
        let reply: Value = serde_json::from_str(&heard.replies[1]).expect("JSON");
        assert_eq!(reply["error"]["code"], 13_028, "{reply}");
    }
}
