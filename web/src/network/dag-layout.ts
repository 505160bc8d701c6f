// Where a block of the DAG is on the canvas, and which block is at a point.
//
// Invariant: `roundAt(xOf(round)) = round` and `authorAt(yOf(author)) = author`.

export interface DagLayout {
  width: number;
  height: number;
  lanes: number;
  /** Pixels between two rounds. */
  column: number;
  /** The round at the right edge, with a fraction while it moves. */
  head: number;
}

export const TOP = 16;
const RIGHT = 18;

/** The widest column that still looks even beside lanes of this height. */
export function widestColumn(laneHeightPixels: number): number {
  return Math.min(Math.max(laneHeightPixels * 0.62, 12), 30);
}

export function laneHeight(layout: Pick<DagLayout, 'height' | 'lanes'>): number {
  return (layout.height - TOP) / Math.max(layout.lanes, 1);
}

export function xOf(layout: DagLayout, round: number): number {
  return layout.width - RIGHT - (layout.head - round) * layout.column;
}

export function yOf(layout: DagLayout, author: number): number {
  return TOP + (author + 0.5) * laneHeight(layout);
}

export function roundAt(layout: DagLayout, x: number): number {
  return Math.round(layout.head - (layout.width - RIGHT - x) / layout.column);
}

export function authorAt(layout: DagLayout, y: number): number {
  return Math.round((y - TOP) / laneHeight(layout) - 0.5);
}

/** The rounds that are at least partly in view. */
export function roundsInView(layout: DagLayout): { first: number; last: number } {
  return { first: roundAt(layout, 0) - 1, last: Math.ceil(layout.head) };
}

/** Half the side of a block's square: a fuller block is a little larger. */
export function blockRadius(layout: DagLayout, transactions: number): number {
  const largest = Math.min(layout.column, laneHeight(layout)) * 0.34;
  const full = Math.min(Math.log2(1 + Math.max(transactions, 0)) / 10, 1);
  return Math.min(largest * (0.62 + 0.38 * full), 9);
}
