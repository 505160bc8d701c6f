//! Every byte that is hashed, signed, sent or stored.
//!
//! Invariant: decoding is total and bounded: any input gives a value or an error, never a panic, and never
//! allocates beyond the limits of `limits`. Every value has exactly one encoding.
//! Left out on purpose: whether a decoded value makes sense. That is the reader's to judge: `dag` for
//! blocks, `exchange` for intents.

#[macro_use]
mod codec;
mod action;
mod batch;
mod block;
mod block_trade;
mod ceremony;
mod change;
mod checkpoint;
mod combo;
mod commit;
mod committee;
mod conditions;
mod equivocation;
mod event;
mod exotic;
mod intent;
pub mod limits;
mod message;
mod record;
mod reject;
mod root;
mod worker;

pub use action::{
    Action, Change, Destination, InstrumentName, Label, MarginModel, NewOrder, OrderKind, OrderTarget,
    ParameterName, Permission, PostOnly, ReduceOnly, TimeInForce,
};
pub use batch::{Batch, BatchRef, Transaction};
pub use block::{Author, Block, BlockRef, Round, SignedBlock};
pub use block_trade::{BlockLeg, BlockOffer, BlockTerms};
pub use ceremony::{CeremonyMessage, SignedCeremonyMessage, Statement};
pub use change::{
    AgreedChange, ChangeError, ChangeSignature, CommitteeChange, CommitteeVote, Endpoint, Successor,
    committee_after,
};
pub use checkpoint::{Checkpoint, Lineage, Snapshot, SnapshotRef};
pub use codec::{Blob, Boxed, List};
pub use combo::{ComboLeg, ComboMaker, ComboTrade};
pub use commit::{Commit, CommittedBlock, CommittedPayload};
pub use committee::{Committee, CommitteeError, Member, Stake, Tally};
pub use conditions::{
    Conditions, ContractKind, Crossing, OrderFilter, PriceSource, ProtectionLimits, QuoteSide, Rung,
    SelfTrade, Trigger,
};
pub use equivocation::Equivocation;
pub use event::{Event, HaltCause, OrderEnd, Outcome, TradeEvent, TradeKind};
pub use exotic::{Exercise, ExoticStyle, ExoticTerms, Knock, OptionRight};
pub use intent::{AccountId, Atomicity, InstrumentId, Intent, IntentId, OrderId, SignedIntent, UnderlyingId};
pub use message::{Letter, Message};
pub use record::Record;
pub use reject::Reject;
pub use root::{Attestation, Certificate, CertificateError, RootSignature};
pub use worker::{BatchNote, WantedBatch, WorkerMessage, WorkerOrder, WorkerWord};
