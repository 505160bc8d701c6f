// The columns of the option chain, as data: calls read left to right, puts mirror them.
//
// Invariant: a column's text has one form per chain, so widths hold; both sides always show the
// same columns.
import type { ChainQuote } from '../protocol/messages';
import type { Side } from './chain';
import { fixed, quantity, signed } from './format';
import type { Precision } from './instruments';

/** How much room a column asks for: 1 always shows, 4 only on wide screens. */
export type Tier = 1 | 2 | 3 | 4;
export type Tone = 'plain' | 'quiet' | 'bid' | 'ask' | 'own';

export interface Column {
  key: keyof ChainQuote | 'position';
  label: string;
  title: string;
  tier: Tier;
  tone: Tone;
  /** Relative width. */
  width: number;
  /** Whether a change lights the cell. */
  flashes: 'flashes' | 'still';
  /** `size` is one's own position; 0 without one. */
  text(quote: ChainQuote, precision: Precision, size: number): string;
}

const CALL_COLUMNS: readonly Column[] = [
  {
    key: 'theta',
    label: 'Theta',
    title: 'Theta, per day',
    tier: 4,
    tone: 'quiet',
    width: 58,
    flashes: 'still',
    text: (quote) => fixed(quote.theta, 2),
  },
  {
    key: 'vega',
    label: 'Vega',
    title: 'Vega, per volatility point',
    tier: 4,
    tone: 'quiet',
    width: 56,
    flashes: 'still',
    text: (quote) => fixed(quote.vega, 2),
  },
  {
    key: 'gamma',
    label: 'Gamma',
    title: 'Gamma',
    tier: 4,
    tone: 'quiet',
    width: 70,
    flashes: 'still',
    text: (quote) => fixed(quote.gamma, 6),
  },
  {
    key: 'position',
    label: 'Own',
    title: 'Own position',
    tier: 2,
    tone: 'own',
    width: 50,
    flashes: 'still',
    text: (_, precision, size) => (size === 0 ? '' : signed(size, precision.amount)),
  },
  {
    key: 'open_interest',
    label: 'OI',
    title: 'Open interest',
    tier: 3,
    tone: 'quiet',
    width: 56,
    flashes: 'still',
    text: (quote) => quantity(quote.open_interest),
  },
  {
    key: 'delta',
    label: 'Delta',
    title: 'Delta',
    tier: 1,
    tone: 'plain',
    width: 48,
    flashes: 'still',
    text: (quote) => fixed(quote.delta, 2),
  },
  {
    key: 'mark_iv',
    label: 'IV',
    title: 'Implied volatility of the mark, in percent',
    tier: 2,
    tone: 'plain',
    width: 48,
    flashes: 'still',
    text: (quote) => fixed(quote.mark_iv, 1),
  },
  {
    key: 'bid_iv',
    label: 'Bid IV',
    title: 'Implied volatility of the best bid, in percent',
    tier: 4,
    tone: 'quiet',
    width: 50,
    flashes: 'still',
    text: (quote) => fixed(quote.bid_iv, 1),
  },
  {
    key: 'bid_amount',
    label: 'Size',
    title: 'Amount at the best bid',
    tier: 3,
    tone: 'quiet',
    width: 48,
    flashes: 'still',
    text: (quote, precision) => fixed(quote.bid_amount, precision.amount),
  },
  {
    key: 'bid',
    label: 'Bid',
    title: 'Best bid',
    tier: 1,
    tone: 'bid',
    width: 66,
    flashes: 'flashes',
    text: (quote, precision) => fixed(quote.bid, precision.price),
  },
  {
    key: 'mark',
    label: 'Mark',
    title: 'Mark price',
    tier: 2,
    tone: 'plain',
    width: 70,
    flashes: 'still',
    text: (quote, precision) => fixed(quote.mark, precision.mark),
  },
  {
    key: 'ask',
    label: 'Ask',
    title: 'Best ask',
    tier: 1,
    tone: 'ask',
    width: 66,
    flashes: 'flashes',
    text: (quote, precision) => fixed(quote.ask, precision.price),
  },
  {
    key: 'ask_amount',
    label: 'Size',
    title: 'Amount at the best ask',
    tier: 3,
    tone: 'quiet',
    width: 48,
    flashes: 'still',
    text: (quote, precision) => fixed(quote.ask_amount, precision.amount),
  },
  {
    key: 'ask_iv',
    label: 'Ask IV',
    title: 'Implied volatility of the best ask, in percent',
    tier: 4,
    tone: 'quiet',
    width: 50,
    flashes: 'still',
    text: (quote) => fixed(quote.ask_iv, 1),
  },
];

const WIDTH_NEEDED: Readonly<Record<Tier, number>> = { 1: 0, 2: 620, 3: 900, 4: 1340 };

const QUOTES = new Set<Column['key']>(['bid_iv', 'bid_amount', 'bid', 'mark', 'ask', 'ask_amount', 'ask_iv']);

/** Quotes still read bid, mark, ask; what surrounds them is mirrored. */
const PUT_COLUMNS: readonly Column[] = [
  ...CALL_COLUMNS.filter((column) => QUOTES.has(column.key)),
  ...CALL_COLUMNS.filter((column) => !QUOTES.has(column.key)).reverse(),
];

/** The columns that fit into a panel this many pixels wide. */
export function columnsFor(width: number): Record<Side, readonly Column[]> {
  const fits = (column: Column): boolean => width >= (WIDTH_NEEDED[column.tier] ?? 0);
  return { call: CALL_COLUMNS.filter(fits), put: PUT_COLUMNS.filter(fits) };
}
