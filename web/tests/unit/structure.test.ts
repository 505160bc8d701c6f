// Structures of several legs: their price, their text, and what of an answer is wrong.
import { describe, expect, it } from 'vitest';
import {
  amountProblem,
  answerProblem,
  inOrder,
  structurePrice,
  structureText,
  type Answer,
} from '../../src/portfolio/structure';
import type { Instrument } from '../../src/protocol/messages';
import type { BlockRfq } from '../../src/protocol/private';

const instrument = (name: string, tick: number): Instrument => ({
  instrument_name: name,
  kind: 'option',
  base_currency: 'BTC',
  expiration_timestamp: 0,
  tick_size: tick,
  min_trade_amount: 0.01,
});
const instruments = new Map(
  [instrument('F', 0.5), instrument('C', 5)].map((one) => [one.instrument_name, one]),
);

const request: BlockRfq = {
  block_rfq_id: 3,
  creation_timestamp: 0,
  expiration_timestamp: 1,
  role: 'maker',
  state: 'open',
  amount: 0.5,
  min_trade_amount: 0.005,
  legs: [
    { instrument_name: 'F', direction: 'buy', ratio: 1 },
    { instrument_name: 'C', direction: 'sell', ratio: 2 },
  ],
  bids: [],
  asks: [],
};

const answer: Answer = { id: 3, direction: 'sell', amount: '0.5', prices: ['64,000.5', '2500'] };

describe('a structure', () => {
  it('costs its legs bought less its legs sold', () => {
    expect(structurePrice(request.legs, answer.prices)).toBe(59_000.5);
    expect(structurePrice(request.legs, ['100', '2500'])).toBe(-4_900);
    expect(structurePrice(request.legs, ['100', ''])).toBeNull();
  });

  it('is told by its signs and ratios', () => {
    expect(structureText(request.legs)).toBe('+1\u00a0F −2\u00a0C');
  });
});

describe('an answer', () => {
  it.each([
    [{}, null],
    [{ amount: '0.6' }, 'At most 0.5 is asked for'],
    [{ amount: '0.003' }, 'An amount in steps of 0.005'],
    [{ amount: '' }, 'An amount in steps of 0.005'],
    [{ prices: ['64000.5', ''] }, 'A price of C'],
    [{ prices: ['64000.5', '2501'] }, 'C: a multiple of 5'],
    [{ prices: ['0', '2500'] }, 'A price of F'],
  ])('with %o says %o', (part, problem) => {
    expect(answerProblem({ ...answer, ...part }, request, instruments)).toBe(problem);
  });
});

describe('a leg', () => {
  it.each([
    ['0.02', null],
    ['0.015', 'A multiple of 0.01'],
    ['0', 'A multiple of 0.01'],
    ['x', 'Enter an amount'],
  ])('of %s says %o', (amount, problem) => {
    expect(amountProblem({ name: 'F', direction: 'buy', amount }, instruments.get('F'))).toBe(problem);
  });

  it('of an instrument that is gone says so', () => {
    expect(amountProblem({ name: 'X', direction: 'buy', amount: '1' }, undefined)).toMatch(/not listed/);
  });
});

it('open requests stand before those that ended, the latest first', () => {
  const of = (block_rfq_id: number, state: BlockRfq['state']): BlockRfq => ({
    ...request,
    block_rfq_id,
    state,
  });
  const ordered = inOrder([of(1, 'open'), of(2, 'filled'), of(3, 'open'), of(4, 'expired')]);
  expect(ordered.map((one) => one.block_rfq_id)).toEqual([3, 1, 4, 2]);
});
