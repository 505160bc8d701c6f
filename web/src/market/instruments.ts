// The catalogue of instruments, arranged the way the page shows it: underlying, then expiry.
//
// Invariant: every active option is under exactly one expiry of its base currency, and expiries
// and futures are in order of time. Names are only shown, never taken apart: the fields decide.
import type { Instrument } from '../protocol/messages';
import { decimalsOf } from './format';

export interface ExpiryListing {
  expiryTimestamp: number;
  /** Any of the options: they share tick and lot. */
  sample: Instrument;
  strikes: number;
}

export interface Underlying {
  currency: string;
  /** The perpetual first, then dated futures by expiry. */
  futures: Instrument[];
  expiries: ExpiryListing[];
}

/** Decimals for an instrument's numbers; marks and averages fall between ticks. */
export interface Precision {
  price: number;
  mark: number;
  amount: number;
}

/** Indices are averages over sources: cents, whatever the tick. */
export const INDEX_DECIMALS = 2;

const FIRST = ['BTC', 'ETH'];

export function isPerpetual(instrument: Instrument): boolean {
  return instrument.kind === 'future' && instrument.settlement_period === 'perpetual';
}

export function precisionOf(instrument: Instrument | undefined): Precision {
  if (!instrument) return { price: 2, mark: 2, amount: 2 };
  const steps = (instrument.tick_size_steps ?? []).map((step) => step.tick_size);
  const price = Math.max(...[instrument.tick_size, ...steps].map(decimalsOf));
  return { price, mark: price + 1, amount: decimalsOf(instrument.min_trade_amount) };
}

export function arrange(instruments: Instrument[]): Underlying[] {
  const byCurrency = groupBy(
    instruments.filter((instrument) => instrument.is_active !== false),
    (instrument) => instrument.base_currency,
  );
  return [...byCurrency]
    .map(([currency, listed]) => ({
      currency,
      futures: listed.filter((one) => one.kind === 'future').sort(byTime),
      expiries: expiriesOf(listed.filter((one) => one.kind === 'option')),
    }))
    .filter((underlying) => underlying.expiries.length + underlying.futures.length > 0)
    .sort((a, b) => rank(a.currency) - rank(b.currency) || a.currency.localeCompare(b.currency));
}

/** The expiry to open with: the nearest that is not about to end, or the last one there is. */
export function firstExpiry(underlying: Underlying, now: number): number | null {
  const soonest = now + 5 * 86_400_000;
  const expiries = underlying.expiries;
  const chosen = expiries.find((one) => one.expiryTimestamp >= soonest) ?? expiries.at(-1);
  return chosen?.expiryTimestamp ?? null;
}

function expiriesOf(options: Instrument[]): ExpiryListing[] {
  const byExpiry = groupBy(options, (option) => option.expiration_timestamp);
  return [...byExpiry]
    .map(([expiryTimestamp, listed]) => ({
      expiryTimestamp,
      sample: listed[0] as Instrument,
      strikes: new Set(listed.map((option) => option.strike)).size,
    }))
    .sort((a, b) => a.expiryTimestamp - b.expiryTimestamp);
}

function groupBy<K, V>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
}

function byTime(a: Instrument, b: Instrument): number {
  return Number(isPerpetual(b)) - Number(isPerpetual(a)) || a.expiration_timestamp - b.expiration_timestamp;
}

function rank(currency: string): number {
  const place = FIRST.indexOf(currency);
  return place < 0 ? FIRST.length : place;
}
