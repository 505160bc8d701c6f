// The option chain of the one selected expiry.
//
// Invariant: `chain` always belongs to the selected currency and expiry, or is null; an answer
// that arrives after the selection moved on is dropped.
import type { Link } from '../protocol/link';
import type { Chain, Channel } from '../protocol/messages';
import { viewOf, type ChainView } from '../market/chain';
import type { Frames } from './frames';
import { failureOf, LOADING, READY, type Loading } from './loading';

const NO_ROWS: ChainView = { rows: [], rowsAboveSpot: -1, largestOpenInterest: 0 };

export class ChainState {
  loading = $state.raw<Loading>(LOADING);
  chain = $state.raw<Chain | null>(null);
  readonly view: ChainView = $derived(this.chain ? viewOf(this.chain) : NO_ROWS);

  constructor(
    private readonly link: Link,
    private readonly frames: Frames,
  ) {}

  /** Shows one expiry until the returned function is called. */
  follow(currency: string, expiryTimestamp: number): () => void {
    const channel = `clockless.chain.${currency}.${expiryTimestamp}` as const;
    let selected: 'yes' | 'no' = 'yes';
    this.loading = LOADING;
    this.chain = null;
    const show = (chain: Chain): void =>
      this.frames.put('chain', () => {
        if (selected === 'no') return;
        this.chain = chain;
        this.loading = READY;
      });
    const stopUpdates = this.link.subscribe(channel satisfies Channel, show, () => {
      if (selected === 'yes') {
        this.loading = { status: 'failed', reason: 'the gateway sends no updates for this expiry' };
      }
    });
    const stopWatching = this.link.watch((state) => {
      if (state.phase !== 'open') return;
      this.link
        .request('public/clockless/get_chain', { currency, expiry_timestamp: expiryTimestamp })
        .then((chain) => selected === 'yes' && this.chain === null && show(chain))
        .catch((failure: unknown) => {
          if (selected === 'yes') this.loading = failureOf(failure) ?? this.loading;
        });
    });
    return () => {
      selected = 'no';
      stopWatching();
      stopUpdates();
    };
  }
}
