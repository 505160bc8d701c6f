// Which key does what.
//
// Invariant: keys with a modifier stay the browser's; Enter on a focused button stays the button's; in a
// field every key is the field's.
import type { Step } from '../market/chain';

export type KeyAction =
  | { does: 'underlying'; place: number }
  | { does: 'expiry'; direction: -1 | 1 }
  | { does: 'move'; step: Step }
  | { does: 'select' }
  | { does: 'order'; side: 'buy' | 'sell' }
  | { does: 'tab'; direction: -1 | 1 }
  | { does: 'theme' }
  | { does: 'help' };

export interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const STEPS: Readonly<Record<string, Step>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  Home: 'first',
  End: 'last',
  PageUp: 'page-up',
  PageDown: 'page-down',
};

export type Focus = 'button' | 'field' | 'page';

export function focusOf(target: EventTarget | null): Focus {
  if (target instanceof HTMLButtonElement) return 'button';
  const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  return isField ? 'field' : 'page';
}

export function actionOf(event: Key, focus: Focus): KeyAction | null {
  if (focus === 'field' || event.ctrlKey || event.metaKey || event.altKey) return null;
  const step = STEPS[event.key];
  if (step) return { does: 'move', step };
  if (/^[1-9]$/.test(event.key)) return { does: 'underlying', place: Number(event.key) - 1 };
  switch (event.key) {
    case 'Enter':
      return focus === 'button' ? null : { does: 'select' };
    case '[':
      return { does: 'expiry', direction: -1 };
    case ']':
      return { does: 'expiry', direction: 1 };
    case 'b':
      return { does: 'order', side: 'buy' };
    case 's':
      return { does: 'order', side: 'sell' };
    case ',':
      return { does: 'tab', direction: -1 };
    case '.':
      return { does: 'tab', direction: 1 };
    case 't':
      return { does: 'theme' };
    case '?':
      return { does: 'help' };
    default:
      return null;
  }
}
