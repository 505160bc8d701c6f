//! The scenarios that portfolio margin is made of, position by position.
//!
//! Invariant: nothing changes; the exchange's own sums are told, whatever model the account is margined by.
//! Left out on purpose: shocks of the venue's that have no counterpart here; they are told as zero.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{Present, RiskMatrix, risk::Grid};
use num::{Cash, Fix, Position, Rounding};
use serde_json::{Map, Value, json};
use wire::{InstrumentId, UnderlyingId};

use crate::{
    Gateway,
    auth::Identity,
    decimal::{cash, fix},
    json,
    rpc::{Code, Params, RpcError, RpcResult},
    selection::SETTLEMENT,
    view::View,
};

use super::simulating;

/// The venue's word for everything that one pool of collateral answers for.
const CROSS: &str = "CROSS";

/// What the account's positions, and others besides or in their place, make in each scenario.
pub(super) fn simulate(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let only = underlying(&view, params.text("currency")?)?;
    let present = simulating::present(params)?;
    let tried = simulating::positions(&view, params)?;
    let no_money = || RpcError::new(Code::NotEnoughFunds, "the account never had money");
    let account = view.state.account_index(&identity.account).ok_or_else(no_money)?;
    let matrix = view
        .state
        .risk_matrix(account, (present, only), &tried)
        .ok_or_else(|| RpcError::param("simulated_positions", simulating::NO_MARGIN))?;

    let mut lots: BTreeMap<InstrumentId, i64> = BTreeMap::new();
    let held = view.state.holdings(account).filter(|_| present == Present::Kept);
    let held = held.map(|(it, holding)| (it.id, holding.position));
    for (id, more) in held.chain(tried) {
        let sum = lots.entry(id).or_default();
        *sum = sum.saturating_add(more.get());
    }
    let positions: Vec<Sized<'_>> = lots.iter().filter_map(|(id, lots)| sized(&view, *id, *lots)).collect();
    let positions = positions.into_iter().filter(|it| only.is_none_or(|only| only == it.listed.underlying));
    let mut value = of_positions(&view, positions);
    value["model_params"] = model(&view, &matrix);
    value["aggregated_risk_vectors"] = by_index(&view, &matrix, |id, profits| {
        view.state.grid(id).map_or(Value::Null, |grid| vectors(grid, profits))
    });
    value["index_price"] = by_index(&view, &matrix, |id, _| {
        view.state.underlying_of(id).map_or(Value::Null, |it| cash(it.index))
    });
    value["margins"] = json!({ "usdc": margins(&view, &matrix) });
    value["portfolio"]["currency"] = json!({ "usdc": cash(view.balance(&identity.account)) });
    Ok(value)
}

/// The underlying that a currency means; `None` for all of them.
fn underlying(view: &View, currency: &str) -> Result<Option<UnderlyingId>, RpcError> {
    let reason = || format!("{currency:?} given, {SETTLEMENT}, {CROSS} or an underlying is expected");
    match currency {
        "any" | SETTLEMENT | CROSS => Ok(None),
        other => view.underlying_id(other).map(Some).ok_or_else(|| RpcError::param("currency", reason())),
    }
}

/// An instrument and how much of it there is.
struct Sized<'a> {
    listed: &'a exchange::Instrument,
    valuation: &'a exchange::Valuation,
    size: Fix,
}

fn sized(view: &View, id: InstrumentId, lots: i64) -> Option<Sized<'_>> {
    let listed = view.state.instrument(id)?;
    let size = exchange::State::units(listed, Position::new(lots));
    Some(Sized { listed, valuation: listed.valuation.as_ref()?, size })
}

/// What there is of each instrument, what it makes alone, and at which prices.
fn of_positions<'a>(view: &View, positions: impl Iterator<Item = Sized<'a>>) -> Value {
    let (mut made, mut sizes, mut tickers) = (Map::new(), Map::new(), Map::new());
    for Sized { listed, valuation, size } in positions {
        let Some(grid) = view.state.grid(listed.underlying) else { continue };
        let worth = |profit: &i64| Cash::from_micros(*profit).scale(size, Rounding::Floor);
        let profits: Vec<Cash> =
            valuation.scenarios.iter().map(|it| worth(it).unwrap_or(Cash::MIN)).collect();
        let index = view.state.underlying_of(listed.underlying).map_or(Cash::ZERO, |it| it.index);
        made.insert(listed.name.clone(), vectors(grid, &profits));
        sizes.insert(listed.name.clone(), fix(size));
        let ticker = json!({ "mark_price": cash(valuation.mark), "index_price": cash(index) });
        tickers.insert(listed.name.clone(), ticker);
    }
    json!({ "initial_risk_vectors": made, "portfolio": { "position": sizes }, "ticker": tickers })
}

/// A value for each underlying of the matrix, by the venue's name of its index.
fn by_index(view: &View, matrix: &RiskMatrix, of: impl Fn(UnderlyingId, &[Cash]) -> Value) -> Value {
    let named = |(id, profits): &(UnderlyingId, Vec<Cash>)| {
        let symbol = &view.state.underlying_of(*id)?.symbol;
        Some((json::price_index(symbol), of(*id, profits)))
    };
    Value::Object(matrix.profits.iter().filter_map(named).collect())
}

fn vectors(grid: &Grid, profits: &[Cash]) -> Value {
    let (standard, extended) = profits.split_at(grid.tails_from.min(profits.len()));
    let values = |part: &[Cash]| part.iter().map(|it| cash(*it)).collect::<Vec<Value>>();
    json!({ "standard": values(standard), "extended": values(extended) })
}

/// The scenarios in the venue's parameters.
fn model(view: &View, matrix: &RiskMatrix) -> Value {
    let pair = |id: UnderlyingId| {
        let grid = view.state.grid(id)?;
        Some(json!({
            "price_range": fix(grid.range()),
            "volatility_range_up": fix(grid.shocks.up),
            "volatility_range_down": fix(grid.shocks.down),
            "short_term_vega_power": fix(grid.shocks.short_power),
            "long_term_vega_power": fix(grid.shocks.long_power),
            "min_volatility_for_shock_up": fix(grid.shocks.up_min),
        }))
    };
    let parameters = view.state.parameters();
    let initial = parameters.margin.initial_billionths;
    let maintenance = Fix::ratio(Fix::SCALE, initial, Rounding::HalfEven).unwrap_or(Fix::ONE);
    let regular = parameters.grid.scenarios.iter().take(parameters.grid.tails_from);
    let down: BTreeSet<i64> = regular.map(|it| it.shift.trillionths).filter(|shift| *shift < 0).collect();
    json!({
        "currency_pair": by_index(view, matrix, |id, _| pair(id).unwrap_or_default()),
        "general": {
            "mm_factor": fix(maintenance),
            "buckets_count": down.len(),
            "vol_scenarios_count": 3,
            "timestamp": view.now_ms(),
        },
    })
}

fn margins(view: &View, matrix: &RiskMatrix) -> Value {
    let (margin, held) = (&matrix.margin, &matrix.without_orders);
    let beyond = held.maintenance.checked_sub(matrix.worst).unwrap_or(Cash::ZERO);
    let orders = margin.initial.checked_sub(held.initial).unwrap_or(Cash::ZERO);
    json!({
        "initial_margin": cash(margin.initial),
        "maintenance_margin": cash(margin.maintenance),
        "initial_margin_details": {
            "risk_matrix_margin": cash(held.initial),
            "risk_matrix_margin_details": {
                "worst_case": cash(matrix.worst),
                "worst_case_bucket": worst_bucket(&view.state.parameters().grid, matrix),
                "contingency": cash(beyond),
                "delta_shock": 0.0,
                "roll_shock": 0.0,
                "correlation_contingency": 0.0,
            },
            "open_orders_margin": cash(orders),
            "spot_margin": 0.0,
            "mmp_margin": 0.0,
        },
    })
}

/// The scenario in which all underlyings together lose most, the first of several; null when they lose in none.
fn worst_bucket(grid: &Grid, matrix: &RiskMatrix) -> Value {
    let sum = |place: usize| -> i128 {
        let made = matrix.profits.iter().filter_map(|(_, profits)| profits.get(place));
        made.map(|it| i128::from(it.micros())).sum()
    };
    let sums = (0..grid.len()).map(|place| (sum(place), place));
    match sums.min().filter(|(least, _)| *least < 0) {
        Some((_, place)) => bucket(grid, place),
        None => Value::Null,
    }
}

/// A scenario as the venue names it: places of a table and the moves of a side are counted from one, as they are listed.
fn bucket(grid: &Grid, place: usize) -> Value {
    let is_tail = place >= grid.tails_from;
    let (first, source) = if is_tail { (grid.tails_from, "extended") } else { (0, "standard") };
    let moves = || grid.scenarios.iter().map(|it| it.shift.trillionths).take(place + 1).skip(first);
    let sign = moves().last().unwrap_or_default().signum();
    let of_side: BTreeSet<i64> = moves().filter(|it| it.signum() == sign).collect();
    let side = match sign {
        0 => "middle",
        1.. => "right",
        _ => "left",
    };
    json!({ "bucket": of_side.len(), "side": side, "source": source, "index": place - first + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_named_by_their_table_and_the_move_in_it() {
        let grid = Grid::grid27_ext8();
        for (place, want) in [
            (0, json!({ "bucket": 1, "side": "left", "source": "standard", "index": 1 })),
            (11, json!({ "bucket": 4, "side": "left", "source": "standard", "index": 12 })),
            (13, json!({ "bucket": 1, "side": "middle", "source": "standard", "index": 14 })),
            (26, json!({ "bucket": 4, "side": "right", "source": "standard", "index": 27 })),
            (27, json!({ "bucket": 1, "side": "left", "source": "extended", "index": 1 })),
            (29, json!({ "bucket": 1, "side": "right", "source": "extended", "index": 3 })),
        ] {
            assert_eq!(bucket(&grid, place), want, "{place}");
        }
    }
}
