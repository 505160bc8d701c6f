// What the ticket says, read as an order; and what would come of it.
//
// Invariant: an order is built only from a draft without problems. Amounts and prices are whole steps
// of the instrument; nothing is rounded behind the trader's back.
import { impliedVolatility, priceOf, YEAR_MS, type OptionTerms } from '../market/black';
import { decimalsOf } from '../market/format';
import type { Leg } from './legs';
import type { Instrument, OrderParams, Ticker, TimeInForce } from '../protocol/messages';

export type OrderSide = 'buy' | 'sell';
export type OrderKind = 'limit' | 'market';
export type PriceUnit = 'usd' | 'iv';

export interface Draft {
  side: OrderSide;
  kind: OrderKind;
  unit: PriceUnit;
  amount: string;
  price: string;
  timeInForce: TimeInForce;
  postOnly: 'off' | 'on';
  reduceOnly: 'off' | 'on';
}

export interface Problem {
  field: 'amount' | 'price' | 'terms';
  text: string;
}

/** A decimal number without an exponent; null for anything else. Grouping commas may stay. */
export function parseNumber(text: string): number | null {
  const plain = text.trim().replaceAll(',', '');
  return /^\d+(\.\d*)?$|^\.\d+$/.test(plain) ? Number(plain) : null;
}

export function isStep(value: number, step: number): boolean {
  const steps = value / step;
  return Math.abs(steps - Math.round(steps)) < 1e-6;
}

/** The tick that holds at a price. */
export function tickAt(instrument: Instrument, price: number): number {
  const steps = (instrument.tick_size_steps ?? []).filter((step) => price > step.above_price);
  return steps.length === 0 ? instrument.tick_size : Math.max(...steps.map((step) => step.tick_size));
}

export function problemsOf(draft: Draft, instrument: Instrument): Problem[] {
  const problems: Problem[] = [];
  const amount = parseNumber(draft.amount);
  const least = instrument.min_trade_amount;
  if (draft.amount.trim() === '') problems.push({ field: 'amount', text: 'Enter an amount' });
  else if (amount === null) problems.push({ field: 'amount', text: 'The amount is not a number' });
  else if (amount < least) problems.push({ field: 'amount', text: `At least ${least}` });
  else if (!isStep(amount, least)) problems.push({ field: 'amount', text: `A multiple of ${least}` });
  if (draft.kind === 'limit') problems.push(...priceProblems(draft, instrument));
  if (draft.postOnly === 'on' && draft.timeInForce !== 'good_til_cancelled' && draft.kind === 'limit') {
    problems.push({ field: 'terms', text: 'Post only needs an order that may rest' });
  }
  return problems;
}

function priceProblems(draft: Draft, instrument: Instrument): Problem[] {
  const price = parseNumber(draft.price);
  const what = draft.unit === 'iv' ? 'volatility' : 'price';
  if (draft.price.trim() === '') return [{ field: 'price', text: `Enter a ${what}` }];
  if (price === null || price <= 0) return [{ field: 'price', text: `The ${what} must be above zero` }];
  const tick = tickAt(instrument, price);
  if (draft.unit === 'usd' && !isStep(price, tick)) {
    return [{ field: 'price', text: `A multiple of ${tick}` }];
  }
  return [];
}

/** The order's parameters; null while the draft has problems. */
export function orderOf(draft: Draft, instrument: Instrument, label: string): OrderParams | null {
  if (problemsOf(draft, instrument).length > 0) return null;
  const params: OrderParams = {
    instrument_name: instrument.instrument_name,
    amount: parseNumber(draft.amount) ?? 0,
    type: draft.kind,
    label,
  };
  if (draft.reduceOnly === 'on') params.reduce_only = true;
  if (draft.kind === 'market') return params;
  params.price = parseNumber(draft.price) ?? 0;
  params.time_in_force = draft.timeInForce;
  if (draft.unit === 'iv') params.advanced = 'implv';
  if (draft.postOnly === 'on') params.post_only = true;
  return params;
}

export interface Estimate {
  /** What one unit would cost, and what it is called when it is not the limit itself. */
  price: number;
  source: 'limit' | 'volatility' | 'best';
  /** The volatility that the price means, in percent. */
  volatility: number | null;
  /** Paid when positive, received when negative; null for a future. */
  premium: number | null;
  fee: number;
  /** The underlying's price at which an option bought or sold so breaks even at expiry. */
  breakEven: number | null;
  /** Null when there is no end to it. */
  mostLost: number | null;
  mostGained: number | null;
}

/** What the draft would cost at its own price, or at the market's for a market order. */
export function estimateOf(
  draft: Draft,
  instrument: Instrument,
  market: { ticker: Ticker | null; nowMs: number },
): Estimate | null {
  const amount = parseNumber(draft.amount);
  const found = priceFor(draft, instrument, market);
  if (amount === null || amount <= 0 || found === null) return null;
  const { price, source } = found;
  const sign = draft.side === 'buy' ? 1 : -1;
  const isOption = instrument.kind === 'option';
  const strike = instrument.strike ?? 0;
  const unitFee = feeOf(instrument, price, market.ticker);
  const base = { price, source, fee: unitFee * amount };
  if (!isOption) {
    const future = { volatility: null, premium: null, breakEven: price + sign * unitFee };
    return {
      ...base,
      ...future,
      mostLost: sign > 0 ? price * amount : null,
      mostGained: sign > 0 ? null : price * amount,
    };
  }
  const isCall = instrument.option_type !== 'put';
  const paid = (price + sign * unitFee) * amount;
  const most = isCall ? null : (strike - price) * amount - unitFee * amount * sign;
  return {
    ...base,
    volatility: volatilityOf(instrument, market, price),
    premium: sign * price * amount,
    breakEven: isCall ? strike + price + sign * unitFee : strike - price - sign * unitFee,
    mostLost: sign > 0 ? paid : most,
    mostGained: sign > 0 ? most : paid,
  };
}

/** The exchange's fee of one unit: a part of the index, for options never above an eighth of the price. */
function feeOf(instrument: Instrument, price: number, ticker: Ticker | null): number {
  const rate = instrument.taker_commission ?? 0;
  if (instrument.kind !== 'option') return rate * price;
  return Math.min(rate * (ticker?.index_price ?? 0), price / 8);
}

function priceFor(
  draft: Draft,
  instrument: Instrument,
  market: { ticker: Ticker | null; nowMs: number },
): Pick<Estimate, 'price' | 'source'> | null {
  if (draft.kind === 'market') {
    const best = draft.side === 'buy' ? market.ticker?.best_ask_price : market.ticker?.best_bid_price;
    return typeof best === 'number' ? { price: best, source: 'best' } : null;
  }
  const given = parseNumber(draft.price);
  if (given === null || given <= 0) return null;
  if (draft.unit === 'usd') return { price: given, source: 'limit' };
  const at = surroundingsOf(instrument, market);
  if (!at) return null;
  return { price: priceOf(termsOf(instrument), { ...at, volatility: given }), source: 'volatility' };
}

function volatilityOf(
  instrument: Instrument,
  market: { ticker: Ticker | null; nowMs: number },
  price: number,
): number | null {
  const at = surroundingsOf(instrument, market);
  return at ? impliedVolatility(termsOf(instrument), at, price) : null;
}

function surroundingsOf(
  instrument: Instrument,
  market: { ticker: Ticker | null; nowMs: number },
): { forward: number; years: number } | null {
  const forward = market.ticker?.underlying_price ?? null;
  if (forward === null) return null;
  return { forward, years: (instrument.expiration_timestamp - market.nowMs) / YEAR_MS };
}

/** The draft as a leg of a portfolio, entered at its price. */
export function draftLeg(
  draft: Draft,
  instrument: Instrument,
  estimate: Estimate,
  ticker: Ticker | null,
): Leg | null {
  const isOption = instrument.kind === 'option';
  const forward = (isOption ? ticker?.underlying_price : ticker?.mark_price) ?? null;
  const volatility = isOption ? (ticker?.mark_iv ?? null) : 0;
  if (forward === null || volatility === null) return null;
  const amount = parseNumber(draft.amount) ?? 0;
  return {
    name: instrument.instrument_name,
    currency: instrument.base_currency,
    kind: isOption ? 'option' : 'future',
    ...termsOf(instrument),
    expiryMs: instrument.expiration_timestamp,
    size: draft.side === 'buy' ? amount : -amount,
    entry: estimate.price,
    forward,
    volatility,
  };
}

export function termsOf(instrument: Instrument): OptionTerms {
  return { right: instrument.option_type ?? 'call', strike: instrument.strike ?? 0 };
}

/** A price as the ticket's field holds it: in ticks, without grouping. */
export function priceText(instrument: Instrument, price: number): string {
  const tick = tickAt(instrument, price);
  return (Math.round(price / tick) * tick).toFixed(decimalsOf(tick));
}
