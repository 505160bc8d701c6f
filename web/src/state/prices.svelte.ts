// Prices that show all the time: each underlying's index and the futures beside the expiries.
//
// Invariant: a price is the last the gateway sent; after a lost connection it is still that one,
// and the page says that it is old.
import type { Link } from '../protocol/link';
import type { Ticker } from '../protocol/messages';
import type { Frames } from './frames';

export class Prices {
  tickers = $state.raw<ReadonlyMap<string, Ticker>>(new Map());
  timestamp = $state.raw(0);
  #latest = new Map<string, Ticker>();

  constructor(
    private readonly link: Link,
    private readonly frames: Frames,
  ) {}

  /** Follows these instruments' tickers until the returned function is called. */
  follow(names: readonly string[]): () => void {
    const stops = names.map((name) =>
      this.link.subscribe(`ticker.${name}.100ms`, (ticker) => {
        this.#latest.set(name, ticker);
        this.frames.put('prices', () => this.#publish());
      }),
    );
    return () => stops.forEach((stop) => stop());
  }

  #publish(): void {
    this.tickers = new Map(this.#latest);
    this.timestamp = Math.max(0, ...[...this.#latest.values()].map((ticker) => ticker.timestamp));
  }
}
