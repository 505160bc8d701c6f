// The newest rounds of the DAG, as the page draws them.
//
// Invariant: at most ROUNDS_KEPT rounds are held however fast the DAG grows; a block is committed
// only when a commit named it. A second digest at one place marks that author's equivocation.
// Left out on purpose: anything that decides. The page shows what the validators ordered.
import type { BlockPlace, DagBlock, DagUpdate } from '../protocol/messages';

export const ROUNDS_KEPT = 160;

export type BlockStanding = 'proposed' | 'committed' | 'leader';

export interface DrawnBlock extends DagBlock {
  standing: BlockStanding;
  commitIndex: number | null;
  equivocated: 'no' | 'yes';
  /** When it was first seen, in the page's own milliseconds. */
  seenAt: number;
}

export class DagWindow {
  #rounds = new Map<number, Map<number, DrawnBlock>>();
  #newestRound = 0;
  #authors = 0;
  #lastCommit: number | null = null;

  get newestRound(): number {
    return this.#newestRound;
  }

  /** One more than the highest author seen. */
  get authors(): number {
    return this.#authors;
  }

  get lastCommit(): number | null {
    return this.#lastCommit;
  }

  get size(): number {
    return this.#rounds.size;
  }

  apply(update: DagUpdate, now: number): void {
    for (const block of update.blocks) this.#add(block, now);
    for (const commit of update.commits) {
      this.#lastCommit = Math.max(this.#lastCommit ?? 0, commit.index);
      for (const place of commit.blocks) this.#stand(place, 'committed', commit.index);
      this.#stand(commit.leader, 'leader', commit.index);
    }
    this.#forget();
  }

  /** Empties the window: after a reconnect there may be a gap, which must not look like a DAG. */
  clear(): void {
    this.#rounds.clear();
    this.#newestRound = 0;
    this.#lastCommit = null;
  }

  block(round: number, author: number): DrawnBlock | undefined {
    return this.#rounds.get(round)?.get(author);
  }

  /** The blocks of the rounds from `first` to `last`, oldest round first. */
  *between(first: number, last: number): Generator<DrawnBlock> {
    for (let round = Math.max(first, this.#newestRound - ROUNDS_KEPT); round <= last; round += 1) {
      const blocks = this.#rounds.get(round);
      if (blocks) yield* blocks.values();
    }
  }

  #add(block: DagBlock, now: number): void {
    if (block.round <= this.#newestRound - ROUNDS_KEPT) return;
    const round = this.#rounds.get(block.round) ?? new Map<number, DrawnBlock>();
    this.#rounds.set(block.round, round);
    this.#newestRound = Math.max(this.#newestRound, block.round);
    this.#authors = Math.max(this.#authors, block.author + 1);
    const known = round.get(block.author);
    if (known) {
      if (known.digest !== block.digest) known.equivocated = 'yes';
      return;
    }
    round.set(block.author, {
      ...block,
      standing: 'proposed',
      commitIndex: null,
      equivocated: 'no',
      seenAt: now,
    });
  }

  #stand([round, author]: BlockPlace, standing: BlockStanding, commitIndex: number): void {
    const block = this.block(round, author);
    if (!block) return;
    if (block.standing !== 'leader') block.standing = standing;
    block.commitIndex ??= commitIndex;
  }

  #forget(): void {
    const oldest = this.#newestRound - ROUNDS_KEPT;
    for (const round of this.#rounds.keys()) {
      if (round <= oldest) this.#rounds.delete(round);
    }
  }
}
