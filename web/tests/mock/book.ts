// TEST TOOL. Order books and trades that follow the made-up market.
import type { BookDelta, BookUpdate, Instrument, Trade } from '../../src/protocol/messages';
import { round, type MockMarket } from './market';
import { Random } from './random';

const LEVELS = 12;

type Side = Map<number, number>;

/** One instrument's book for one subscription: a snapshot, then what changed. */
export class MockBook {
  #bids: Side = new Map();
  #asks: Side = new Map();
  #changeId = 1000;

  constructor(
    private readonly market: MockMarket,
    private readonly instrument: Instrument,
    private readonly random: Random,
  ) {}

  snapshot(now: number): BookUpdate {
    this.#bids = this.#levels('bid', now);
    this.#asks = this.#levels('ask', now);
    return {
      ...this.#head(now),
      type: 'snapshot',
      bids: changes(new Map(), this.#bids),
      asks: changes(new Map(), this.#asks),
    };
  }

  change(now: number): BookUpdate {
    const bids = this.#drift('bid', this.#bids, now);
    const asks = this.#drift('ask', this.#asks, now);
    const previous = this.#changeId;
    this.#changeId += 1;
    const update: BookUpdate = {
      ...this.#head(now),
      type: 'change',
      prev_change_id: previous,
      bids: changes(this.#bids, bids),
      asks: changes(this.#asks, asks),
    };
    this.#bids = bids;
    this.#asks = asks;
    return update;
  }

  #head(now: number): Pick<BookUpdate, 'timestamp' | 'instrument_name' | 'change_id'> {
    return { timestamp: now, instrument_name: this.instrument.instrument_name, change_id: this.#changeId };
  }

  #best(side: 'bid' | 'ask', now: number): number | null {
    const ticker = this.market.ticker(this.instrument.instrument_name, now);
    return (side === 'bid' ? ticker?.best_bid_price : ticker?.best_ask_price) ?? null;
  }

  #levels(side: 'bid' | 'ask', now: number): Side {
    const best = this.#best(side, now);
    const levels: Side = new Map();
    if (best === null) return levels;
    const away = side === 'bid' ? -1 : 1;
    let price = best;
    for (let level = 0; level < LEVELS && price > 0; level += 1) {
      levels.set(price, this.#amount(level));
      price = round(
        price + away * this.instrument.tick_size * this.random.whole(1, 3),
        this.instrument.tick_size,
      );
    }
    return levels;
  }

  /** Keeps most levels, so that the book moves the way books do. */
  #drift(side: 'bid' | 'ask', from: Side, now: number): Side {
    const best = this.#best(side, now);
    const fresh = this.#levels(side, now);
    if (best === null) return fresh;
    const kept = [...from].filter(([price]) => (side === 'bid' ? price <= best : price >= best));
    const levels: Side = new Map([...kept, ...[...fresh].slice(0, 1)]);
    for (const [price] of kept) if (this.random.next() < 0.12) levels.set(price, this.#amount(3));
    for (const [price, amount] of fresh) if (levels.size < LEVELS) levels.set(price, amount);
    const order = side === 'bid' ? -1 : 1;
    return new Map([...levels].sort((a, b) => order * (a[0] - b[0])).slice(0, LEVELS));
  }

  #amount(level: number): number {
    return round(this.random.between(1, 9 + level * 4), this.instrument.min_trade_amount);
  }
}

function changes(from: Side, to: Side): BookDelta[] {
  const deltas: BookDelta[] = [];
  for (const [price] of from) if (!to.has(price)) deltas.push(['delete', price, 0]);
  for (const [price, amount] of to) {
    const before = from.get(price);
    if (before === undefined) deltas.push(['new', price, amount]);
    else if (before !== amount) deltas.push(['change', price, amount]);
  }
  return deltas;
}

let lastTrade = 90_000;

export function mockTrade(
  market: MockMarket,
  instrument: Instrument,
  random: Random,
  now: number,
): Trade | null {
  const ticker = market.ticker(instrument.instrument_name, now);
  const direction = random.next() < 0.5 ? 'buy' : 'sell';
  const price = direction === 'buy' ? ticker?.best_ask_price : ticker?.best_bid_price;
  if (!ticker || typeof price !== 'number') return null;
  lastTrade += 1;
  return {
    trade_id: String(lastTrade),
    trade_seq: lastTrade,
    timestamp: now,
    instrument_name: instrument.instrument_name,
    price,
    amount: round(random.between(1, 40) * instrument.min_trade_amount, instrument.min_trade_amount),
    direction,
    ...(instrument.kind === 'option'
      ? { iv: (direction === 'buy' ? ticker.ask_iv : ticker.bid_iv) ?? null }
      : {}),
  };
}
