// Keys, frames and colours: the rules of the page that need no browser.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Frames } from '../../src/state/frames';
import { actionOf, type Key } from '../../src/state/keys';

function key(name: string, over: Partial<Key> = {}): Key {
  return { key: name, ctrlKey: false, metaKey: false, altKey: false, ...over };
}

describe('keys', () => {
  it.each([
    ['ArrowUp', { does: 'move', step: 'up' }],
    ['PageDown', { does: 'move', step: 'page-down' }],
    ['1', { does: 'underlying', place: 0 }],
    ['2', { does: 'underlying', place: 1 }],
    ['[', { does: 'expiry', direction: -1 }],
    ['Enter', { does: 'select' }],
    ['t', { does: 'theme' }],
    ['?', { does: 'help' }],
    ['x', null],
    ['0', null],
  ])('%s does %o', (name, action) => expect(actionOf(key(name), 'page')).toEqual(action));

  it('with a modifier stay with the browser', () => {
    expect(actionOf(key('1', { ctrlKey: true }), 'page')).toBeNull();
    expect(actionOf(key('ArrowLeft', { altKey: true }), 'page')).toBeNull();
  });

  it('Enter on a button stays with the button', () => {
    expect(actionOf(key('Enter'), 'button')).toBeNull();
  });
});

describe('frames', () => {
  it('run the latest job of each key, once a frame', () => {
    const queue: (() => void)[] = [];
    const frames = new Frames((run) => queue.push(run));
    const done: string[] = [];
    frames.put('a', () => done.push('a1'));
    frames.put('a', () => done.push('a2'));
    frames.put('b', () => done.push('b'));
    frames.put('c', () => done.push('c'));
    frames.drop('c');
    expect(queue).toHaveLength(1);
    queue.shift()?.();
    expect(done).toEqual(['a2', 'b']);
    frames.put('a', () => done.push('a3'));
    expect(queue).toHaveLength(1);
  });
});

const TOKENS = readFileSync(join(import.meta.dirname, '../../src/styles/tokens.css'), 'utf8');
type Theme = 'light' | 'dark';

function color(name: string, theme: Theme): string {
  const pair = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(TOKENS);
  const found = theme === 'light' ? pair?.[1] : pair?.[2];
  if (!found) throw new Error(`tokens.css has no --${name}`);
  return found;
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const SURFACES = ['surface', 'raised', 'hover', 'in-the-money'];
const PAIRS: [text: string, surfaces: string[]][] = [
  ['text', [...SURFACES, 'bar-bid', 'bar-ask']],
  ['text-quiet', [...SURFACES, 'bar-interest']],
  ['text-bid', [...SURFACES, 'bar-bid', 'flash-up', 'flash-down']],
  ['text-ask', [...SURFACES, 'bar-ask', 'flash-up', 'flash-down']],
  ['text-accent', ['surface']],
  ['text-warn', ['surface']],
  ['surface', ['accent']],
];

describe.each<Theme>(['dark', 'light'])('in the %s theme', (theme) => {
  const cases = PAIRS.flatMap(([text, surfaces]) => surfaces.map((surface) => [text, surface] as const));
  it.each(cases)('%s on %s reaches 4.5:1', (text, surface) => {
    expect(contrast(color(text, theme), color(surface, theme))).toBeGreaterThanOrEqual(4.5);
  });
});
