// Lights a cell for a moment when its number changes: green up, red down.
//
// Invariant: the first number, an equal number and a missing one never light; a cell belongs to
// one strike and one side for its whole life, so only a real change of that quote lights it.
import type { ActionReturn } from 'svelte/action';

const FADE_MS = 450;

type Value = number | null;

/** Svelte action: `use:flash={number}`. */
export function flash(element: HTMLElement, first: Value): ActionReturn<Value> {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let shown = first;
  return {
    update(next) {
      const previous = shown;
      shown = next;
      if (previous === null || next === null || previous === next || calm.matches) return;
      const color = next > previous ? 'var(--flash-up)' : 'var(--flash-down)';
      element.animate([{ backgroundColor: color }, { backgroundColor: 'transparent' }], {
        duration: FADE_MS,
        easing: 'ease-out',
      });
    },
  };
}
