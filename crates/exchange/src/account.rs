//! One account: positions, open orders, margin aggregates.
//!
//! Invariant: `risks`, where there are any, are exactly the sums over the account's positions and open orders at the
//! present marks; a test recomputes them from scratch.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::OnceLock,
};

use num::{Cash, Duration, Lots, Position, Timestamp};
use wire::{AccountId, Conditions, InstrumentId, Label, MarginModel, NewOrder, OrderEnd, OrderId};

use crate::{
    ceiling::Ceiling,
    fetch::fetch,
    holding::Holding,
    ledger::PoolId,
    open_orders::OpenOrders,
    order::{HeldOrder, Order},
    protection::Protection,
    quote::QuoteOrders,
    sums::{Asked, Risks},
};

/// For how long a label answers for an order that has traded to its end.
const LABEL_WINDOW: Duration = Duration::from_millis(10_000);
/// Labels of ended orders that an account may have.
const ENDED_LABELS_MAX: usize = 128;

/// The order that bears a label, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelUse {
    pub order: OrderId,
    pub terms: NewOrder,
    pub conditions: Conditions,
    /// What had filled when it ended.
    pub filled: Lots,
    /// How and when it ended, if it has.
    pub end: Option<OrderEnd>,
    pub ended_at: Timestamp,
}

saved!(LabelUse { order, terms, conditions, filled, end, ended_at });

impl LabelUse {
    pub(crate) fn new(order: OrderId, terms: &NewOrder, conditions: &Conditions) -> Self {
        Self {
            order,
            terms: terms.clone(),
            conditions: conditions.clone(),
            filled: Lots::ZERO,
            end: None,
            ended_at: Timestamp::ZERO,
        }
    }

    /// Whether the order has ended, and too long ago to be told of.
    pub(crate) fn is_forgotten(&self, now: Timestamp) -> bool {
        self.end.is_some() && now.since(self.ended_at) > LABEL_WINDOW
    }
}

/// Where an account stands with its margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Sound,
    /// It fell below its maintenance margin and is being closed.
    Liquidating,
}

saved_choice!(Health { 0 => Sound, 1 => Liquidating });

/// How far an account's liquidation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distress {
    pub since: Timestamp,
    /// When its auction began, if it has.
    pub auction: Option<Timestamp>,
}

saved!(Distress { since, auction });

/// An account and its subaccount number, with everything it holds but its balance.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub holdings: BTreeMap<InstrumentId, Holding>,
    pub orders: OpenOrders,
    /// Open orders by their labels, and for a while those that have traded to their end.
    pub labels: BTreeMap<Label, LabelUse>,
    /// Labels of orders that have ended, the earliest end first.
    pub(crate) ended_labels: VecDeque<(Timestamp, Label)>,
    /// Orders that wait for their trigger.
    pub held: BTreeMap<OrderId, HeldOrder>,
    /// The orders of the account's quotes; one that has ended may still be named.
    pub(crate) quotes: BTreeMap<(InstrumentId, Option<u16>), QuoteOrders>,
    pub protections: BTreeMap<u16, Protection>,
    /// When all orders end unless the owner says otherwise.
    pub switch: Option<Timestamp>,
    /// Margin sums by what instruments are on, while somebody looks at them.
    pub(crate) risks: OnceLock<Risks>,
    pub(crate) asked: Asked,
    /// Spares looking at all of `risks`; says nothing of its own.
    pub(crate) ceiling: Option<Ceiling>,
    pub health: Health,
    /// Says something while the account is being liquidated.
    pub distress: Distress,
    pub model: MarginModel,
    /// The pool that it last had a position in.
    pub pool: PoolId,
    /// Realised profit since the account was opened, fees apart.
    pub realised: Cash,
}

impl Account {
    /// Asks for its lines.
    pub(crate) fn fetch(&self) {
        fetch(&self.id);
        fetch(&self.holdings);
        fetch(&self.orders);
        fetch(&self.labels);
        fetch(&self.held);
        fetch(&self.ceiling);
        fetch(&self.realised);
    }

    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            holdings: BTreeMap::new(),
            orders: OpenOrders::default(),
            labels: BTreeMap::new(),
            ended_labels: VecDeque::new(),
            held: BTreeMap::new(),
            quotes: BTreeMap::new(),
            protections: BTreeMap::new(),
            switch: None,
            risks: OnceLock::new(),
            asked: Asked::default(),
            ceiling: None,
            health: Health::Sound,
            distress: Distress::default(),
            model: MarginModel::Portfolio,
            pool: 0,
            realised: Cash::ZERO,
        }
    }

    /// Frees the label of an order that has ended. What it traded into its end is remembered for a while;
    /// what its owner or a rule took out is not, for nobody would ask for it again by mistake.
    pub(crate) fn release_label(&mut self, it: &Order, end: OrderEnd, now: Timestamp) {
        let Some(used) = self.labels.get_mut(&it.label).filter(|used| used.order == it.id) else { return };
        let by_trading = matches!(
            end,
            OrderEnd::Filled | OrderEnd::Dropped | OrderEnd::SelfTrade | OrderEnd::PositionLimit
        );
        if by_trading {
            (used.filled, used.end, used.ended_at) = (it.filled, Some(end), now);
            self.ended_labels.push_back((now, it.label.clone()));
        } else {
            self.labels.remove(&it.label);
        }
    }

    /// Forgets labels of orders that ended too long ago, or too many orders ago.
    pub(crate) fn forget_labels(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.ended_labels.front()
            && (now.since(*at) > LABEL_WINDOW || self.ended_labels.len() > ENDED_LABELS_MAX)
        {
            let Some((at, label)) = self.ended_labels.pop_front() else { break };
            if self.labels.get(&label).is_some_and(|used| used.end.is_some() && used.ended_at == at) {
                self.labels.remove(&label);
            }
        }
    }

    /// The open order of a label.
    pub(crate) fn labelled(&self, label: &Label) -> Option<OrderId> {
        self.labels.get(label).filter(|used| used.end.is_none()).map(|used| used.order)
    }

    pub fn position(&self, instrument: InstrumentId) -> Position {
        self.holdings.get(&instrument).map_or(Position::FLAT, |holding| holding.position)
    }
}
