//! JSON-RPC 2.0 as Deribit speaks it: requests, replies, the venue's error codes, typed parameters.
//!
//! Invariant: whatever arrives gets a reply of this shape; a parameter of the wrong kind is named together
//! with what was expected.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

pub use crate::code::Code;
use crate::decimal::{self, DecimalError};

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    pub code: Code,
    pub data: Value,
}

impl RpcError {
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, data: json!({ "reason": reason.into() }) }
    }

    /// A parameter that is missing or of the wrong kind.
    pub fn param(name: &str, reason: impl Into<String>) -> Self {
        Self { code: Code::InvalidParams, data: json!({ "param": name, "reason": reason.into() }) }
    }

    pub fn to_value(&self) -> Value {
        json!({ "code": self.code.number(), "message": self.code.message(), "data": self.data })
    }
}

/// What a method answers, as a tree: for what is small.
pub type RpcResult = Result<Value, RpcError>;

/// What a method answers, as the text that is sent. Objects of orders and trades are written to it directly: a tree of
/// forty orders is a thousand allocations.
pub type Answer = Result<Box<RawValue>, RpcError>;

/// The text of a result.
pub fn answer(result: &(impl Serialize + ?Sized)) -> Answer {
    serde_json::value::to_raw_value(result)
        .map_err(|error| RpcError::new(Code::InternalServerError, error.to_string()))
}

/// A call, read but not yet understood.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Value,
    pub method: String,
    pub params: Params,
}

impl Request {
    /// Reads one JSON-RPC request; the error comes with the id to answer under.
    pub fn parse(text: &[u8]) -> Result<Self, (Value, RpcError)> {
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| (Value::Null, RpcError::new(Code::ParseError, error.to_string())))?;
        let Value::Object(mut object) = value else {
            return Err((Value::Null, RpcError::new(Code::BadRequest, "a request is a JSON object")));
        };
        let id = object.remove("id").unwrap_or(Value::Null);
        let Some(Value::String(method)) = object.remove("method") else {
            return Err((id, RpcError::new(Code::BadRequest, "`method` must be a string")));
        };
        match object.remove("params") {
            None | Some(Value::Null) => Ok(Self { id, method, params: Params::default() }),
            Some(Value::Object(params)) => Ok(Self { id, method, params: Params(params) }),
            Some(_) => Err((id, RpcError::new(Code::InvalidParams, "`params` must be an object"))),
        }
    }
}

/// The fields of every reply, in which the venue's clients look for the times.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Value::is_null")]
    id: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    us_in: u64,
    us_out: u64,
    us_diff: u64,
    testnet: bool,
}

/// The reply to a call.
pub fn reply(id: &Value, answer: &Answer, received_us: u64) -> String {
    let now = now_us();
    text(&Reply {
        jsonrpc: "2.0",
        id,
        result: answer.as_deref().ok(),
        error: answer.as_ref().err().map(RpcError::to_value),
        us_in: received_us,
        us_out: now,
        us_diff: now.saturating_sub(received_us),
        testnet: true,
    })
}

/// A push of a subscription.
pub fn notification(channel: &str, data: &(impl Serialize + ?Sized)) -> String {
    #[derive(Serialize)]
    struct Notification<'a, T: Serialize + ?Sized> {
        jsonrpc: &'static str,
        method: &'static str,
        params: Params<'a, T>,
    }
    #[derive(Serialize)]
    struct Params<'a, T: Serialize + ?Sized> {
        channel: &'a str,
        data: &'a T,
    }
    text(&Notification { jsonrpc: "2.0", method: "subscription", params: Params { channel, data } })
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("invariant: our messages are objects with names for keys")
}

/// Microseconds since 1970 by this machine's clock; for `usIn` and `usOut` only.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The parameters of a call. Over GET everything is a string; over JSON-RPC things have their kinds; both
/// are understood.
#[derive(Clone, Debug, Default)]
pub struct Params(pub Map<String, Value>);

impl Params {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Result<&str, RpcError> {
        self.optional_text(name)?.ok_or_else(|| RpcError::param(name, "missing, a string is expected"))
    }

    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(RpcError::param(name, format!("{other} given, a string is expected"))),
        }
    }

    pub fn optional_flag(&self, name: &str) -> Result<Option<bool>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(other) => Err(RpcError::param(name, format!("{other} given, true or false is expected"))),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool, RpcError> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    pub fn optional_u64(&self, name: &str) -> Result<Option<u64>, RpcError> {
        let wrong = |have: &Value| RpcError::param(name, format!("{have} given, a whole number is expected"));
        match self.get(name) {
            None => Ok(None),
            Some(value @ Value::Number(number)) => number.as_u64().map(Some).ok_or_else(|| wrong(value)),
            Some(value @ Value::String(text)) => text.parse().map(Some).map_err(|_| wrong(value)),
            Some(other) => Err(wrong(other)),
        }
    }

    pub fn u64(&self, name: &str) -> Result<u64, RpcError> {
        self.optional_u64(name)?.ok_or_else(|| RpcError::param(name, "missing, a whole number is expected"))
    }

    /// A decimal number as an integer with `decimals` places, exactly.
    pub fn optional_decimal(&self, name: &str, decimals: u32) -> Result<Option<i64>, RpcError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => decimal::plain(number),
            Some(Value::String(text)) => text.clone(),
            Some(other) => return Err(RpcError::param(name, format!("{other} given, a number is expected"))),
        };
        decimal::parse(&text, decimals)
            .map(Some)
            .map_err(|error: DecimalError| RpcError::param(name, error.to_string()))
    }

    /// One of the listed words; `None` when the parameter is not given.
    pub fn choice<'a>(&self, name: &str, choices: &[&'a str]) -> Result<Option<&'a str>, RpcError> {
        let Some(given) = self.optional_text(name)? else { return Ok(None) };
        let found = choices.iter().find(|choice| **choice == given).copied();
        let wrong =
            || RpcError::param(name, format!("{given:?} given, one of {} is expected", choices.join(", ")));
        found.map(Some).ok_or_else(wrong)
    }

    /// An object; over GET it comes as JSON text.
    pub fn object(&self, name: &str) -> Result<Option<Self>, RpcError> {
        let wrong = |have: &Value| RpcError::param(name, format!("{have} given, an object is expected"));
        let Some(given) = self.get(name) else { return Ok(None) };
        let read: Value = match given {
            Value::String(text) => serde_json::from_str(text).map_err(|_| wrong(given))?,
            other => other.clone(),
        };
        if let Value::Object(fields) = read { Ok(Some(Self(fields))) } else { Err(wrong(given)) }
    }

    /// A list of objects; over GET it comes as JSON text.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, RpcError> {
        let wrong = || RpcError::param(name, "a list of objects is expected");
        let given = self.get(name).ok_or_else(wrong)?;
        let read: Value = match given {
            Value::String(text) => serde_json::from_str(text).map_err(|_| wrong())?,
            other => other.clone(),
        };
        let Value::Array(items) = read else { return Err(wrong()) };
        let object = |item| if let Value::Object(fields) = item { Ok(Self(fields)) } else { Err(wrong()) };
        items.into_iter().map(object).collect()
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>, RpcError> {
        let wrong =
            |have: &Value| RpcError::param(name, format!("{have} given, a list of strings is expected"));
        match self.get(name) {
            None => Err(RpcError::param(name, "missing, a list of strings is expected")),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong(item))).collect()
            }
            // Over GET a list comes as JSON text or as a bare string.
            Some(Value::String(text)) => {
                Ok(serde_json::from_str(text).unwrap_or_else(|_| vec![text.clone()]))
            }
            Some(other) => Err(wrong(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(value: Value) -> Params {
        match value {
            Value::Object(map) => Params(map),
            _ => Params::default(),
        }
    }

    #[test]
    fn numbers_arrive_as_numbers_or_as_text() {
        for given in [json!({"amount": 0.01}), json!({"amount": "0.01"})] {
            assert_eq!(params(given).optional_decimal("amount", 9), Ok(Some(10_000_000)));
        }
        for given in [json!({"count": 5}), json!({"count": "5"})] {
            assert_eq!(params(given).optional_u64("count"), Ok(Some(5)));
        }
        assert_eq!(params(json!({"post_only": "true"})).flag("post_only"), Ok(true));
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let error = params(json!({"count": -1})).optional_u64("count").unwrap_err();
        assert_eq!(error.code, Code::InvalidParams);
        assert_eq!(error.data["param"], "count");
        assert!(params(json!({"amount": {}})).optional_decimal("amount", 9).is_err());
        assert!(params(json!({})).text("instrument_name").is_err());
        assert!(params(json!({"channels": [1]})).texts("channels").is_err());
    }

    #[test]
    fn what_is_no_request_is_answered_under_its_id() {
        for (text, id, code) in [
            ("{", Value::Null, Code::ParseError),
            ("[]", Value::Null, Code::BadRequest),
            (r#"{"id":7}"#, json!(7), Code::BadRequest),
            (r#"{"id":7,"method":"public/test","params":[]}"#, json!(7), Code::InvalidParams),
        ] {
            let (have_id, error) = Request::parse(text.as_bytes()).unwrap_err();
            assert_eq!((have_id, error.code), (id, code), "{text}");
        }
    }

    #[test]
    fn an_error_reply_has_no_result() {
        let sent = reply(&json!(1), &Err(RpcError::new(Code::NotFound, "x")), 0);
        let reply: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(reply["error"]["code"], 13_020);
        assert!(reply.get("result").is_none());
    }

    #[test]
    fn a_reply_bears_its_id_and_its_times() {
        let sent = reply(&json!("a"), &answer(&json!([1.5])), 7);
        let reply: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!((&reply["id"], &reply["result"], &reply["usIn"]), (&json!("a"), &json!([1.5]), &json!(7)));
        assert_eq!(reply["usOut"].as_u64().map(|out| out - 7), reply["usDiff"].as_u64());
        assert!(reply.get("error").is_none() && reply["testnet"] == true);
        assert!(!super::reply(&Value::Null, &answer("ok"), 7).contains("\"id\""));
        let pushed: Value = serde_json::from_str(&notification("a\"b", &json!({ "x": 1 }))).unwrap();
        let params = json!({ "channel": "a\"b", "data": { "x": 1 } });
        assert_eq!(pushed, json!({ "jsonrpc": "2.0", "method": "subscription", "params": params }));
    }
}
