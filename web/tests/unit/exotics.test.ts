// Exotics that are held: their terms in words, and what the page asks the gateway for.
import { describe, expect, it } from 'vitest';
import { isExercisable, termsOf, type Exotic, type ExoticStyle } from '../../src/portfolio/exotics';
import { totalsByUnderlying } from '../../src/portfolio/totals';
import type { Link } from '../../src/protocol/link';
import type { Instrument, Position } from '../../src/protocol/messages';
import { Exotics } from '../../src/state/exotics.svelte';

const NAME = 'BTC_USDC-27NOV26-64000-C-X';

function exotic(style: ExoticStyle, over: Partial<Exotic> = {}): Exotic {
  const instrument = {
    instrument_name: NAME,
    kind: 'exotic',
    base_currency: 'BTC',
    option_type: 'call',
    strike: 64_000,
    exotic: style,
  } as Exotic['instrument'];
  return { instrument, touched_price: null, fixings_made: 0, fixings_average: null, ...over };
}

const barrier: ExoticStyle = { style: 'barrier', direction: 'up', knock: 'out', level: 70_000, rebate: 500 };

describe('terms', () => {
  it.each([
    [exotic({ style: 'american' }), 'American call at 64,000'],
    [exotic({ style: 'digital', pays: 'cash', amount: 1_000 }), 'Digital call at 64,000, pays 1,000'],
    [exotic({ style: 'digital', pays: 'asset' }), 'Digital call at 64,000, pays the delivery price'],
    [exotic({ style: 'asian', fixings: 7 }), 'Asian call at 64,000, 0 of 7 fixings'],
    [
      exotic({ style: 'asian', fixings: 7 }, { fixings_made: 3, fixings_average: 63_500.5 }),
      'Asian call at 64,000, 3 of 7 fixings at 63,500.50 so far',
    ],
    [exotic(barrier), 'up-and-out call at 64,000, level 70,000 not met, rebate 500'],
    [
      exotic({ ...barrier, knock: 'in', rebate: 0 }, { touched_price: 70_100 }),
      'up-and-in call at 64,000, level 70,000 met at 70,100',
    ],
    [exotic({ style: 'chooser' } as unknown as ExoticStyle), 'chooser call at 64,000'],
  ])('%# are told in words', (held, words) => expect(termsOf(held)).toBe(words));

  it('let a holder exercise an American option and nobody else anything', () => {
    expect(isExercisable(exotic({ style: 'american' }), 0.5)).toBe(true);
    expect(isExercisable(exotic({ style: 'american' }), -0.5)).toBe(false);
    expect(isExercisable(exotic(barrier), 0.5)).toBe(false);
    expect(isExercisable(undefined, 0.5)).toBe(false);
  });
});

describe('what is held', () => {
  const position = (kind: Position['kind'], name: string, size = 1): Position =>
    ({ kind, instrument_name: name, size, floating_profit_loss: 0, initial_margin: 5 }) as Position;

  it('is asked for once, counts among its underlying, and is forgotten when it is gone', async () => {
    const asked: string[] = [];
    const request = (method: string, params: { instrument_name: string }): Promise<Exotic> => {
      asked.push(`${method} ${params.instrument_name}`);
      return Promise.resolve(exotic({ style: 'american' }));
    };
    const exotics = new Exotics({ request } as unknown as Link);
    const held = [position('exotic', NAME), position('option', 'P'), position('exotic', 'GONE', 0)];
    exotics.hold(held);
    exotics.hold(held);
    await Promise.resolve();
    expect(asked).toEqual([`public/clockless/get_exotic ${NAME}`]);
    const listed = new Map<string, Instrument>();
    expect(totalsByUnderlying(held, exotics.among(listed)).map((one) => one.initialMargin)).toEqual([5]);
    exotics.hold([]);
    expect(exotics.held.size).toBe(0);
    expect(exotics.among(listed)).toBe(listed);
  });
});
