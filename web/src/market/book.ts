// One instrument's order book, kept from a snapshot and its changes.
//
// Invariant: levels are exactly those the gateway sent; a change that does not follow the last
// one is not applied and the book says `gap`, so the caller starts over instead of guessing.
import type { BookDelta, BookUpdate } from '../protocol/messages';

export interface Level {
  price: number;
  amount: number;
  /** Amount at this price and every better one. */
  total: number;
}

export interface Depth {
  bids: Level[];
  asks: Level[];
  /** The largest total of either side, so that both sides' bars share one scale. */
  largestTotal: number;
  spread: number | null;
  middle: number | null;
}

export const NO_DEPTH: Depth = { bids: [], asks: [], largestTotal: 0, spread: null, middle: null };

export class OrderBook {
  #bids = new Map<number, number>();
  #asks = new Map<number, number>();
  #changeId: number | null = null;

  apply(update: BookUpdate): 'applied' | 'gap' {
    if (update.type === 'snapshot') {
      this.#bids.clear();
      this.#asks.clear();
    } else if (this.#changeId === null || !follows(update, this.#changeId)) {
      this.#changeId = null;
      return 'gap';
    }
    this.#changeId = update.change_id;
    update.bids.forEach((delta) => applyDelta(this.#bids, delta));
    update.asks.forEach((delta) => applyDelta(this.#asks, delta));
    return 'applied';
  }

  /** The best `count` levels of both sides, best first. */
  depth(count: number): Depth {
    const bids = cumulate([...this.#bids].sort((a, b) => b[0] - a[0]).slice(0, count));
    const asks = cumulate([...this.#asks].sort((a, b) => a[0] - b[0]).slice(0, count));
    const bid = bids[0]?.price;
    const ask = asks[0]?.price;
    const both = bid !== undefined && ask !== undefined;
    return {
      bids,
      asks,
      largestTotal: Math.max(bids.at(-1)?.total ?? 0, asks.at(-1)?.total ?? 0),
      spread: both ? ask - bid : null,
      middle: both ? (ask + bid) / 2 : null,
    };
  }
}

function follows(update: BookUpdate, changeId: number): boolean {
  const previous = update.prev_change_id;
  return previous === null || previous === undefined || previous === changeId;
}

function applyDelta(side: Map<number, number>, [action, price, amount]: BookDelta): void {
  if (action === 'delete' || amount === 0) side.delete(price);
  else side.set(price, amount);
}

function cumulate(levels: [number, number][]): Level[] {
  let total = 0;
  return levels.map(([price, amount]) => {
    total += amount;
    return { price, amount, total };
  });
}
