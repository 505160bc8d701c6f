//! The HTTP side: REST calls, JSON-RPC over POST, the WebSocket upgrade, health, metrics and the page.
//!
//! Invariant: every path answers; an unknown one says so in JSON under /api and with 404 elsewhere.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, FromRequestParts, OriginalUri, Path, RawQuery, State, WebSocketUpgrade},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::Engine as _;
use serde_json::{Map, Value};

use crate::{
    Gateway,
    auth::{Identity, Signed, header_fields},
    credits::Payer,
    openapi, page,
    rpc::{self, Answer, Code, Params, Request, RpcError},
    session::Session,
    socket,
    token::Kind,
};

/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// WebSocket connections at once.
const CONNECTIONS_MAX: usize = 20_000;

/// All routes of a gateway.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/ws/api/v2", get(upgrade))
        .route("/api/v2", post(call_body))
        .route("/api/v2/", post(call_body))
        .route("/api/v2/{scope}/{*method}", get(call_query).post(call_method))
        .route("/api/v2/openapi.json", get(async || Json(openapi::document())))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(page::serve)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(tower_http::cors::CorsLayer::permissive())
        .with_state(gateway)
}

async fn upgrade(State(gateway): State<Arc<Gateway>>, upgrade: WebSocketUpgrade) -> Response {
    if gateway.hub.connections() >= CONNECTIONS_MAX {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many connections
",
        )
            .into_response();
    }
    upgrade
        .max_message_size(BODY_BYTES_MAX)
        .max_frame_size(BODY_BYTES_MAX)
        .on_upgrade(move |socket| socket::run(gateway, socket))
}

/// GET /api/v2/{scope}/{method}?params: what ccxt sends for every call.
async fn call_query(
    State(gateway): State<Arc<Gateway>>,
    Path((scope, method)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
    caller: Caller,
) -> Response {
    let received = rpc::now_us();
    let params = query_params(query.as_deref().unwrap_or(""));
    let target = uri.path_and_query().map_or("", axum::http::uri::PathAndQuery::as_str);
    let request = Request { id: Value::Null, method: format!("{scope}/{method}"), params };
    let identity = identify(&gateway, &caller.headers, &request.params, (&Method::GET, target, b""));
    answer(&gateway, (identity, caller.address), request, received).await
}

/// POST /api/v2/{scope}/{method} with a JSON-RPC body whose method, if any, is the path's.
async fn call_method(
    State(gateway): State<Arc<Gateway>>,
    Path((scope, method)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    caller: Caller,
    body: Bytes,
) -> Response {
    let received = rpc::now_us();
    match Request::parse(&body) {
        Ok(mut request) => {
            request.method = format!("{scope}/{method}");
            let target = uri.path();
            let identity =
                identify(&gateway, &caller.headers, &request.params, (&Method::POST, target, &body));
            answer(&gateway, (identity, caller.address), request, received).await
        }
        Err((id, error)) => respond(&id, &Err(error), received),
    }
}

/// POST /api/v2 with a JSON-RPC body: what nautilus_trader sends.
async fn call_body(
    State(gateway): State<Arc<Gateway>>,
    OriginalUri(uri): OriginalUri,
    caller: Caller,
    body: Bytes,
) -> Response {
    let received = rpc::now_us();
    match Request::parse(&body) {
        Ok(request) => {
            let target = uri.path();
            let identity =
                identify(&gateway, &caller.headers, &request.params, (&Method::POST, target, &body));
            answer(&gateway, (identity, caller.address), request, received).await
        }
        Err((id, error)) => respond(&id, &Err(error), received),
    }
}

/// The answer to a call that came by no socket: a GET where there is no body. `None` when the target is no path of a method.
pub(crate) async fn without_socket(
    gateway: Arc<Gateway>,
    (target, authorization): (&str, &str),
    body: Option<&[u8]>,
) -> Option<Response> {
    let uri: axum::http::Uri = target.parse().ok()?;
    let method = uri.path().strip_prefix("/api/v2/").and_then(|path| path.split_once('/'));
    let (state, query) = (State(gateway), RawQuery(uri.query().map(str::to_owned)));
    let mut headers = HeaderMap::new();
    if !authorization.is_empty() {
        headers.insert(header::AUTHORIZATION, authorization.parse().ok()?);
    }
    let caller = Caller { headers, address: IpAddr::from([0, 0, 0, 0]) };
    let path = |(scope, method): (&str, &str)| Path((scope.to_owned(), method.to_owned()));
    let body = body.map(Bytes::copy_from_slice);
    match (method, body) {
        (Some(method), None) => {
            Some(call_query(state, path(method), OriginalUri(uri.clone()), query, caller).await)
        }
        (Some(method), Some(body)) => {
            Some(call_method(state, path(method), OriginalUri(uri.clone()), caller, body).await)
        }
        (None, Some(body)) => Some(call_body(state, OriginalUri(uri), caller, body).await),
        (None, None) => None,
    }
}

/// Who sent a request, before anything is believed.
struct Caller {
    headers: HeaderMap,
    address: IpAddr,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
        Ok(Self { headers: parts.headers.clone(), address })
    }
}

async fn answer(
    gateway: &Arc<Gateway>,
    (identity, address): (Result<Option<Identity>, RpcError>, IpAddr),
    request: Request,
    received: u64,
) -> Response {
    let id = request.id.clone();
    let payer = match &identity {
        Ok(Some(identity)) => Payer::Account(identity.account),
        _ => Payer::Address(address),
    };
    let result = match identity {
        _ if !gateway.pools.spend(payer, received) => {
            Err(RpcError::new(Code::TooManyRequests, "more calls than this caller has credits for"))
        }
        Ok(identity) => gateway.call(&Session::of_request(identity), request).await,
        Err(error) => Err(error),
    };
    respond(&id, &result, received)
}

fn respond(id: &Value, result: &Answer, received: u64) -> Response {
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, rpc::reply(id, result, received)).into_response()
}

/// The caller of an HTTP request: by signed header, bearer token, basic credentials, or a token parameter.
fn identify(
    gateway: &Gateway,
    headers: &HeaderMap,
    params: &Params,
    (method, target, body): (&Method, &str, &[u8]),
) -> Result<Option<Identity>, RpcError> {
    let keyring = &gateway.keyring;
    let Some(header) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return params
            .optional_text("access_token")?
            .map(|token| keyring.by_token((Kind::Access, token), None))
            .transpose();
    };
    if let Some(fields) = header_fields(header) {
        let field = |name: &str| {
            fields.get(name).copied().ok_or_else(|| {
                RpcError::param(
                    "Authorization",
                    format!("`{name}` is missing; id, ts, nonce and sig are expected"),
                )
            })
        };
        let body = String::from_utf8_lossy(body);
        let payload = format!("{method}\n{target}\n{body}\n");
        let signed = Signed {
            client_id: field("id")?,
            timestamp: field("ts")?,
            nonce: field("nonce")?,
            signature: field("sig")?,
            payload: &payload,
        };
        return keyring.by_signature(signed).map(Some);
    }
    if let Some(token) = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer ")) {
        return keyring.by_token((Kind::Access, token), None).map(Some);
    }
    if let Some(encoded) = header.strip_prefix("Basic ").or_else(|| header.strip_prefix("basic ")) {
        let decoded = base64::prelude::BASE64_STANDARD.decode(encoded.trim()).unwrap_or_default();
        let credentials = String::from_utf8_lossy(&decoded);
        let (client_id, secret) = credentials.split_once(':').unwrap_or((&credentials, ""));
        return keyring.by_credentials(client_id, secret).map(Some);
    }
    Err(RpcError::param("Authorization", "deri-hmac-sha256, Bearer or Basic is expected"))
}

/// `a=1&b=%20x` as parameters; all values are strings.
fn query_params(query: &str) -> Params {
    let mut params = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        params.insert(percent_decode(name), Value::String(percent_decode(value)));
    }
    Params(params)
}

fn percent_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    if gateway.is_ready() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no commit seen yet\n").into_response()
    }
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], gateway.metrics.encode()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_clients_write_it() {
        let params =
            query_params("instrument_name=BTC_USDC-PERPETUAL&amount=0.01&label=a%20b%26c&post_only=true");
        assert_eq!(params.text("instrument_name").unwrap(), "BTC_USDC-PERPETUAL");
        assert_eq!(params.optional_decimal("amount", 9).unwrap(), Some(10_000_000));
        assert_eq!(params.text("label").unwrap(), "a b&c");
        assert_eq!(params.flag("post_only"), Ok(true));
        assert!(query_params("").0.is_empty());
    }
}
