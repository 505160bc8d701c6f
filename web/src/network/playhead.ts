// Where the right edge of the DAG stands, in rounds, between the messages that bring new ones.
//
// Invariant: it never passes the newest round and never moves back, except to start over; it
// arrives however uneven the messages are. Updates come in lumps, and this makes them a flow.

/** Time to close about two thirds of the distance to the newest round. */
const EASE_MS = 220;
/** Further behind than this the playhead jumps: easing would only show a blur. */
const BEHIND_MAX = 120;

export class Playhead {
  #round = 0;

  get round(): number {
    return this.#round;
  }

  /** Moves towards `newest` for `elapsedMs`; returns whether the picture changed. */
  advance(newest: number, elapsedMs: number): 'moved' | 'still' {
    const distance = newest - this.#round;
    if (distance === 0) return 'still';
    if (distance < 0 || distance > BEHIND_MAX) {
      this.#round = newest;
      return 'moved';
    }
    const step = distance * (1 - Math.exp(-Math.max(elapsedMs, 0) / EASE_MS));
    this.#round = distance - step < 0.01 ? newest : this.#round + step;
    return 'moved';
  }

  /** Stands at once where the newest round is. */
  jump(newest: number): void {
    this.#round = newest;
  }
}
