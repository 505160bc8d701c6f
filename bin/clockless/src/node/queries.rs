//! What tools ask of the state, in the words of the protocol.
//!
//! Invariant: an answer is of one commit. It is as true as the node that gives it: proofs are elsewhere.

use client::protocol::{AccountResponse, InstrumentRecord, InstrumentsResponse, OrderRecord, PositionRecord};
use exchange::{Instrument, State};
use num::Side;
use tonic::Status;
use wire::AccountId;

/// The bytes of a key or a digest as they come over the wire.
pub fn key_bytes(name: &str, bytes: Vec<u8>) -> Result<[u8; 32], Box<Status>> {
    let have = bytes.len();
    bytes.try_into().map_err(|_| wrong(format!("{name} has {have} bytes, 32 are expected")))
}

fn wrong(reason: String) -> Box<Status> {
    Box::new(Status::invalid_argument(reason))
}

/// An account's name as it comes over the wire.
pub fn account_id(owner: Vec<u8>, subaccount: u32) -> Result<AccountId, Box<Status>> {
    let owner = key_bytes("owner", owner)?;
    let subaccount = u16::try_from(subaccount)
        .map_err(|_| wrong(format!("subaccount is {subaccount}, below 65536 is expected")))?;
    Ok(AccountId { owner: crypto::PublicKey(owner), subaccount })
}

/// Everything about an account; zeros when it does not exist.
pub fn account(state: &State, id: &AccountId) -> AccountResponse {
    let nothing = AccountResponse { commit: state.commit(), ..AccountResponse::default() };
    let Some(index) = state.account_index(id) else { return nothing };
    let (equity, margin) = state.margin_summary(index);
    let positions = state.holdings(index).map(|(instrument, holding)| PositionRecord {
        instrument: instrument.id.0,
        lots: holding.position.get(),
        entry_micros: holding.entry.micros(),
    });
    let orders = state.open_orders(index).map(|order| OrderRecord {
        order: order.id.0,
        instrument: order.instrument.0,
        is_buy: order.side == Side::Buy,
        price_ticks: order.price.get(),
        lots: order.lots.get(),
        filled_lots: order.filled.get(),
        label: order.label.bytes().to_vec(),
    });
    AccountResponse {
        exists: true,
        balance_micros: state.balance(index).micros(),
        equity_micros: equity.micros(),
        initial_margin_micros: margin.initial.micros(),
        maintenance_margin_micros: margin.maintenance.micros(),
        liquidating: state.account_leaf(index).liquidating != 0,
        positions: positions.collect(),
        orders: orders.collect(),
        ..nothing
    }
}

pub fn instruments(state: &State) -> InstrumentsResponse {
    InstrumentsResponse { instruments: state.instruments().iter().map(instrument).collect() }
}

fn instrument(it: &Instrument) -> InstrumentRecord {
    InstrumentRecord {
        instrument: it.id.0,
        name: it.name.clone(),
        tick_micros: it.market.tick_size().micros(),
        lot_billionths: it.market.lot_size().raw(),
        is_open: it.is_open(),
        mark_micros: it.mark().map(num::Cash::micros),
    }
}
