// TEST TOOL. A made-up network of validators whose DAG grows round by round, with a commit for
// most rounds a few rounds later. It follows no commit rule: it only has the right shape.
import type { BlockPlace, DagBlock, DagCommit, DagUpdate, NetworkStatus } from '../../src/protocol/messages';
import { Random } from './random';

const NAMES = ['alfa', 'bravo', 'charlie', 'delta'];
const WAVE = 4;

export class MockDag {
  #round = 18_400;
  #commit = 17_900;
  #blocks = new Map<string, DagBlock>();
  #ordered = new Set<string>();
  #intents = 1_204_331;
  #root: string;

  constructor(
    private readonly random: Random,
    private readonly instruments: number,
  ) {
    this.#root = random.hex(64);
  }

  /** One round of blocks, and the commits it decides. */
  step(): DagUpdate {
    this.#round += 1;
    const authors = NAMES.map((_, author) => author).filter(
      (author) => this.random.next() > (author === 3 ? 0.14 : 0.03),
    );
    const present = authors.length >= 3 ? authors : [0, 1, 2];
    const blocks = present.map((author) => this.#block(author));
    for (const block of blocks) this.#blocks.set(key([block.round, block.author]), block);
    for (const [name, block] of this.#blocks) if (block.round < this.#round - 60) this.#blocks.delete(name);
    return { blocks, commits: this.#decide() };
  }

  status(): NetworkStatus {
    return {
      validators: NAMES.map((name, index) => ({
        index,
        name,
        round: this.#round - (index === 3 ? 2 : 0),
        lag_ms: Math.round(this.random.between(2, 11) + (index === 3 ? 38 : 0)),
        alive: true,
      })),
      round: this.#round,
      commit_index: this.#commit,
      certified_commit: this.#commit - 3,
      root: this.#root,
      commits_per_s: round1(this.random.between(11.2, 12.4)),
      orders_per_s: Math.round(this.random.between(10_800, 12_900)),
      trades_per_s: Math.round(this.random.between(310, 420)),
      finality_ms: { p50: round1(this.random.between(26, 33)), p99: round1(this.random.between(58, 84)) },
      instruments: this.instruments,
      faucet_max: 1_000_000,
      intents: (this.#intents += this.random.whole(400, 700)),
    };
  }

  #block(author: number): DagBlock {
    const before = NAMES.map((_, parent): BlockPlace => [this.#round - 1, parent]).filter((place) =>
      this.#blocks.has(key(place)),
    );
    const dropped =
      before.length > 3 && this.random.next() < 0.3 ? this.random.whole(0, before.length - 1) : -1;
    const parents = before.filter((place, at) => at !== dropped || place[1] === author);
    const earlier: BlockPlace = [this.#round - 2, this.random.whole(0, NAMES.length - 1)];
    if (this.random.next() < 0.12 && this.#blocks.has(key(earlier))) parents.push(earlier);
    return {
      round: this.#round,
      author,
      digest: this.random.hex(8),
      parents,
      transactions: Math.round(2 ** this.random.between(0, 9)),
    };
  }

  #decide(): DagCommit[] {
    const leader: BlockPlace = [this.#round - WAVE, this.random.whole(0, NAMES.length - 1)];
    if (!this.#blocks.has(key(leader)) || this.random.next() < 0.06) return [];
    this.#commit += 1;
    this.#root = this.random.hex(64);
    return [{ index: this.#commit, leader, blocks: this.#history(leader), coin: this.random.hex(8) }];
  }

  #history(leader: BlockPlace): BlockPlace[] {
    const found: BlockPlace[] = [];
    const open = [leader];
    for (let place = open.pop(); place; place = open.pop()) {
      const block = this.#blocks.get(key(place));
      if (!block || this.#ordered.has(key(place))) continue;
      this.#ordered.add(key(place));
      found.push(place);
      open.push(...block.parents);
    }
    return found.reverse();
  }
}

function key([round, author]: BlockPlace): string {
  return `${round}.${author}`;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
