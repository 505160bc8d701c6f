// How fast the DAG grows, and how wide its columns should be for an eye to follow.
//
// Invariant: the width is within [COLUMN_MIN, the widest that lanes allow] at any pace; a rate needs
// two messages, and until then there is none.

/** Rounds may pass under the eye at about this many pixels a second. */
const PIXELS_PER_S = 360;
export const COLUMN_MIN = 13;
const MEMORY_MS = 2_500;

interface Sighting {
  at: number;
  round: number;
}

export class Pace {
  #sightings: Sighting[] = [];

  /** Notes the newest round at a time in milliseconds. */
  observe(round: number, at: number): void {
    const last = this.#sightings.at(-1);
    if (last && round < last.round) this.#sightings = [];
    if (last?.round === round) return;
    this.#sightings.push({ at, round });
    this.#sightings = this.#sightings.filter((sighting) => at - sighting.at <= MEMORY_MS);
  }

  /** Rounds a second over the last few messages; null before there are two. */
  roundsPerSecond(): number | null {
    const first = this.#sightings[0];
    const last = this.#sightings.at(-1);
    if (!first || !last || last.at <= first.at) return null;
    return ((last.round - first.round) / (last.at - first.at)) * 1000;
  }

  /** Pixels between two rounds, given the widest that looks even. */
  columnWidth(widest: number): number {
    const rate = this.roundsPerSecond();
    if (rate === null || rate <= 0) return widest;
    return Math.min(Math.max(PIXELS_PER_S / rate, COLUMN_MIN), widest);
  }
}
