// The validators' network: what they report, and the DAG they build.
//
// Invariant: figures are the gateway's; the page adds only the time since the last commit it saw.
import type { Link } from '../protocol/link';
import type { DagUpdate, NetworkStatus } from '../protocol/messages';
import { DagWindow } from '../network/dag-window';
import { extend } from '../network/history';
import type { Frames } from './frames';

/** Commits come many times a second; this long without one is worth saying. */
export const QUIET_AFTER_MS = 3_000;

type Series = readonly (number | null)[];

export class NetworkState {
  status = $state.raw<NetworkStatus | null>(null);
  orders = $state.raw<Series>([]);
  finality = $state.raw<Series>([]);
  /** Milliseconds without a new commit, while that is worth saying; null while commits flow. */
  quietFor = $state.raw<number | null>(null);
  /** The coin of the last commit: the beginning of what chose its leader. */
  coin = $state.raw<string | null>(null);
  refused = $state.raw<'no' | 'yes'>('no');
  readonly dag = new DagWindow();
  #commitSeenAt = 0;

  constructor(
    private readonly link: Link,
    private readonly frames: Frames,
    private readonly now: () => number,
  ) {}

  follow(): () => void {
    const stops = [
      this.link.subscribe(
        'clockless.network',
        (status) => this.#report(status),
        () => (this.refused = 'yes'),
      ),
      this.link.subscribe('clockless.dag', (update) => this.#grow(update)),
      this.link.watch((state) => {
        if (state.phase !== 'open') return;
        this.dag.clear();
        this.refused = 'no';
        this.#commitSeenAt = this.now();
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  #grow(update: DagUpdate): void {
    this.dag.apply(update, this.now());
    const coin = update.commits.at(-1)?.coin;
    if (coin !== undefined) this.frames.put('coin', () => (this.coin = coin));
  }

  #report(status: NetworkStatus): void {
    this.frames.put('network', () => {
      if (status.commit_index !== this.status?.commit_index) this.#commitSeenAt = this.now();
      const quiet = this.now() - this.#commitSeenAt;
      this.quietFor = quiet >= QUIET_AFTER_MS ? quiet : null;
      this.status = status;
      this.orders = extend(this.orders, status.orders_per_s);
      this.finality = extend(this.finality, status.finality_ms?.p50 ?? null);
    });
  }
}
