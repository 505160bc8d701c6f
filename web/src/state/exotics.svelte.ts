// What the account's exotics are and what has become of them: the list of instruments does not have them.
//
// Invariant: each is asked for when it is first held and again every half minute while it is; what is no longer held
// is forgotten.
import type { Link } from '../protocol/link';
import type { Instrument, Position } from '../protocol/messages';
import type { Exotic } from '../portfolio/exotics';
import { failureOf } from './loading';

export const EXOTIC_PERIOD_MS = 30_000;

export class Exotics {
  held = $state.raw<ReadonlyMap<string, Exotic>>(new Map());
  #names: readonly string[] = [];

  constructor(private readonly link: Link) {}

  /** Keeps what is held current until the returned function is called. */
  follow(): () => void {
    const timer = setInterval(() => this.#names.forEach((name) => void this.#ask(name)), EXOTIC_PERIOD_MS);
    return () => clearInterval(timer);
  }

  hold(positions: readonly Position[]): void {
    const exotic = positions.filter((one) => one.kind === 'exotic' && one.size !== 0);
    const names = exotic.map((one) => one.instrument_name);
    const news = names.filter((name) => !this.#names.includes(name));
    this.#names = names;
    if ([...this.held.keys()].some((name) => !names.includes(name))) {
      this.held = new Map([...this.held].filter(([name]) => names.includes(name)));
    }
    news.forEach((name) => void this.#ask(name));
  }

  /** The listed instruments and the held exotics. */
  among(instruments: ReadonlyMap<string, Instrument>): ReadonlyMap<string, Instrument> {
    if (this.held.size === 0) return instruments;
    return new Map([...instruments, ...[...this.held].map(([name, one]) => [name, one.instrument] as const)]);
  }

  async #ask(name: string): Promise<void> {
    try {
      const found = await this.link.request('public/clockless/get_exotic', { instrument_name: name });
      if (this.#names.includes(name)) this.held = new Map([...this.held, [name, found]]);
    } catch (failure) {
      // Its row then has a name and figures, and no words: it is asked again.
      failureOf(failure);
    }
  }
}
