//! What a vault quotes: options around the volatility of their mark, farther away on the side that it has enough of.
//!
//! At the end of each commit some of the pool's options have their turn. A quote stands a spread of volatility on either
//! side of the mark's, and both sides move down for each unit of options that the vault holds at the expiry, and up for
//! each that it is short: it buys lower what it has much of, and sells it lower too. At most by half of the volatility.
//! The fee comes on top, so that the spread is the vault's.
//!
//! Invariant: a quote is an order like any other: it never takes, keeps to band, limits and margin, and is not placed
//! where the worst case would not be covered. What was quoted where that is so no more is taken out.

use num::{Fix, Lots, Rounding, Side, Ticks, div_floor};
use wire::{InstrumentId, OrderEnd, QuoteSide};

use super::{Orders, Vault, cover::Cover};
use crate::{
    account::Health,
    genesis::VaultParameters,
    instrument::Instrument,
    ledger::{AccountIndex, PoolId},
    margin::units,
    name::Contract,
    quote::QuoteTerms,
    state::State,
};

/// What would be quoted if all of it were covered.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    bid: Option<QuoteSide>,
    ask: Option<QuoteSide>,
}

impl Wanted {
    const fn side(self, side: Side) -> Option<QuoteSide> {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}

impl State {
    /// Every vault quotes what has its turn.
    pub(crate) fn quote_vaults(&mut self) {
        let Some(rules) = self.parameters.vault else { return };
        if self.check_running().is_err() {
            return;
        }
        for (pool, vault) in self.vaults.by_pool.clone() {
            if self.account(vault.account).health == Health::Sound {
                self.quote_vault((pool, vault), &rules);
            }
        }
    }

    fn quote_vault(&mut self, (pool, vault): (PoolId, Vault), rules: &VaultParameters) {
        let turn = self.options_in_turn(pool, vault.next, rules);
        let Some(last) = turn.last().copied() else { return };
        self.refresh_ceiling(vault.account);
        let mut cover = self.cover_of(vault.account, Orders::Stand);
        for id in turn {
            self.quote_option((vault.account, id), rules, &mut cover);
        }
        self.set_vault(pool, Vault { next: InstrumentId(last.0.saturating_add(1)), ..vault });
    }

    /// So many of the pool's options, beginning at one and going round.
    fn options_in_turn(
        &self,
        pool: PoolId,
        from: InstrumentId,
        rules: &VaultParameters,
    ) -> Vec<InstrumentId> {
        let is_quoted = |it: &&Instrument| {
            it.is_option() && !it.is_exotic() && it.is_open() && self.pool_of(it.id) == Some(pool)
        };
        let place = usize::try_from(from.0).unwrap_or(usize::MAX).min(self.instruments.len());
        let (before, behind) = self.instruments.split_at(place);
        let all = behind.iter().chain(before).filter(is_quoted).map(|it| it.id);
        all.take(usize::try_from(rules.instruments_max).unwrap_or(usize::MAX)).collect()
    }

    fn quote_option(
        &mut self,
        (account, id): (AccountIndex, InstrumentId),
        rules: &VaultParameters,
        cover: &mut Cover,
    ) {
        let it = self.instrument_at(id);
        let wanted = self.check_open(it).ok().and_then(|()| self.wanted(account, it, rules));
        let wanted = wanted.unwrap_or_default();
        cover.forget(it);
        let (mut covered, mut claims) = (Wanted::default(), Vec::new());
        // What makes the position smaller goes first.
        let first = self.account(account).position(id).side().map_or(Side::Buy, Side::opposite);
        for side in [first, first.opposite()] {
            let Some(quoted) = wanted.side(side) else { continue };
            let claim = self.claim(it, (side, quoted.lots, quoted.price));
            let with: Vec<_> = claims.iter().copied().chain(claim).collect();
            if cover.take(it, with.clone()) {
                claims = with;
                match side {
                    Side::Buy => covered.bid = Some(quoted),
                    Side::Sell => covered.ask = Some(quoted),
                }
            }
        }
        let Wanted { bid, ask } = covered;
        let terms = QuoteTerms { instrument: id, protection: None, bid, ask };
        let is_quoted = (bid.is_some() || ask.is_some()) && self.quote(account, &terms).is_ok();
        if !is_quoted {
            cover.forget(self.instrument_at(id));
            self.withdraw_quote(account, id);
        }
    }

    /// The volatility of the mark, moved by what is held, and a spread on either side.
    fn wanted(&self, account: AccountIndex, it: &Instrument, rules: &VaultParameters) -> Option<Wanted> {
        let volatility = it.valuation.as_ref()?.volatility?;
        let moved = self.inventory(account, it).checked_mul(rules.skew_billionths.into())?;
        let half = i128::from(volatility.raw() / 2);
        let moved = i64::try_from(div_floor(moved, Fix::SCALE.into())?.clamp(-half, half)).ok()?;
        let middle = volatility.checked_sub(Fix::from_raw(moved))?;
        let spread = Fix::from_raw(rules.spread_billionths);
        let band = self.band(it, self.parameters.limits.price_band_billionths).ok()?;
        let is_allowed = |price: &Ticks| band.low <= *price && *price <= band.high;
        let at = |side, volatility| self.price_with_fee(it, side, volatility).filter(is_allowed);
        let ask = at(Side::Sell, middle.checked_add(spread)?);
        let bid = at(Side::Buy, middle.checked_sub(spread)?).filter(|bid| ask.is_none_or(|ask| *bid < ask));
        let lots = Lots::new(rules.lots);
        let quoted = |price: Ticks| QuoteSide { price, lots };
        Some(Wanted { bid: bid.map(quoted), ask: ask.map(quoted) })
    }

    /// What an option costs at a volatility, with the fee that is paid on top, in ticks away from trading.
    fn price_with_fee(&self, it: &Instrument, side: Side, volatility: Fix) -> Option<Ticks> {
        let price = self.price_at_volatility(it, side, volatility)?;
        let fee = self.open_order(it.id, side, Lots::new(1), price).fee;
        let fee = it.market.ticks(fee, Rounding::Ceil)?;
        Some(Ticks::new(price.get() - side.sign() * fee.get()))
    }

    /// Billionths of the underlying in all options that an account holds at the expiry of one, calls and puts alike.
    fn inventory(&self, account: AccountIndex, like: &Instrument) -> i128 {
        let is_alike = |it: &Instrument| {
            it.underlying == like.underlying
                && matches!(it.contract, Contract::Option { .. })
                && it.contract.expiry() == like.contract.expiry()
        };
        let held = self.holdings(account).filter(|(it, _)| is_alike(it));
        held.map(|(it, holding)| units(it, holding.position)).sum()
    }

    fn withdraw_quote(&mut self, account: AccountIndex, id: InstrumentId) {
        let orders = self.account(account).quotes.get(&(id, None)).copied().unwrap_or_default();
        for order in orders.bid.into_iter().chain(orders.ask) {
            self.end_order(order, OrderEnd::Cancelled);
        }
    }
}
