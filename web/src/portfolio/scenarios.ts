// What may become of a portfolio: profit over the underlying's price, a matrix of moves, and how far
// the underlying is from a liquidation.
//
// Invariant: pure functions of legs and moves. The distance holds the maintenance margin as it is, so
// it is an estimate and shown as one; the exchange alone decides.
import { changeOf, profitSinceEntry, type Leg } from './legs';

export interface PayoffLine {
  /** The underlying's prices. */
  prices: number[];
  now: number[];
  /** At the first expiry among the legs; null when nothing expires. */
  atExpiry: number[] | null;
  expiryMs: number | null;
}

export const MOVES: readonly number[] = [-0.3, -0.2, -0.1, -0.05, 0, 0.05, 0.1, 0.2, 0.3];
export const SHIFTS: readonly number[] = [-20, -10, 0, 10, 20];

const POINTS = 121;
const NEVER_MS = 4_102_444_800_000;

/** Profit since entry from `width` below to `width` above the present price. */
export function payoffLine(
  legs: readonly Leg[],
  market: { spot: number; nowMs: number },
  width: number,
): PayoffLine {
  const moves = Array.from({ length: POINTS }, (_, at) => -width + (2 * width * at) / (POINTS - 1));
  const expiryMs = firstExpiry(legs);
  const line = (atMs: number): number[] =>
    moves.map((spot) => profitSinceEntry(legs, { spot, volatility: 0, atMs }));
  return {
    prices: moves.map((move) => market.spot * (1 + move)),
    now: line(market.nowMs),
    atExpiry: expiryMs === null ? null : line(expiryMs),
    expiryMs,
  };
}

/** Perpetuals never expire, whatever date the venue writes for them. */
export function firstExpiry(legs: readonly Leg[]): number | null {
  const expiries = legs.map((leg) => leg.expiryMs).filter((at) => at < NEVER_MS);
  return expiries.length === 0 ? null : Math.min(...expiries);
}

/** Rows are moves of the underlying, columns shifts of volatility; each the change in value. */
export function scenarioMatrix(legs: readonly Leg[], nowMs: number): number[][] {
  return MOVES.map((spot) =>
    SHIFTS.map((volatility) => changeOf(legs, { spot, volatility, atMs: nowMs }, nowMs)),
  );
}

/** Where profit since entry changes its sign, as prices of the underlying. */
export function breakEvens(prices: readonly number[], profits: readonly number[]): number[] {
  const found: number[] = [];
  for (let at = 1; at < prices.length; at += 1) {
    const [before, after] = [profits[at - 1] ?? 0, profits[at] ?? 0];
    if (before < 0 === after < 0) continue;
    const share = before / (before - after);
    found.push((prices[at - 1] ?? 0) + share * ((prices[at] ?? 0) - (prices[at - 1] ?? 0)));
  }
  return found;
}

export interface Distance {
  /** Ratios; null when no such move within reach liquidates. */
  down: number | null;
  up: number | null;
}

const REACH_DOWN = 0.95;
const REACH_UP = 3;
const STEP = 0.01;

/** The smallest moves after which `cushion` (equity less maintenance margin) is used up. */
export function liquidationDistance(legs: readonly Leg[], cushion: number, nowMs: number): Distance {
  if (legs.length === 0) return { down: null, up: null };
  const profit = (spot: number): number => profitSinceEntry(legs, { spot, volatility: 0, atMs: nowMs });
  const floor = profit(0) - cushion;
  const left = (spot: number): number => profit(spot) - floor;
  return { down: firstLoss(left, -1, REACH_DOWN), up: firstLoss(left, 1, REACH_UP) };
}

function firstLoss(left: (spot: number) => number, sign: -1 | 1, reach: number): number | null {
  if (left(0) < 0) return 0;
  for (let size = STEP; size <= reach; size += STEP) {
    if (left(sign * size) >= 0) continue;
    let [inside, outside] = [size - STEP, size];
    for (let step = 0; step < 24; step += 1) {
      const middle = (inside + outside) / 2;
      if (left(sign * middle) >= 0) inside = middle;
      else outside = middle;
    }
    return sign * inside;
  }
  return null;
}
