// Requests for quotes on several legs: what is asked, what it says, and what of it is wrong.
//
// Invariant: as in the order ticket, amounts and prices are whole steps of their instruments, and nothing is rounded
// behind the trader's back. A structure's price is what its buyer pays for one: legs bought less legs sold.
import type { Instrument } from '../protocol/messages';
import type { BlockRfq, Direction, RfqLeg } from '../protocol/private';
import { isStep, parseNumber, tickAt } from './order-terms';

/** As many legs as an offer has at most. */
export const LEGS_MAX = 16;

export interface DraftLeg {
  name: string;
  direction: Direction;
  amount: string;
}

/** A maker's answer while it is being written. */
export interface Answer {
  id: number;
  /** The maker's side of the structure. */
  direction: Direction;
  amount: string;
  /** In the order of the request's legs. */
  prices: readonly string[];
}

export function amountProblem(leg: DraftLeg, instrument: Instrument | undefined): string | null {
  if (!instrument) return 'The instrument is not listed any more';
  const amount = parseNumber(leg.amount);
  const least = instrument.min_trade_amount;
  if (amount === null) return 'Enter an amount';
  return amount < least || !isStep(amount, least) ? `A multiple of ${least}` : null;
}

export function answerProblem(
  answer: Answer,
  request: BlockRfq,
  instruments: ReadonlyMap<string, Instrument>,
): string | null {
  const amount = parseNumber(answer.amount);
  const step = request.min_trade_amount;
  if (amount === null || amount <= 0 || !isStep(amount, step)) return `An amount in steps of ${step}`;
  if (amount > request.amount) return `At most ${request.amount} is asked for`;
  for (const [place, leg] of request.legs.entries()) {
    const price = parseNumber(answer.prices[place] ?? '');
    const instrument = instruments.get(leg.instrument_name);
    if (price === null || price <= 0 || !instrument) return `A price of ${leg.instrument_name}`;
    const tick = tickAt(instrument, price);
    if (!isStep(price, tick)) return `${leg.instrument_name}: a multiple of ${tick}`;
  }
  return null;
}

/** The price of one structure; null while a leg has no price. */
export function structurePrice(legs: readonly RfqLeg[], prices: readonly string[]): number | null {
  let sum = 0;
  for (const [place, leg] of legs.entries()) {
    const price = parseNumber(prices[place] ?? '');
    if (price === null) return null;
    sum += (leg.direction === 'buy' ? 1 : -1) * leg.ratio * price;
  }
  return sum;
}

/** "+1 BTC_USDC-PERPETUAL −2 BTC_USDC-27NOV26-90000-C"; a ratio stays on the line of its name. */
export function structureText(legs: readonly RfqLeg[]): string {
  return legs
    .map((leg) => `${leg.direction === 'buy' ? '+' : '−'}${leg.ratio}\u00a0${leg.instrument_name}`)
    .join(' ');
}

/** Requests, the open ones first, then the latest. */
export function inOrder(requests: Iterable<BlockRfq>): BlockRfq[] {
  const rank = (request: BlockRfq): number => (request.state === 'open' ? 0 : 1);
  return [...requests].toSorted((a, b) => rank(a) - rank(b) || b.block_rfq_id - a.block_rfq_id);
}
