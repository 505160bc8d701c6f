// The selected instrument: its book, its last trades, its ticker.
//
// Invariant: all three belong to `name`. After a gap in the book's changes the book is asked for
// again, and until the snapshot is there the old depth is not shown.
import type { Link } from '../protocol/link';
import type { BookUpdate, Ticker, Trade } from '../protocol/messages';
import { NO_DEPTH, OrderBook, type Depth } from '../market/book';
import { mergeTrades } from '../market/trades';
import type { Frames } from './frames';
import { failureOf, LOADING, READY, type Loading } from './loading';

export const LEVELS_SHOWN = 8;
const TRADES_ASKED = 40;

export class InstrumentState {
  name = $state.raw<string | null>(null);
  ticker = $state.raw<Ticker | null>(null);
  depth = $state.raw<Depth>(NO_DEPTH);
  trades = $state.raw<readonly Trade[]>([]);
  bookLoading = $state.raw<Loading>(LOADING);
  tradesLoading = $state.raw<Loading>(LOADING);

  constructor(
    private readonly link: Link,
    private readonly frames: Frames,
  ) {}

  /** Shows one instrument until the returned function is called. */
  follow(name: string): () => void {
    this.#reset(name);
    const stops = [this.#followTicker(name), this.#followBook(name), this.#followTrades(name)];
    return () => {
      stops.forEach((stop) => stop());
      ['ticker', 'book', 'trades'].forEach((key) => this.frames.drop(key));
    };
  }

  #reset(name: string): void {
    this.name = name;
    this.ticker = null;
    this.depth = NO_DEPTH;
    this.trades = [];
    this.bookLoading = LOADING;
    this.tradesLoading = LOADING;
  }

  #followTicker(name: string): () => void {
    const show = (ticker: Ticker): void => this.frames.put('ticker', () => (this.ticker = ticker));
    return this.#both(
      this.link.subscribe(`ticker.${name}.100ms`, show),
      this.link.watch((state) => {
        if (state.phase !== 'open') return;
        this.link
          .request('public/ticker', { instrument_name: name })
          .then((ticker) => this.name === name && this.ticker === null && show(ticker))
          .catch((failure: unknown) => void failureOf(failure));
      }),
    );
  }

  #followBook(name: string): () => void {
    const channel = `book.${name}.100ms` as const;
    const book = new OrderBook();
    const apply = (update: BookUpdate): void => {
      if (book.apply(update) === 'gap') {
        this.bookLoading = LOADING;
        this.link.restart(channel);
        return;
      }
      this.frames.put('book', () => {
        this.depth = book.depth(LEVELS_SHOWN);
        this.bookLoading = READY;
      });
    };
    return this.link.subscribe(channel, apply, () => {
      this.bookLoading = { status: 'failed', reason: 'the gateway has no book under this name' };
    });
  }

  #followTrades(name: string): () => void {
    let waiting: Trade[] = [];
    const show = (trades: readonly Trade[]): void => {
      waiting.push(...trades);
      this.frames.put('trades', () => {
        this.trades = mergeTrades(this.trades, waiting);
        this.tradesLoading = READY;
        waiting = [];
      });
    };
    const request = { instrument_name: name, count: TRADES_ASKED, include_old: true };
    return this.#both(
      this.link.subscribe(`trades.${name}.100ms`, show),
      this.link.watch((state) => {
        if (state.phase !== 'open') return;
        this.link
          .request('public/get_last_trades_by_instrument', request)
          .then((result) => this.name === name && show(result.trades))
          .catch((failure: unknown) => {
            if (this.name === name) this.tradesLoading = failureOf(failure) ?? this.tradesLoading;
          });
      }),
    );
  }

  #both(first: () => void, second: () => void): () => void {
    return () => {
      first();
      second();
    };
  }
}
