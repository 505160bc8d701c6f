//! The deterministic state machine: books, ledger, margin, liquidation, settlement, oracle.
//!
//! One function: [`apply`]. Same commits, same state, same events, on every machine.
//!
//! Invariant: no input panics or does unbounded work; money is conserved; what a user did wrong is a
//! `wire::Reject`, never an error of the exchange.
//! Left out on purpose: who agreed on the order (`ordering`), signatures' primitives (`crypto`), floats
//! (`pricing`), and clocks: time is the commit's.

#[macro_use]
mod saved;
mod account;
mod admission;
mod agenda;
mod apply;
mod auction;
mod begin;
mod block_trade;
pub mod book;
pub mod calendar;
mod ceiling;
mod combo;
mod contingency;
mod coverage;
mod deleverage;
mod delivery;
pub mod envelope;
mod equivocators;
mod exotic;
mod fees;
mod fetch;
mod funding;
pub mod genesis;
mod governance;
mod halt;
mod hold;
mod holding;
mod instrument;
mod invariants;
mod ladder;
pub mod leaf;
pub mod ledger;
mod liquidation;
mod liquidation_index;
mod listing;
mod lookahead;
mod margin;
mod marks;
mod matching;
mod money;
pub mod name;
pub mod nonce;
mod open_orders;
pub mod oracle;
mod order;
mod order_table;
mod orders;
mod place;
mod pools;
mod protection;
mod quote;
mod reading;
pub mod receipts;
mod reopen;
mod revise;
pub mod risk;
mod rules;
mod savepoint;
mod simulate;
mod smiles;
pub mod snapshot;
mod state;
pub mod stream;
mod sums;
mod trade;
mod vault;
mod view;
mod whole;
mod withdrawals;

pub use account::{Account, Distress, Health, LabelUse};
pub use apply::{apply, apply_read};
pub use combo::{Combo, Implied, Leg};
pub use exotic::Exotic;
pub use funding::Funding;
pub use genesis::{Genesis, GenesisError};
pub use governance::{Governance, Proposal, VERSION};
pub use halt::Halt;
pub use holding::Holding;
pub use instrument::{Greeks, Instrument, Listing, Valuation};
pub use invariants::Broken;
pub use margin::Margin;
pub use order::{HeldOrder, Order, Standing};
pub use protection::Protection;
pub use reading::Reading;
pub use saved::{Input, LoadError, LoadReason, Save};
pub use simulate::{Present, RiskMatrix};
pub use state::{Parameters, State, Underlying};
pub use vault::{Shareholding, Vault};
pub use view::Totals;
pub use withdrawals::Withdrawal;
