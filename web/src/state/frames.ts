// Gathers what arrives between two frames, so that the page renders at most once a frame.
//
// Invariant: per key only the latest job runs; a hidden tab, which has no frames, holds one job a
// key and nothing grows.

export class Frames {
  #jobs = new Map<string, () => void>();
  #requested: 'no' | 'yes' = 'no';

  constructor(private readonly request: (run: () => void) => void) {}

  /** Runs `job` in the next frame unless a later job takes its key first. */
  put(key: string, job: () => void): void {
    this.#jobs.set(key, job);
    if (this.#requested === 'yes') return;
    this.#requested = 'yes';
    this.request(() => this.#run());
  }

  drop(key: string): void {
    this.#jobs.delete(key);
  }

  #run(): void {
    this.#requested = 'no';
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    jobs.forEach((job) => job());
  }
}
