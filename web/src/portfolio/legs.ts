// Positions as a model sees them: what each holds, and what it would be worth elsewhere.
//
// Invariant: a leg without a forward or, for an option, without a volatility cannot be moved; it is
// named as left out and never counted as worthless.
import { intrinsic, priceOf, YEAR_MS, type Right } from '../market/black';
import type { BookSummary, Instrument, Position } from '../protocol/messages';

export interface Leg {
  name: string;
  currency: string;
  kind: 'option' | 'future';
  right: Right;
  strike: number;
  expiryMs: number;
  /** Units of the underlying; negative when sold. */
  size: number;
  entry: number;
  forward: number;
  /** Percent a year; of no meaning for a future. */
  volatility: number;
}

export interface Moved {
  /** The underlying's move as a ratio: -0.1 is ten percent down. */
  spot: number;
  /** Points of volatility added. */
  volatility: number;
  /** The time at which it is valued. */
  atMs: number;
}

export interface Legs {
  legs: Leg[];
  /** Instruments that the gateway gives no mark for. */
  leftOut: string[];
}

export function legsOf(
  positions: readonly Position[],
  instruments: ReadonlyMap<string, Instrument>,
  summaries: ReadonlyMap<string, BookSummary>,
): Legs {
  const result: Legs = { legs: [], leftOut: [] };
  for (const position of positions) {
    if (position.size === 0) continue;
    const leg = legOf(
      position,
      instruments.get(position.instrument_name),
      summaries.get(position.instrument_name),
    );
    if (leg) result.legs.push(leg);
    else result.leftOut.push(position.instrument_name);
  }
  return result;
}

function legOf(
  position: Position,
  instrument: Instrument | undefined,
  summary: BookSummary | undefined,
): Leg | null {
  if (!instrument) return null;
  const base = {
    name: instrument.instrument_name,
    currency: instrument.base_currency,
    right: instrument.option_type ?? ('call' as const),
    strike: instrument.strike ?? 0,
    expiryMs: instrument.expiration_timestamp,
    size: position.size,
    entry: position.average_price,
  };
  if (instrument.kind !== 'option') {
    const forward = position.mark_price || summary?.mark_price || null;
    return forward === null ? null : { ...base, kind: 'future', forward, volatility: 0 };
  }
  const forward = summary?.underlying_price ?? null;
  const volatility = summary?.mark_iv ?? null;
  return forward === null || volatility === null ? null : { ...base, kind: 'option', forward, volatility };
}

/** What one unit of a leg is worth after a move. */
export function unitValue(leg: Leg, moved: Moved): number {
  const forward = leg.forward * (1 + moved.spot);
  if (leg.kind === 'future') return forward;
  const years = (leg.expiryMs - moved.atMs) / YEAR_MS;
  if (years <= 0) return intrinsic(leg, forward);
  return priceOf(leg, { forward, years, volatility: Math.max(leg.volatility + moved.volatility, 0.1) });
}

/** Profit since entry, fees apart. */
export function profitSinceEntry(legs: readonly Leg[], moved: Moved): number {
  return legs.reduce((sum, leg) => sum + leg.size * (unitValue(leg, moved) - leg.entry), 0);
}

/** What a move would change of what the legs are worth now. */
export function changeOf(legs: readonly Leg[], moved: Moved, nowMs: number): number {
  const now = { spot: 0, volatility: 0, atMs: nowMs };
  return legs.reduce((sum, leg) => sum + leg.size * (unitValue(leg, moved) - unitValue(leg, now)), 0);
}
