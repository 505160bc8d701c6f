// How long to wait before the next attempt to connect.
//
// Invariant: the wait is within [delay / 2, delay], where delay doubles from the first to the
// longest; the random half keeps many pages from returning in one instant after a restart.

export const FIRST_DELAY_MS = 500;
export const LONGEST_DELAY_MS = 15_000;

/** Milliseconds before attempt number `attempt` (1 is the first retry); `random` is in [0, 1). */
export function delayBefore(attempt: number, random: number): number {
  const doublings = Math.min(Math.max(attempt, 1) - 1, 16);
  const delay = Math.min(FIRST_DELAY_MS * 2 ** doublings, LONGEST_DELAY_MS);
  return Math.round(delay / 2 + (delay / 2) * random);
}
