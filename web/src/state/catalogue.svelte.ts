// The instruments the gateway lists, and the slow facts beside them: forwards and future marks.
//
// Invariant: `instruments` is the gateway's last full answer. An empty answer is kept as empty and
// asked for again; it is never filled in.
import type { Link } from '../protocol/link';
import type { BookSummary, Instrument } from '../protocol/messages';
import { arrange, type Underlying } from '../market/instruments';
import { failureOf, LOADING, READY, type Loading } from './loading';

const EMPTY_RETRY_MS = 2_000;
const SUMMARY_PERIOD_MS = 10_000;
const CATALOGUE_PERIOD_MS = 60_000;

export class Catalogue {
  loading = $state.raw<Loading>(LOADING);
  instruments = $state.raw<ReadonlyMap<string, Instrument>>(new Map());
  /** The venue's clock when the list was read; 0 before. */
  timestamp = $state.raw(0);
  summaries = $state.raw<ReadonlyMap<string, BookSummary>>(new Map());
  readonly underlyings: Underlying[] = $derived(arrange([...this.instruments.values()]));
  readonly forwards: ReadonlyMap<number, number> = $derived(this.#forwards());
  #currency: string | null = null;
  #held: readonly string[] = [];

  constructor(private readonly link: Link) {}

  /** Loads now and keeps current until the returned function is called. */
  follow(): () => void {
    void this.load();
    const instruments = setInterval(() => void this.load(), CATALOGUE_PERIOD_MS);
    const summaries = setInterval(() => void this.#loadSummaries(), SUMMARY_PERIOD_MS);
    return () => {
      clearInterval(instruments);
      clearInterval(summaries);
    };
  }

  async load(): Promise<void> {
    try {
      const listed = await this.link.request('public/get_instruments', { currency: 'any' });
      const [first] = listed;
      // The time of the data: a network may trade another day than the gateway's clock shows.
      if (first !== undefined) {
        const ticker = await this.link.request('public/ticker', { instrument_name: first.instrument_name });
        this.timestamp = ticker.timestamp;
      }
      this.instruments = new Map(listed.map((one) => [one.instrument_name, one]));
      this.loading = READY;
      if (listed.length === 0) setTimeout(() => void this.load(), EMPTY_RETRY_MS);
    } catch (failure) {
      this.loading = failureOf(failure) ?? this.loading;
    }
  }

  /** Chooses whose forwards and future marks are kept. */
  choose(currency: string): void {
    if (this.#currency === currency) return;
    this.#currency = currency;
    this.summaries = new Map();
    void this.#loadSummaries();
  }

  /** Underlyings of positions: their marks are needed whatever is looked at. */
  hold(currencies: readonly string[]): void {
    const isNew = currencies.some((currency) => !this.#held.includes(currency));
    this.#held = currencies;
    if (isNew) void this.#loadSummaries();
  }

  async #loadSummaries(): Promise<void> {
    const currency = this.#currency;
    if (currency === null) return;
    try {
      const asked = [...new Set([currency, ...this.#held])];
      const answers = await Promise.all(
        asked.map((one) => this.link.request('public/get_book_summary_by_currency', { currency: one })),
      );
      if (this.#currency !== currency) return;
      this.summaries = new Map(answers.flat().map((one) => [one.instrument_name, one]));
    } catch (failure) {
      // Forwards are extras: without them the expiry tabs show days only.
      failureOf(failure);
    }
  }

  #forwards(): Map<number, number> {
    const forwards = new Map<number, number>();
    for (const summary of this.summaries.values()) {
      const instrument = this.instruments.get(summary.instrument_name);
      const forward = summary.underlying_price;
      const isShown = instrument?.kind === 'option' && instrument.base_currency === this.#currency;
      if (isShown && typeof forward === 'number') {
        forwards.set(instrument.expiration_timestamp, forward);
      }
    }
    return forwards;
  }
}
