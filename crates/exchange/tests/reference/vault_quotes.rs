//! What vaults quote at the end of a commit: options in turn, around the mark's volatility, leaning against what is held.

use exchange::{Instrument, genesis::VaultParameters, name::Contract};
use num::{Fix, Lots, Side, Ticks};
use wire::{AccountId, InstrumentId, OrderEnd, QuoteSide};

use super::{
    Marks, ONE, Reference, ceil,
    cover::{Cover, Orders},
    margin::leg_fee,
};

impl Reference {
    pub(super) fn quote_vaults(&mut self, state: &Marks) {
        let Some(rules) = self.genesis.vault else { return };
        for pool in self.vaults.keys().copied().collect::<Vec<u16>>() {
            let (account, next) = (self.vaults[&pool].account, self.vaults[&pool].next);
            if self.holders[&account].distress.is_some() {
                continue;
            }
            let of_pool =
                |it: &&Instrument| self.genesis.underlyings[usize::from(it.underlying.0)].pool == pool;
            let options =
                state.instruments().iter().filter(|it| matches!(it.contract, Contract::Option { .. }));
            let mut turn: Vec<InstrumentId> =
                options.filter(of_pool).filter(|it| !self.closed.contains(&it.id)).map(|it| it.id).collect();
            turn.sort_by_key(|id| (*id < next, *id));
            turn.truncate(usize::try_from(rules.instruments_max).expect("few"));
            let mut cover = self.cover(state, account, Orders::Stand);
            for id in &turn {
                self.quote_option(state, (account, *id), &rules, &mut cover);
            }
            if let (Some(last), Some(vault)) = (turn.last(), self.vaults.get_mut(&pool)) {
                vault.next = InstrumentId(last.0 + 1);
            }
        }
    }

    fn quote_option(
        &mut self,
        state: &Marks,
        (account, id): (AccountId, InstrumentId),
        rules: &VaultParameters,
        cover: &mut Cover,
    ) {
        let it = state.instrument(id).expect("listed");
        let wanted = self.wanted(state, (account, it), rules);
        cover.forget(id);
        // What makes the position smaller goes first.
        let first = if self.position(account, id) > 0 { [1, 0] } else { [0, 1] };
        let (mut sides, mut claims) = ([None, None], Vec::new());
        for place in first {
            let Some(price) = wanted[place] else { continue };
            let side = [Side::Buy, Side::Sell][place];
            let mut with = claims.clone();
            with.push(self.claim(it, (side, rules.lots, price)));
            if cover.take(it, &with, self.holders[&account].balance) {
                claims = with;
                sides[place] = Some(QuoteSide { price: Ticks::new(price), lots: Lots::new(rules.lots) });
            }
        }
        let is_any = sides.iter().any(Option::is_some);
        if !is_any || self.quote(state, account, ((id, None), sides)).is_err() {
            cover.forget(id);
            let last = self.holders[&account].quotes.get(&(id, None)).copied().unwrap_or_default();
            last.into_iter().flatten().for_each(|id| self.end_any(id, OrderEnd::Cancelled));
        }
    }

    /// Bid and ask in ticks.
    fn wanted(
        &self,
        state: &Marks,
        (account, it): (AccountId, &Instrument),
        rules: &VaultParameters,
    ) -> [Option<i64>; 2] {
        let Some(volatility) = it.valuation.as_ref().and_then(|it| it.volatility) else {
            return [None, None];
        };
        let alike = |id: &InstrumentId| {
            let other = state.instrument(*id).expect("listed");
            let is_alike =
                other.underlying == it.underlying && other.contract.expiry() == it.contract.expiry();
            i128::from(is_alike) * i128::from(other.market.lot_size().raw())
        };
        let held = self.holders[&account].holdings.iter();
        let inventory: i128 = held.map(|(id, held)| held.position * alike(id)).sum();
        let (middle, half) = (i128::from(volatility.raw()), i128::from(volatility.raw() / 2));
        let moved = (inventory * i128::from(rules.skew_billionths)).div_euclid(ONE).clamp(-half, half);
        let spread = i128::from(rules.spread_billionths);
        let (low, high) = self.leg_band(it);
        let at = |side: Side, volatility: i128| {
            let volatility = Fix::from_raw(i64::try_from(volatility).ok()?);
            let price = self.at_volatility(it, side, volatility)?.get();
            let marked = state.underlying_of(it.underlying)?.marked?.0;
            let tick = i128::from(it.market.tick_size().micros());
            let terms = (i128::from(price) * tick, i128::from(marked.micros()));
            let fee = ceil(leg_fee(&self.genesis, it, terms), tick);
            let price = price - side.sign() * i64::try_from(fee).ok()?;
            (low..=high).contains(&price).then_some(price)
        };
        let ask = at(Side::Sell, middle - moved + spread);
        let bid = at(Side::Buy, middle - moved - spread);
        [bid.filter(|bid| ask.is_none_or(|ask| *bid < ask)), ask]
    }
}
