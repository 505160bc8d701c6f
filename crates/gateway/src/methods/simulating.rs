//! What an account would need with other positions, and what its intents on their way can still make of it.
//!
//! Invariant: nothing is ordered, nothing changes; the exchange's own rules say what would be.

use exchange::{Present, envelope};
use num::{Cash, Position, div_exact};
use serde_json::{Value, json};
use wire::InstrumentId;

use crate::{
    Gateway,
    auth::Identity,
    decimal::{self, cash, plain},
    json,
    model::Summary,
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

/// Intents whose orders are played in every way: 15 sequences, each on a copy of the exchange.
const PLAYED_MAX: usize = 3;

/// Why positions have no margin.
pub(super) const NO_MARGIN: &str = "a position is too large, or its instrument has no mark";

/// The account's summary with other positions.
pub(super) fn portfolio(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let view = gateway.view();
    if Selection::of(&view, "any", currency).is_none() {
        return Err(RpcError::param("currency", format!("{currency:?} given, USDC is expected")));
    }
    let present = present(params)?;
    let positions = positions(&view, params)?;
    let (equity, margin) = view
        .simulated(&identity.account, present, &positions)
        .ok_or_else(|| RpcError::param("simulated_positions", NO_MARGIN))?;
    let now = view.summary(&identity.account);
    let now = match present {
        Present::Kept => now,
        Present::LeftOut => Summary { model: now.model, ..Summary::default() },
    };
    let mut summary = Summary {
        balance: view.balance(&identity.account),
        equity,
        initial_margin: margin.initial,
        maintenance_margin: margin.maintenance,
        available: equity.checked_sub(margin.initial).unwrap_or(Cash::MIN),
        ..now
    };
    for (id, lots) in positions {
        view.add_simulated(&mut summary, (id, lots));
    }
    Ok(json::summary(&summary))
}

/// Whether the positions that are there count.
pub(super) fn present(params: &Params) -> Result<Present, RpcError> {
    let adds = params.optional_flag("add_positions")?.unwrap_or(true);
    Ok(if adds { Present::Kept } else { Present::LeftOut })
}

/// `{name: amount}` with signed amounts in units of the underlying.
pub(super) fn positions(view: &View, params: &Params) -> Result<Vec<(InstrumentId, Position)>, RpcError> {
    let given = params.object("simulated_positions")?.unwrap_or_default();
    let read = |(name, amount): (&String, &Value)| {
        let it = view.instrument(name).filter(|it| it.is_active());
        let it = it.ok_or_else(|| RpcError::new(Code::InvalidInstrument, format!("there is no {name:?}")))?;
        let text = match amount {
            Value::Number(number) => plain(number),
            Value::String(text) => text.clone(),
            other => return Err(RpcError::param(name, format!("{other} given, a number is expected"))),
        };
        let raw = decimal::parse(&text, 9).map_err(|error| RpcError::param(name, error.to_string()))?;
        let lots = div_exact(i128::from(raw), i128::from(it.lot.raw()));
        let lots = lots.and_then(|lots| i64::try_from(lots).ok()).map(Position::new);
        let reason = || format!("{text} is no multiple of {}", it.lot);
        Ok((it.id, lots.ok_or_else(|| RpcError::new(Code::InvalidAmount, reason()))?))
    };
    given.0.iter().map(read).collect()
}

/// The best and the worst that the account's intents on their way can still make of it.
pub(super) async fn envelope(gateway: &Gateway, identity: &Identity) -> Answer {
    let account = identity.account;
    let mut pending = gateway.pending(&account);
    let count = pending.len();
    pending.truncate(PLAYED_MAX);
    // One at a time: each copies the exchange several times.
    let _turn = gateway.envelopes.acquire().await;
    let (commit, state) = {
        let view = gateway.view();
        if pending.is_empty() {
            let found = envelope::envelope(&view.state, &account, &[]);
            return rpc::answer(&envelope_json(&found, (view.commit_index(), 0)));
        }
        (view.commit_index(), view.state.clone())
    };
    let played = tokio::task::spawn_blocking(move || envelope::envelope(&state, &account, &pending));
    let stopped = |_| RpcError::new(Code::InternalServerError, "the gateway is stopping");
    rpc::answer(&envelope_json(&played.await.map_err(stopped)?, (commit, count)))
}

fn envelope_json(it: &envelope::Envelope, (commit, count): (u64, usize)) -> Value {
    json!({
        "commit": commit,
        "pending": count,
        "is_exact": it.is_exact && count <= PLAYED_MAX,
        "best": point_json(&it.best),
        "worst": point_json(&it.worst),
    })
}

fn point_json(it: &envelope::Point) -> Value {
    json!({
        "equity": cash(it.equity),
        "initial_margin": cash(it.initial),
        "maintenance_margin": cash(it.maintenance),
        "available_funds": decimal::scaled(it.free(), 1e6),
        "intents": it.witness.iter().map(ToString::to_string).collect::<Vec<String>>(),
    })
}

impl View {
    /// Adds what a position that was bought at its mark changes in the sums of a summary.
    fn add_simulated(&self, summary: &mut Summary, (id, lots): (InstrumentId, Position)) {
        if let Some((position, mark)) = self.simulated_position(id, lots) {
            let is_option = self.instrument_of(id).is_some_and(crate::model::Instrument::is_option);
            summary.add(&position, is_option.then_some(mark));
        }
    }
}
