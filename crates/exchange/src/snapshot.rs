//! The whole state as bytes at a commit, and back.
//!
//! What genesis fixed is not saved, and neither is what follows from the rest: indices, the books' structure,
//! margin sums, the agenda. They are made anew, so they cannot disagree. A book is saved as the numbers of its
//! orders in the order in which they trade.
//!
//! Invariant: a state read back does with every later commit exactly what the saved one does, and saves to the
//! same bytes. Any bytes are a state whose every invariant holds, or an error that says what is wrong.
//! Left out on purpose: whether the bytes are the network's. Who reads a snapshot compares its digest and root.

mod fit;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::OnceLock,
};

use crypto::Digest;
use num::{Cash, Fix, Timestamp};
use wire::{AccountId, ComboLeg, InstrumentId, OrderId, Rung};

use crate::{
    account::Account,
    agenda::{Agenda, Due, Entry},
    begin::list_instrument,
    book::{Depth, LadderBook, Slot},
    exotic::Exotic,
    funding::Funding,
    genesis::{Genesis, GenesisError, Surface},
    governance::Governance,
    halt::{Halt, PriceRange, TakerFlow},
    hold,
    instrument::{Instrument, Listing, Valuation},
    invariants::Broken,
    ladder::Average,
    ledger::AccountIndex,
    open_orders::OpenOrders,
    order::ActionPlace,
    saved::{Input, LoadError, Save},
    state::{State, Underlying},
    sums::Asked,
};

pub use fit::Misfit;

/// Why bytes are no state of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("{0}")]
    Misfit(#[from] Misfit),
    #[error("an invariant does not hold: {0}")]
    Broken(#[from] Broken),
}

/// What is saved of an underlying.
struct SavedUnderlying {
    index: Cash,
    index_at: Timestamp,
    uncertainty: Fix,
    recent: VecDeque<PriceRange>,
    marked: Option<(Cash, Timestamp)>,
    surfaces: Vec<Surface>,
    followed: BTreeMap<u64, num::Timestamp>,
    average: Average,
    rung: Rung,
}

saved!(SavedUnderlying { index, index_at, uncertainty, recent, marked, surfaces, followed, average, rung });

/// What is saved of an instrument: its name says which contract it is, and genesis what that is made of.
struct SavedInstrument {
    name: String,
    listing: Listing,
    valuation: Option<Valuation>,
    open_interest: u64,
    halt: Option<Halt>,
    collected: Vec<(OrderId, AccountIndex)>,
    flow: TakerFlow,
    funding: Funding,
    last_trade: Option<num::Ticks>,
    made_of: SavedMake,
    /// Its book, bids first, in the order in which they trade.
    resting: Vec<OrderId>,
}

saved!(SavedInstrument {
    name,
    listing,
    valuation,
    open_interest,
    halt,
    collected,
    flow,
    funding,
    last_trade,
    made_of,
    resting,
});

/// What is saved beside its name of what its name does not say.
enum SavedMake {
    Plain,
    Combo { legs: Vec<ComboLeg>, used_at: Timestamp },
    Exotic { used_at: Timestamp, touched: Option<Cash>, fixed: Cash, made: u32 },
}

saved_choice!(SavedMake {
    0 => Plain,
    1 => Combo { legs, used_at },
    2 => Exotic { used_at, touched, fixed, made },
});

impl SavedMake {
    fn of(it: &Instrument) -> Self {
        match (&it.combo, &it.exotic) {
            (Some(combo), _) => Self::Combo { legs: combo.asked(), used_at: combo.used_at },
            (None, Some(life)) => {
                // Who holds it is made anew.
                let Exotic { used_at, touched, fixed, made, holders: _ } = *life;
                Self::Exotic { used_at, touched, fixed, made }
            }
            (None, None) => Self::Plain,
        }
    }
}

impl State {
    /// Everything that later commits depend on. To be called between commits.
    pub fn save(&self, out: &mut Vec<u8>) {
        let Self {
            parameters: _,
            commit,
            acting,
            time,
            ledger,
            oracle,
            underlyings,
            instruments,
            names: _,
            books: _,
            accounts,
            account_index: _,
            keys,
            nonces,
            orders,
            next_order,
            trades,
            governance,
            withdrawals,
            vaults,
            lists_at,
            funding_paid_at,
            ordered_blocks: _,
            ordered_queue,
            touched: _,
            liquidations,
            agenda: _,
            entering,
            margin_epoch: _,
            equivocators,
            receipts,
            savepoint,
            events,
        } = self;
        let is_between_commits =
            savepoint.is_none() && events.is_empty() && *acting == ActionPlace::default();
        debug_assert!(is_between_commits, "a state is saved between commits");
        governance.save(out);
        commit.save(out);
        time.save(out);
        ledger.save(out);
        oracle.feeds().save(out);
        underlyings.iter().map(SavedUnderlying::of).collect::<Vec<_>>().save(out);
        instruments.iter().map(|it| SavedInstrument::of(it, self.book(it.id))).collect::<Vec<_>>().save(out);
        accounts.save(out);
        keys.save(out);
        nonces.save(out);
        orders.save(out);
        next_order.save(out);
        trades.save(out);
        withdrawals.save(out);
        vaults.save(out);
        lists_at.save(out);
        funding_paid_at.save(out);
        ordered_queue.save(out);
        liquidations.save(out);
        entering.save(out);
        equivocators.save(out);
        receipts.save(out);
    }

    /// The state that was saved by an exchange of the same genesis and network. It may be followed by more: whoever
    /// reads the last of it says `finish`.
    pub fn load(genesis: &Genesis, network: Digest, input: &mut Input<'_>) -> Result<Self, StateError> {
        let mut state = Self::new(genesis, network)?;
        state.load_governance(Save::load(input)?)?;
        state.commit = Save::load(input)?;
        state.time = Save::load(input)?;
        state.ledger = Save::load(input)?;
        let feeds = Save::load(input)?;
        state.oracle = state.oracle.with_feeds(feeds).ok_or(Misfit::Oracle)?;
        state.load_underlyings(Save::load(input)?)?;
        let books = state.load_instruments(Save::load(input)?)?;
        state.accounts = Save::load(input)?;
        state.keys = Save::load(input)?;
        state.nonces = Save::load(input)?;
        state.orders = Save::load(input)?;
        state.next_order = Save::load(input)?;
        state.trades = Save::load(input)?;
        state.withdrawals = Save::load(input)?;
        state.vaults = Save::load(input)?;
        state.lists_at = Save::load(input)?;
        state.funding_paid_at = Save::load(input)?;
        state.ordered_queue = Save::load(input)?;
        state.liquidations = Save::load(input)?;
        state.entering = Save::load(input)?;
        state.equivocators = Save::load(input)?;
        state.receipts = Save::load(input)?;
        state.check_fit()?;
        state.derive(&books)?;
        state.check_invariants()?;
        Ok(state)
    }

    /// The parameters are those of genesis with the enacted changes.
    fn load_governance(&mut self, saved: Governance) -> Result<(), Misfit> {
        let changed = self.parameters.base.changed_by(&saved.changed).ok_or(Misfit::Governance)?;
        self.parameters = self.parameters.clone().with(&changed);
        self.governance = saved;
        Ok(())
    }

    fn load_underlyings(&mut self, saved: Vec<SavedUnderlying>) -> Result<(), Misfit> {
        let (have, need) = (saved.len(), self.underlyings.len());
        if have != need {
            return Err(Misfit::Underlyings { have, need });
        }
        for (it, saved) in self.underlyings.iter_mut().zip(saved) {
            let SavedUnderlying {
                index,
                index_at,
                uncertainty,
                recent,
                marked,
                surfaces,
                followed,
                average,
                rung,
            } = saved;
            let begun = it.clone();
            *it = Underlying {
                index,
                index_at,
                uncertainty,
                recent,
                marked,
                surfaces,
                followed,
                average,
                rung,
                ..begun
            };
        }
        Ok(())
    }

    /// Lists what was listed; hands back the orders of each book.
    fn load_instruments(&mut self, saved: Vec<SavedInstrument>) -> Result<Vec<Vec<OrderId>>, Misfit> {
        let mut books = Vec::with_capacity(saved.len());
        self.instruments.clear();
        for (place, saved) in saved.into_iter().enumerate() {
            let id = u32::try_from(place).map(InstrumentId).map_err(|_| Misfit::Instrument { place })?;
            let begun = self.made_again((id, &saved.name), &saved.made_of);
            let begun = begun.ok_or(Misfit::Instrument { place })?;
            books.push(saved.resting);
            self.instruments.push(Instrument {
                listing: saved.listing,
                valuation: saved.valuation,
                open_interest: saved.open_interest,
                halt: saved.halt,
                collected: saved.collected,
                flow: saved.flow,
                funding: saved.funding,
                last_trade: saved.last_trade,
                ..begun
            });
        }
        Ok(books)
    }

    /// An instrument as it begins, with what is its own; `None` when there is none of that name and make.
    fn made_again(&self, (id, name): (InstrumentId, &str), made_of: &SavedMake) -> Option<Instrument> {
        let listed = || list_instrument(&self.underlyings, &self.parameters.limits, (id, name));
        match made_of {
            SavedMake::Plain => listed().filter(|it| !it.is_exotic()),
            SavedMake::Combo { legs, used_at } => self.combo_again((id, name), (legs, *used_at)),
            SavedMake::Exotic { used_at, touched, fixed, made } => {
                let (used_at, touched, fixed, made) = (*used_at, *touched, *fixed, *made);
                let life = Exotic { used_at, touched, fixed, made, ..Exotic::default() };
                let it = listed().filter(Instrument::is_exotic)?;
                let may_live = it.may_live(&life, self.oracle.range(it.underlying));
                may_live.then_some(Instrument { exotic: Some(life), ..it })
            }
        }
    }

    /// Makes anew what follows from what was read.
    fn derive(&mut self, books: &[Vec<OrderId>]) -> Result<(), Misfit> {
        self.names = self.instruments.iter().map(|it| (it.name.clone(), it.id)).collect();
        let ids = self.accounts.iter().enumerate();
        self.account_index = ids.map(|(place, account)| (account.id, index_of(place))).collect();
        self.ordered_blocks = self.ordered_queue.iter().copied().collect();
        self.books = vec![LadderBook::default(); self.instruments.len()];
        for (book, orders) in self.books.iter_mut().zip(books) {
            for id in orders {
                let misfit = Misfit::Order { order: *id };
                // An order rests once.
                let order = self.orders.get_mut(*id).filter(|order| order.slot == Slot::NOWHERE);
                let order = order.ok_or(misfit)?;
                order.slot = book.rest(&order.resting()).map_err(|_| misfit)?;
            }
            // A price that belongs elsewhere in the order would be put there: two encodings of one book.
            if let Some((_, id)) = trading(book).zip(orders).find(|(have, need)| have != *need) {
                return Err(Misfit::Order { order: *id });
            }
        }
        for order in self.orders.rising() {
            let place = usize::try_from(order.account).unwrap_or(usize::MAX);
            if let Some(account) = self.accounts.get_mut(place) {
                account.orders.insert(order.id);
            }
        }
        self.agenda = self.agenda_anew();
        self.note_holders();
        self.touched = crate::state::Touched::default();
        Ok(())
    }

    fn agenda_anew(&self) -> Agenda {
        let mut agenda = Agenda::new();
        for order in self.orders.rising() {
            let until = order.standing.until;
            agenda.extend(until.map(|until| Entry::Time(until, Due::Order(order.id, order.account))));
        }
        for (place, account) in self.accounts.iter().enumerate() {
            agenda.extend(account.switch.map(|at| Entry::Time(at, Due::Switch(index_of(place)))));
            for (order, held) in &account.held {
                agenda.extend(hold::entries(index_of(place), *order, held));
            }
        }
        agenda
    }
}

/// Orders at rest, bids first, in the order in which they trade.
fn trading(book: &LadderBook) -> impl Iterator<Item = OrderId> {
    let sides = [num::Side::Buy, num::Side::Sell];
    sides.into_iter().flat_map(|side| book.orders(side).map(|order| order.id))
}

fn index_of(place: usize) -> AccountIndex {
    AccountIndex::try_from(place).unwrap_or(AccountIndex::MAX)
}

impl SavedUnderlying {
    fn of(it: &Underlying) -> Self {
        let Underlying {
            symbol: _,
            option: _,
            future: _,
            pool: _,
            first_index: _,
            average,
            rung,
            index,
            index_at,
            uncertainty,
            recent,
            marked,
            surfaces,
            followed,
        } = it.clone();
        Self { index, index_at, uncertainty, recent, marked, surfaces, followed, average, rung }
    }
}

impl SavedInstrument {
    fn of(it: &Instrument, book: &LadderBook) -> Self {
        let Instrument {
            id: _,
            name,
            underlying: _,
            contract: _,
            combo: _,
            exotic: _,
            market: _,
            listing,
            valuation,
            open_interest,
            position_max: _,
            halt,
            collected,
            flow,
            funding,
            last_trade,
        } = it.clone();
        let resting = trading(book).collect();
        let made_of = SavedMake::of(it);
        Self {
            name,
            listing,
            valuation,
            open_interest,
            halt,
            collected,
            flow,
            funding,
            last_trade,
            made_of,
            resting,
        }
    }
}

impl Save for Account {
    fn save(&self, out: &mut Vec<u8>) {
        let Self {
            id,
            holdings,
            orders: _,
            labels,
            ended_labels,
            held,
            quotes,
            protections,
            switch,
            risks: _,
            asked: _,
            ceiling: _,
            health,
            distress,
            model,
            pool,
            realised,
        } = self;
        id.save(out);
        holdings.save(out);
        labels.save(out);
        ended_labels.save(out);
        held.save(out);
        quotes.save(out);
        protections.save(out);
        switch.save(out);
        health.save(out);
        distress.save(out);
        model.save(out);
        pool.save(out);
        realised.save(out);
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Ok(Self {
            id: AccountId::load(input)?,
            holdings: Save::load(input)?,
            orders: OpenOrders::default(),
            labels: Save::load(input)?,
            ended_labels: Save::load(input)?,
            held: Save::load(input)?,
            quotes: Save::load(input)?,
            protections: Save::load(input)?,
            switch: Save::load(input)?,
            risks: OnceLock::new(),
            asked: Asked::default(),
            ceiling: None,
            health: Save::load(input)?,
            distress: Save::load(input)?,
            model: Save::load(input)?,
            pool: Save::load(input)?,
            realised: Save::load(input)?,
        })
    }
}
