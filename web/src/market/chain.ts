// What a chain looks like on the page: strikes in order, the spot line between two of them.
//
// Invariant: the view is a pure function of the chain; a strike equal to spot is above the line.
import type { Chain, ChainQuote, ChainRow } from '../protocol/messages';

export type Side = 'call' | 'put';

export interface ChainView {
  rows: ChainRow[];
  /** How many rows lie above the spot line. */
  rowsAboveSpot: number;
  largestOpenInterest: number;
}

export interface Cursor {
  strike: number;
  side: Side;
}

export type Step = 'up' | 'down' | 'left' | 'right' | 'first' | 'last' | 'page-up' | 'page-down';
const PAGE = 8;

/** The price that splits the chain: the index, or the forward while there is no index. */
export function spotOf(chain: Chain): number | null {
  return chain.index_price ?? chain.forward;
}

export function viewOf(chain: Chain): ChainView {
  const rows = chain.rows.toSorted((a, b) => a.strike - b.strike);
  const spot = spotOf(chain);
  const above = spot === null ? -1 : rows.findIndex((row) => row.strike > spot);
  const interests = rows.flatMap((row) => [row.call?.open_interest ?? 0, row.put?.open_interest ?? 0]);
  return {
    rows,
    rowsAboveSpot: spot === null ? -1 : above < 0 ? rows.length : above,
    largestOpenInterest: Math.max(0, ...interests),
  };
}

export function isInTheMoney(strike: number, side: Side, spot: number | null): boolean {
  if (spot === null) return false;
  return side === 'call' ? strike < spot : strike > spot;
}

export function quoteOf(row: ChainRow | undefined, side: Side): ChainQuote | null {
  return row?.[side] ?? null;
}

/** Where an arrow key leads; from nowhere it leads to the strike at the money. */
export function moveCursor(view: ChainView, cursor: Cursor | null, step: Step): Cursor | null {
  const last = view.rows.length - 1;
  if (last < 0) return null;
  const at = view.rows.findIndex((row) => row.strike === cursor?.strike);
  const middle = Math.min(Math.max(view.rowsAboveSpot, 0), last);
  const place = cursor === null || at < 0 ? middle : Math.min(Math.max(at + rowsMoved(step, last), 0), last);
  const row = view.rows[place] as ChainRow;
  const side = step === 'left' ? 'call' : step === 'right' ? 'put' : (cursor?.side ?? 'call');
  return { strike: row.strike, side };
}

function rowsMoved(step: Step, last: number): number {
  switch (step) {
    case 'up':
      return -1;
    case 'down':
      return 1;
    case 'page-up':
      return -PAGE;
    case 'page-down':
      return PAGE;
    case 'first':
      return -last;
    case 'last':
      return last;
    case 'left':
    case 'right':
      return 0;
  }
}
