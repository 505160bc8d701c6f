//! The exchange a second time, slow and obvious: one list of orders that is searched for everything, money and
//! positions in 128 bits, margin summed anew for every look, a copy of everything where something may be undone.
//!
//! Each file beside this one has one set of rules. What instruments are worth is read from the exchange that it is
//! compared with; indices, and all that is done at those prices, is its own.
//! Left out on purpose: the oracle's ladder, smiles that follow quotes.

mod admission;
mod assets;
mod auction;
mod blocks;
mod cancels;
mod checks;
mod combos;
mod cover;
mod ends;
mod exercise;
mod exotics;
mod expiry;
mod funding;
mod governance;
mod halts;
mod held;
mod implied;
mod laws;
mod liquidation;
mod listing;
mod margin;
mod marks;
mod matching;
mod money;
mod opening;
mod oracle;
mod placing;
mod protection;
mod quotes;
mod vault_quotes;
mod vaults;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crypto::PublicKey;
use exchange::{Genesis, State};
use num::{Cash, Lots, Side, Timestamp};
use wire::{
    AccountId, Action, Atomicity, Conditions, Event, InstrumentId, Label, MarginModel, NewOrder, OrderEnd,
    OrderFilter, OrderId, OrderTarget, Outcome, Permission, PostOnly, ReduceOnly, Reject, SignedIntent,
    TimeInForce, TradeKind, UnderlyingId,
};

use admission::Admitted;
pub(super) use marks::Marks;

pub(crate) const ONE: i128 = 1_000_000_000;

pub(crate) fn ceil(a: i128, b: i128) -> i128 {
    a.div_euclid(b) + i128::from(a.rem_euclid(b) > 0)
}

/// The nearest whole, of two the even one.
pub(crate) fn half_even(a: i128, b: i128) -> i128 {
    let (whole, left) = (a.div_euclid(b), a.rem_euclid(b) * 2);
    whole + i128::from(left > b || (left == b && whole % 2 != 0))
}

pub(crate) fn cash(micros: i128) -> Cash {
    Cash::from_i128(micros).expect("a test's money fits")
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub position: i128,
    pub entry: i128,
}

/// An order at rest.
#[derive(Clone, Debug)]
pub struct Resting {
    pub id: u64,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: i64,
    pub lots: u64,
    pub filled: u64,
    /// What the book shows of what is left.
    pub shown: u64,
    pub until: Option<Timestamp>,
    pub post_only: PostOnly,
    pub reduce_only: ReduceOnly,
    pub label: Label,
    pub conditions: Conditions,
    /// What its trades are when it takes.
    pub kind: TradeKind,
    /// Not in the book yet: it comes with the opening of its market.
    is_collected: bool,
    /// Who queued first at a price trades first.
    queued: u64,
    /// Commit, intent and action that placed or last queued it.
    placed: (u64, usize, usize),
}

impl Resting {
    pub const fn left(&self) -> u64 {
        self.lots - self.filled
    }
}

/// An order that waits for its trigger.
#[derive(Clone, Debug)]
struct Held {
    id: u64,
    account: AccountId,
    terms: NewOrder,
    conditions: Conditions,
    /// The order that must fill whole before.
    primary: Option<u64>,
    placed: (u64, usize, usize),
}

/// The order that bears a label, as it was asked for.
#[derive(Clone, Debug)]
struct Named {
    order: u64,
    terms: NewOrder,
    conditions: Conditions,
    filled: u64,
    ended: Option<(OrderEnd, Timestamp)>,
}

#[derive(Clone, Debug)]
pub struct Holder {
    /// How many were opened before.
    opened: usize,
    pub balance: i128,
    pub holdings: BTreeMap<InstrumentId, Holding>,
    labels: BTreeMap<Label, Named>,
    ended_labels: Vec<(Timestamp, Label)>,
    quotes: BTreeMap<(InstrumentId, Option<u16>), [Option<u64>; 2]>,
    groups: BTreeMap<u16, protection::Group>,
    switch: Option<Timestamp>,
    model: MarginModel,
    /// The pool that it last had a position in.
    pool: u16,
    /// While it is being liquidated.
    distress: Option<liquidation::Distress>,
}

#[derive(Clone, Debug)]
pub struct Reference {
    genesis: Rc<Genesis>,
    now: Timestamp,
    pub holders: BTreeMap<AccountId, Holder>,
    keys: BTreeMap<(AccountId, PublicKey), (Permission, Timestamp)>,
    nonces: BTreeMap<(AccountId, PublicKey), BTreeSet<u64>>,
    words: BTreeMap<(UnderlyingId, usize), (Timestamp, Cash)>,
    /// Everything that reporters have said.
    said: Vec<expiry::Word>,
    /// What is to be delivered when, and how much had been said when that was known: what was said before does not count.
    windows: BTreeMap<(UnderlyingId, Timestamp), usize>,
    /// What has expired or was taken off.
    closed: BTreeSet<InstrumentId>,
    listings: listing::Listings,
    indices: BTreeMap<UnderlyingId, i128>,
    combos: BTreeMap<InstrumentId, assets::Ratios>,
    /// As the exchange has them.
    names: BTreeMap<InstrumentId, String>,
    orders: Vec<Resting>,
    held: Vec<Held>,
    /// Held orders whose primary has filled.
    entering: Vec<u64>,
    /// The price of the last trade, in ticks.
    lasts: BTreeMap<InstrumentId, i64>,
    /// The insurance fund of each pool.
    funds: BTreeMap<u16, i128>,
    debtors: BTreeSet<AccountId>,
    /// How many accounts were opened before the one that took the last step of a liquidation.
    last_step: usize,
    vaults: BTreeMap<u16, vaults::Vault>,
    shareholdings: BTreeMap<(u16, AccountId), vaults::Shareholding>,
    withdrawals: BTreeMap<(usize, u64), money::Withdrawal>,
    next_withdrawal: u64,
    pays_at: Timestamp,
    fundings: funding::Fundings,
    halts: halts::Halts,
    exotics: exotics::Exotics,
    governance: governance::Governance,
    /// On what reporters agreed in this commit.
    spoken: BTreeSet<UnderlyingId>,
    /// All that was paid in, less all that has left.
    inside: i128,
    next_order: u64,
    queued: u64,
    acting: (u64, usize, usize),
    pub fees: i128,
    events: Vec<Event>,
}

/// When an action has its turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Observation,
    Money,
    Cancel,
    PostOnly,
    Rest,
}

/// An intent's action, or all of a group, in its turn.
type Step = (Turn, usize, Option<usize>);

/// What became of each action of each intent.
type Outcomes = BTreeMap<(usize, usize), Outcome>;

impl Reference {
    pub fn new(genesis: Genesis) -> Self {
        let indices =
            (0..).map(UnderlyingId).zip(genesis.underlyings.iter().map(|it| it.index_micros.into()));
        let funds = genesis.pools.iter().map(|pool| pool.insurance_micros);
        let funds = (0..).zip(core::iter::once(genesis.insurance_micros).chain(funds).map(i128::from));
        Self {
            now: genesis.start(),
            holders: BTreeMap::new(),
            keys: BTreeMap::new(),
            nonces: BTreeMap::new(),
            words: BTreeMap::new(),
            said: Vec::new(),
            windows: expiry::windows(&genesis),
            closed: BTreeSet::new(),
            listings: listing::Listings::from(&genesis),
            indices: indices.collect(),
            combos: BTreeMap::new(),
            names: BTreeMap::new(),
            orders: Vec::new(),
            held: Vec::new(),
            entering: Vec::new(),
            lasts: BTreeMap::new(),
            funds: funds.clone().collect(),
            debtors: BTreeSet::new(),
            last_step: 0,
            vaults: BTreeMap::new(),
            shareholdings: BTreeMap::new(),
            withdrawals: BTreeMap::new(),
            next_withdrawal: 0,
            pays_at: Timestamp::ZERO,
            fundings: funding::Fundings::from(genesis.start()),
            halts: halts::Halts::default(),
            exotics: exotics::Exotics::default(),
            governance: governance::Governance::default(),
            spoken: BTreeSet::new(),
            inside: funds.map(|(_, fund)| fund).sum(),
            next_order: 1,
            queued: 0,
            acting: (0, 0, 0),
            fees: 0,
            events: Vec::new(),
            genesis: Rc::new(genesis),
        }
    }

    /// Applies a commit of intents. Orders are taken at the marks of the exchange `before` it, triggers at those `after`.
    pub fn commit(&mut self, [before, after]: [&State; 2], intents: &[SignedIntent]) -> Vec<Event> {
        self.now = after.time();
        self.names = after.instruments().iter().map(|it| (it.id, it.name.clone())).collect();
        let number = before.commit() + 1;
        let (mut marks, after) = (Marks::between(before, after), &Marks::of(after));
        self.acting = (number, 0, 0);
        let admitted = self.admit(intents);
        let mut steps = self.steps(&admitted);
        steps.sort_by_key(|step| step.0);
        let others = steps.partition_point(|step| step.0 == Turn::Observation);
        let mut outcomes = Outcomes::new();
        self.take(&marks, &admitted, (&steps[..others], &mut outcomes));
        self.begin(&mut marks, after);
        self.take(&marks, &admitted, (&steps[others..], &mut outcomes));
        self.acting = (number, 0, 0);
        if self.check_running().is_ok() {
            self.fire_triggers(after);
            self.liquidate(after);
            self.quote_vaults(after);
        }
        for (i, it) in admitted.iter().enumerate() {
            let of = outcomes.range((i, 0)..(i + 1, 0)).map(|(_, outcome)| outcome.clone()).collect();
            let outcomes = wire::List::new(of).expect("as many as actions");
            let (intent, account) = (it.intent.id(), it.intent.account);
            self.events.push(Event::Receipt { intent, account, outcomes });
        }
        core::mem::take(&mut self.events)
    }

    /// What happens by itself once reporters have spoken.
    fn begin(&mut self, marks: &mut Marks, after: &Marks) {
        self.refresh_indices();
        self.watch_levels(marks, after);
        self.deliver_expiries(marks);
        self.accrue_funding(marks);
        self.take_due();
        self.reopen(marks);
        self.watch_indices(marks);
        self.enact_proposals(marks, after);
        self.refresh_listing(marks);
        self.delist_idle_combos();
        self.delist_idle_exotics();
        self.pay_withdrawals();
    }

    /// Each action in its turn; a group in the turn of its last one. Mass cancels have two.
    fn steps(&self, admitted: &[Admitted]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (i, it) in admitted.iter().enumerate() {
            let turns = || it.intent.actions.iter().map(|action| self.turn(&it.intent.account, action));
            if it.intent.atomicity == Atomicity::AllOrNothing {
                steps.push((turns().max().expect("it has actions").max(Turn::Money), i, None));
                continue;
            }
            for (a, (turn, action)) in turns().zip(it.intent.actions.iter()).enumerate() {
                steps.push((turn, i, Some(a)));
                if matches!(action, Action::CancelAll { .. } | Action::CancelMatching { .. }) {
                    steps.push((Turn::Rest, i, Some(a)));
                }
            }
        }
        steps
    }

    /// Money, then cancels of what rests, then what cannot take, then the rest.
    fn turn(&self, account: &AccountId, action: &Action) -> Turn {
        let own = |target: &OrderTarget| self.target(*account, target).ok();
        let post_only = |id: u64| self.orders.iter().any(|it| it.id == id && it.post_only != PostOnly::Off);
        match action {
            Action::Observe { .. } => Turn::Observation,
            Action::Place { order } | Action::PlaceWith { order, .. } if order.post_only == PostOnly::Off => {
                Turn::Rest
            }
            Action::Place { .. } | Action::PlaceWith { .. } | Action::Quote { .. } => Turn::PostOnly,
            Action::Amend { target, .. } if own(target).is_some_and(post_only) => Turn::PostOnly,
            Action::Cancel { target } if own(target).is_some() => Turn::Cancel,
            Action::CancelAll { .. } | Action::CancelMatching { .. } => Turn::Cancel,
            Action::Amend { .. } | Action::Cancel { .. } => Turn::Rest,
            Action::TakeBlock { .. } | Action::TakeAuction { .. } | Action::Exercise { .. } => Turn::Rest,
            _ => Turn::Money,
        }
    }

    fn take(&mut self, state: &Marks, admitted: &[Admitted], (steps, outcomes): (&[Step], &mut Outcomes)) {
        for (_, i, action) in steps {
            let it = &admitted[*i];
            if let Some(a) = action {
                (self.acting.1, self.acting.2) = (*i, *a);
                let done = self.act(state, it, &it.intent.actions[*a]);
                outcomes.insert((*i, *a), done.unwrap_or_else(|reject| Outcome::Rejected { reject }));
                continue;
            }
            let all = self.act_together(state, it, *i);
            outcomes.extend(all.into_iter().enumerate().map(|(a, outcome)| ((*i, a), outcome)));
        }
    }

    /// All actions or none; what was numbered stays numbered, and who was opened stays open.
    fn act_together(&mut self, state: &Marks, it: &Admitted, i: usize) -> Vec<Outcome> {
        let saved = self.clone();
        let mut outcomes = Vec::new();
        for (a, action) in it.intent.actions.iter().enumerate() {
            (self.acting.1, self.acting.2) = (i, a);
            match self.act(state, it, action) {
                Ok(outcome) => outcomes.push(outcome),
                Err(reject) => {
                    self.go_back(saved);
                    let action = u8::try_from(a).expect("at most 64");
                    let failed = Outcome::Rejected { reject: Reject::GroupFailed { action } };
                    outcomes = vec![failed; it.intent.actions.len()];
                    outcomes[a] = Outcome::Rejected { reject };
                    return outcomes;
                }
            }
        }
        outcomes
    }

    fn go_back(&mut self, saved: Self) {
        let later = core::mem::replace(self, saved);
        (self.next_order, self.next_withdrawal) = (later.next_order, later.next_withdrawal);
        let opened: Vec<(usize, AccountId)> = later.holders.iter().map(|(id, it)| (it.opened, *id)).collect();
        for (_, id) in opened.into_iter().collect::<BTreeSet<_>>() {
            self.open(id);
        }
    }

    fn act(&mut self, state: &Marks, it: &Admitted, action: &Action) -> Result<Outcome, Reject> {
        it.check_authority(action)?;
        let account = it.intent.account;
        let done = |()| Outcome::Done;
        match action {
            Action::Place { order } => self.place(state, account, (order, &Conditions::default())),
            Action::PlaceWith { order, conditions } => self.place(state, account, (order, conditions)),
            Action::Quote { instrument, protection, bid, ask } => {
                self.quote(state, account, ((*instrument, *protection), [*bid, *ask]))
            }
            Action::Amend { target, lots, price } => {
                let order = self.amend(state, account, (target, lots.get(), price.get()))?;
                Ok(Outcome::Placed { order: OrderId(order) })
            }
            Action::Cancel { target } => {
                let id = self.target(account, target)?;
                self.end_any(id, OrderEnd::Cancelled);
                Ok(Outcome::Done)
            }
            Action::CancelAll { instrument } => {
                let filter = OrderFilter { instrument: *instrument, ..OrderFilter::default() };
                self.cancel_matching(state, account, &filter).map(done)
            }
            Action::CancelMatching { filter } => self.cancel_matching(state, account, filter).map(done),
            Action::SetSwitch { at } => self.set_switch(account, *at).map(done),
            Action::SetProtection { group, limits } => {
                self.set_protection(account, (*group, *limits)).map(done)
            }
            Action::ResetProtection { group } => self.reset_protection(account, *group).map(done),
            Action::SetMarginModel { model } => self.set_margin_model(state, account, *model).map(done),
            Action::Observe { underlying, price, observed_at } => {
                self.observe(state, account.owner, (*underlying, *price, *observed_at)).map(done)
            }
            Action::TakeAuction { account: of, part, reward_min } => {
                self.take_auction(state, account, (*of, *part, *reward_min))
            }
            Action::EnterVault { pool, amount } => self.enter_vault(state, account, (*pool, *amount)),
            Action::LeaveVault { pool, shares } => self.leave_vault(state, account, (*pool, *shares)),
            Action::TakeBlock { offer } => self.take_block(state, account, offer),
            Action::CreateCombo { legs } => self.create_combo(state, account, legs),
            Action::CreateExotic { terms } => self.create_exotic(state, account, terms),
            Action::Exercise { instrument, lots } => self.exercise(state, account, (*instrument, *lots)),
            Action::Propose { change } => self.propose(account, change),
            Action::Vote { proposal } => self.vote(account, *proposal).map(done),
            Action::Pause { span } => self.pause(account, *span).map(done),
            other => self.move_money(state, account, other),
        }
    }

    fn holder(&mut self, account: AccountId) -> &mut Holder {
        self.holders.get_mut(&account).expect("whoever acts is open")
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    fn position(&self, account: AccountId, id: InstrumentId) -> i128 {
        self.holders.get(&account).and_then(|it| it.holdings.get(&id)).map_or(0, |it| it.position)
    }

    /// Lots of a side that bring a position nearer to zero.
    fn reducible(&self, account: AccountId, id: InstrumentId, side: Side) -> u64 {
        let position = self.position(account, id);
        let toward = if side == Side::Buy { -position } else { position };
        u64::try_from(toward).unwrap_or(0)
    }
}

/// How long an order stays, where that is limited.
const fn until(terms: &NewOrder) -> Option<Timestamp> {
    match terms.time_in_force {
        TimeInForce::GoodTilTime { until } => Some(until),
        _ => None,
    }
}

const fn lots(lots: u64) -> Lots {
    Lots::new(lots)
}
