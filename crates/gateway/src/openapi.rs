//! The OpenAPI document of what can be called over HTTP, made of api/methods.json.
//!
//! Invariant: the file that the replies are tested against is the one that is published; nothing is described
//! twice.

use serde_json::{Map, Value, json};

const METHODS: &str = include_str!("../api/methods.json");

/// The document, in version 3.1 of OpenAPI.
pub fn document() -> Value {
    let source: Value = serde_json::from_str(METHODS).unwrap_or_default();
    let schemas = entries(&source["types"]).map(|(name, kind)| (name.clone(), schema(kind)));
    let is_http = |method: &Value| method["over"] != "websocket";
    let paths = entries(&source["methods"]).filter(|(_, method)| is_http(method));
    let paths = paths.map(|(name, method)| (format!("/{name}"), json!({ "get": operation(name, method) })));
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Clockless gateway", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": "/api/v2" }],
        "security": [{ "bearer": [] }, { "basic": [] }, {}],
        "paths": paths.collect::<Map<_, _>>(),
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic" },
            },
            "schemas": schemas.collect::<Map<_, _>>(),
        },
    })
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operation(name: &str, method: &Value) -> Value {
    let parameters = entries(&method["params"]).map(|(name, kind)| {
        json!({
            "name": name.trim_end_matches('?'),
            "in": "query",
            "required": !name.ends_with('?'),
            "schema": schema(kind),
        })
    });
    json!({
        "operationId": name,
        "tags": [name.split('/').next().unwrap_or_default()],
        "parameters": parameters.collect::<Value>(),
        "responses": {
            "200": reply("the result", "result", &schema(&method["result"])),
            "400": reply("the venue's error", "error", &error()),
        },
    })
}

fn reply(about: &str, part: &str, kind: &Value) -> Value {
    let integer = json!({ "type": "integer" });
    let envelope = json!({
        "type": "object",
        "required": ["jsonrpc", part, "usIn", "usOut", "usDiff", "testnet"],
        "properties": {
            "jsonrpc": { "const": "2.0" },
            part: kind,
            "usIn": integer,
            "usOut": integer,
            "usDiff": integer,
            "testnet": { "type": "boolean" },
        },
    });
    json!({ "description": about, "content": { "application/json": { "schema": envelope } } })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message", "data"],
        "properties": {
            "code": { "type": "integer" },
            "message": { "type": "string" },
            "data": { "type": "object" },
        },
    })
}

/// A kind as methods.json writes it, as JSON Schema writes it.
fn schema(kind: &Value) -> Value {
    match kind {
        Value::String(words) => match words.strip_prefix('@') {
            Some(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
            None if words.contains('|') => json!({ "anyOf": words.split('|').map(word).collect::<Value>() }),
            None => word(words),
        },
        Value::Array(items) => json!({ "type": "array", "items": items.first().map_or(json!({}), schema) }),
        Value::Object(fields) => match fields.get("|").and_then(Value::as_array) {
            Some(kinds) => json!({ "anyOf": kinds.iter().map(schema).collect::<Value>() }),
            None => object(fields),
        },
        _ => json!({}),
    }
}

fn word(word: &str) -> Value {
    match word {
        "any" => json!({}),
        "null" | "string" | "boolean" | "integer" | "number" => json!({ "type": word }),
        word => json!({ "const": word }),
    }
}

fn object(fields: &Map<String, Value>) -> Value {
    let plain = |name: &str| name.trim_end_matches('?').to_owned();
    let required: Vec<&String> = fields.keys().filter(|name| !name.ends_with('?')).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, kind)| (plain(name), schema(kind))).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_describes_calls_and_their_types() {
        let document = document();
        let order = &document["components"]["schemas"]["order"];
        assert_eq!(order["properties"]["amount"], json!({ "type": "number" }));
        assert!(order["required"].as_array().is_some_and(|names| names.contains(&json!("order_id"))));
        let buy = &document["paths"]["/private/buy"]["get"];
        assert_eq!(
            buy["parameters"].as_array().map(|it| it.iter().filter(|it| it["required"] == true).count()),
            Some(1)
        );
        let result =
            &buy["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["result"];
        assert_eq!(result["$ref"], "#/components/schemas/placed");
        assert!(document["paths"]["/public/subscribe"].is_null());
        let cancelled = &document["components"]["schemas"]["cancelled"]["anyOf"];
        assert_eq!((&cancelled[0], &cancelled[1]["type"]), (&json!({ "type": "integer" }), &json!("array")));
    }
}
