// TEST TOOL. A made-up market for the mock gateway: underlyings that wander, options priced on
// them with Black-76 over a stated smile. Nothing of this reaches the built page.
import type { Chain, ChainQuote, Instrument, Ticker } from '../../src/protocol/messages';
import { Random } from './random';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

interface Underlying {
  currency: string;
  spot: number;
  volatility: number;
  strikeStep: number;
  optionTick: number;
  futureTick: number;
  strikesEachWay: number;
}

const UNDERLYINGS: Underlying[] = [
  {
    currency: 'BTC',
    spot: 64_822.5,
    volatility: 0.46,
    strikeStep: 1000,
    optionTick: 5,
    futureTick: 0.5,
    strikesEachWay: 34,
  },
  {
    currency: 'ETH',
    spot: 3_214.2,
    volatility: 0.62,
    strikeStep: 50,
    optionTick: 0.1,
    futureTick: 0.05,
    strikesEachWay: 30,
  },
];
const EXPIRY_DAYS = [1, 2, 6, 13, 20, 48, 83, 139, 230, 321];

export class MockMarket {
  readonly instruments: Instrument[] = [];
  readonly byName = new Map<string, Instrument>();
  #random: Random;
  #underlyings = UNDERLYINGS.map((underlying) => ({ ...underlying }));

  constructor(seed: number, now: number) {
    this.#random = new Random(seed);
    for (const underlying of this.#underlyings) this.#list(underlying, now);
    for (const instrument of this.instruments) this.byName.set(instrument.instrument_name, instrument);
  }

  /** Moves every underlying a little. */
  step(): void {
    for (const underlying of this.#underlyings) {
      underlying.spot *= 1 + this.#random.normal() * 0.00006;
    }
  }

  index(currency: string): number {
    return round(this.#of(currency).spot, 0.01);
  }

  forward(currency: string, expiry: number, now: number): number {
    return round(this.#of(currency).spot * Math.exp((0.045 * (expiry - now)) / YEAR_MS), 0.01);
  }

  chain(currency: string, expiry: number, now: number): Chain {
    const listed = this.instruments.filter(
      (one) => one.kind === 'option' && one.base_currency === currency && one.expiration_timestamp === expiry,
    );
    const strikes = [...new Set(listed.map((one) => one.strike ?? 0))];
    const quoteOf = (strike: number, type: string): ChainQuote | null => {
      const found = listed.find((one) => one.strike === strike && one.option_type === type);
      return found ? this.quote(found, now) : null;
    };
    return {
      timestamp: now,
      expiry_timestamp: expiry,
      index_price: this.index(currency),
      forward: this.forward(currency, expiry, now),
      rows: strikes.map((strike) => ({ strike, call: quoteOf(strike, 'call'), put: quoteOf(strike, 'put') })),
    };
  }

  quote(option: Instrument, now: number): ChainQuote {
    const underlying = this.#of(option.base_currency);
    const forward = this.forward(option.base_currency, option.expiration_timestamp, now);
    const years = Math.max(option.expiration_timestamp - now, 60_000) / YEAR_MS;
    const strike = option.strike ?? forward;
    const moneyness = Math.log(strike / forward) / Math.sqrt(years);
    const volatility =
      underlying.volatility *
      (1 + 0.05 * moneyness ** 2 - 0.06 * moneyness + 0.02 / Math.sqrt(1 + years * 40));
    const value = black76(option.option_type ?? 'call', forward, strike, volatility, years);
    const half = Math.max(option.tick_size, value.vega * 0.35);
    const bid = Math.floor((value.price - half) / option.tick_size) * option.tick_size;
    const ask = Math.ceil((value.price + half) / option.tick_size) * option.tick_size;
    const perPoint = Math.max(value.vega, 1e-9);
    return {
      instrument_name: option.instrument_name,
      bid: bid > 0 ? round(bid, option.tick_size) : null,
      bid_amount: bid > 0 ? round(1 + (hash(option.instrument_name, now) % 240) / 10, 0.1) : null,
      ask: round(ask, option.tick_size),
      ask_amount: round(1 + (hash(option.instrument_name, now + 7_000) % 240) / 10, 0.1),
      mark: round(value.price, option.tick_size / 50),
      bid_iv: bid > 0 ? round(volatility * 100 - half / perPoint, 0.01) : null,
      ask_iv: round(volatility * 100 + half / perPoint, 0.01),
      mark_iv: round(volatility * 100, 0.01),
      delta: round(value.delta, 0.00001),
      gamma: value.gamma,
      vega: round(value.vega, 0.00001),
      theta: round(value.theta, 0.00001),
      open_interest: interest(option.instrument_name, moneyness),
    };
  }

  ticker(name: string, now: number): Ticker | null {
    const instrument = this.byName.get(name);
    if (!instrument) return null;
    return instrument.kind === 'option'
      ? this.#optionTicker(instrument, now)
      : this.#futureTicker(instrument, now);
  }

  #optionTicker(option: Instrument, now: number): Ticker {
    const quote = this.quote(option, now);
    return {
      timestamp: now,
      instrument_name: option.instrument_name,
      state: 'open',
      stats: {
        high: (quote.mark ?? 0) * 1.1,
        low: (quote.mark ?? 0) * 0.9,
        price_change: 2.31,
        volume: 41.5,
      },
      last_price: quote.ask,
      best_bid_price: quote.bid,
      best_bid_amount: quote.bid_amount,
      best_ask_price: quote.ask,
      best_ask_amount: quote.ask_amount,
      mark_price: quote.mark,
      index_price: this.index(option.base_currency),
      underlying_price: this.forward(option.base_currency, option.expiration_timestamp, now),
      open_interest: quote.open_interest,
      mark_iv: quote.mark_iv,
      bid_iv: quote.bid_iv,
      ask_iv: quote.ask_iv,
      greeks: {
        delta: quote.delta,
        gamma: quote.gamma,
        vega: quote.vega,
        theta: quote.theta,
        rho: (quote.vega ?? 0) * 0.4,
      },
    };
  }

  #futureTicker(future: Instrument, now: number): Ticker {
    const index = this.index(future.base_currency);
    const perpetual = future.settlement_period === 'perpetual';
    const fair = perpetual
      ? index * 1.00021
      : this.forward(future.base_currency, future.expiration_timestamp, now);
    const tick = future.tick_size;
    return {
      timestamp: now,
      instrument_name: future.instrument_name,
      state: 'open',
      stats: {
        high: round(fair * 1.021, tick),
        low: round(fair * 0.984, tick),
        price_change: -0.84,
        volume: 1841.2,
      },
      last_price: round(fair, tick),
      best_bid_price: round(fair - tick, tick),
      best_bid_amount: 1.2,
      best_ask_price: round(fair + tick, tick),
      best_ask_amount: 0.8,
      mark_price: round(fair, tick / 10),
      index_price: index,
      open_interest: perpetual ? 15_420.5 : 2_310.2,
      ...(perpetual ? { funding_8h: 0.000081 } : {}),
    };
  }

  #list(underlying: Underlying, now: number): void {
    const base = {
      base_currency: underlying.currency,
      min_trade_amount: 0.1,
      is_active: true,
      maker_commission: 0.0003,
      taker_commission: 0.0003,
    };
    const name = `${underlying.currency}_USDC`;
    const future = {
      ...base,
      kind: 'future' as const,
      tick_size: underlying.futureTick,
      min_trade_amount: 0.001,
    };
    this.instruments.push({
      ...future,
      instrument_name: `${name}-PERPETUAL`,
      settlement_period: 'perpetual',
      expiration_timestamp: 32_503_708_800_000,
    });
    EXPIRY_DAYS.forEach((days, place) => {
      const expiry = Math.floor(now / DAY_MS + days) * DAY_MS + 8 * 3_600_000;
      const dated = `${name}-${dateOf(expiry)}`;
      if (days === 48 || days === 139) {
        this.instruments.push({
          ...future,
          instrument_name: dated,
          settlement_period: 'month',
          expiration_timestamp: expiry,
        });
      }
      for (const strike of strikesOf(underlying, place)) {
        for (const type of ['call', 'put'] as const) {
          this.instruments.push({
            ...base,
            instrument_name: `${dated}-${strike}-${type === 'call' ? 'C' : 'P'}`,
            kind: 'option',
            option_type: type,
            strike,
            settlement_period: 'month',
            expiration_timestamp: expiry,
            tick_size: underlying.optionTick,
          });
        }
      }
    });
  }

  #of(currency: string): Underlying {
    const found = this.#underlyings.find((underlying) => underlying.currency === currency);
    if (!found) throw new Error(`the mock market has no ${currency}`);
    return found;
  }
}

function strikesOf(underlying: Underlying, place: number): number[] {
  const step = underlying.strikeStep * (place < 3 ? 1 : place < 7 ? 2 : 5);
  const middle = Math.round(underlying.spot / step) * step;
  const each =
    place < 3
      ? Math.min(underlying.strikesEachWay, 14)
      : Math.min(underlying.strikesEachWay, Math.floor(middle / step) - 2);
  return Array.from({ length: each * 2 + 1 }, (_, at) => middle + (at - each) * step).filter(
    (strike) => strike > 0,
  );
}

interface Value {
  price: number;
  delta: number;
  gamma: number;
  vega: number;
  theta: number;
}

function black76(
  type: 'call' | 'put',
  forward: number,
  strike: number,
  volatility: number,
  years: number,
): Value {
  const deviation = volatility * Math.sqrt(years);
  const d1 = Math.log(forward / strike) / deviation + deviation / 2;
  const density = Math.exp(-0.5 * d1 * d1) / Math.sqrt(2 * Math.PI);
  const call = forward * normal(d1) - strike * normal(d1 - deviation);
  return {
    price: Math.max(type === 'call' ? call : call - forward + strike, 0),
    delta: type === 'call' ? normal(d1) : normal(d1) - 1,
    gamma: density / (forward * deviation),
    vega: (forward * density * Math.sqrt(years)) / 100,
    theta: -(forward * density * volatility) / (2 * Math.sqrt(years)) / 365,
  };
}

/** The normal distribution by Abramowitz and Stegun 26.2.17: good to 1e-7, enough for a mock. */
function normal(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * poly;
  return x >= 0 ? 1 - tail : tail;
}

function interest(name: string, moneyness: number): number {
  const size = Math.exp(-2.2 * Math.abs(moneyness)) * 900;
  return round(size * (0.2 + (hash(name, 0) % 100) / 60), 0.1);
}

function hash(text: string, now: number): number {
  let value = Math.floor(now / 3_000);
  for (let at = 0; at < text.length; at += 1) value = (Math.imul(value, 31) + text.charCodeAt(at)) >>> 0;
  return value;
}

export function round(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toFixed(8));
}

function dateOf(timestamp: number): string {
  const date = new Date(timestamp);
  return `${date.getUTCDate()}${MONTHS[date.getUTCMonth()]}${date.getUTCFullYear() % 100}`;
}
