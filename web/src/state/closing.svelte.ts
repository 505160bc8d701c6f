// A button that trades at once asks once more.
//
// Invariant: only a second press on the same name within the time acts.
import { failureOf } from './loading';

export const ARMED_MS = 4_000;

export class ClosingState {
  armed = $state.raw<string | null>(null);
  failed = $state.raw<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  async press(name: string, act: (name: string) => Promise<unknown>): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.failed = null;
    if (this.armed !== name) {
      this.armed = name;
      this.#timer = setTimeout(() => (this.armed = null), ARMED_MS);
      return;
    }
    this.armed = null;
    try {
      await act(name);
    } catch (failure) {
      const failed = failureOf(failure);
      this.failed =
        failed?.status === 'failed' ? `${name}: ${failed.reason}` : `${name}: the connection was lost`;
    }
  }
}
