// Lights a cell for a moment when its number changes: green up, red down.
//
// Invariant: at most LIT_MAX cells are lit at a time: a colour that fades is painted anew with every step, and
// when everything moves, light tells nothing. The first number, an equal number and a missing one never
// light; a cell belongs to one strike and one side for its whole life, so only a real change of that quote
// lights it.
import type { ActionReturn } from 'svelte/action';

const FADE_MS = 450;
export const LIT_MAX = 48;
let lit = 0;

type Value = number | null;

/** Svelte action: `use:flash={number}`. */
export function flash(element: HTMLElement, first: Value): ActionReturn<Value> {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let shown = first;
  return {
    update(next) {
      const previous = shown;
      shown = next;
      if (previous === null || next === null || previous === next || calm.matches || lit >= LIT_MAX) return;
      const color = next > previous ? 'var(--flash-up)' : 'var(--flash-down)';
      lit += 1;
      const fading = element.animate([{ backgroundColor: color }, { backgroundColor: 'transparent' }], {
        duration: FADE_MS,
        easing: 'steps(6, end)',
      });
      fading.onfinish = fading.oncancel = () => (lit -= 1);
    },
  };
}
