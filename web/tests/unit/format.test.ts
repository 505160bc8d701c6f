// Numbers and times read the same everywhere, and what is missing is never a zero.
import { describe, expect, it } from 'vitest';
import * as format from '../../src/market/format';

describe('decimals of a step', () => {
  it.each([
    [5, 0],
    [1, 0],
    [0.5, 1],
    [0.05, 2],
    [0.0005, 4],
    [0.00001, 5],
    [2.5, 1],
    [1e-12, 8],
    [0, 0],
    [Number.NaN, 0],
  ])('%d needs %d', (step, decimals) => expect(format.decimalsOf(step)).toBe(decimals));
});

describe('fixed numbers', () => {
  it.each([
    [1234567.891, 2, '1,234,567.89'],
    [999, 0, '999'],
    [1000, 0, '1,000'],
    [-64822.5, 1, '−64,822.5'],
    [-0.004, 2, '0.00'],
    [0, 2, '0.00'],
    [123456.7, 4, '123,456.7000'],
  ])('%d with %d decimals is %s', (value, decimals, text) => {
    expect(format.fixed(value, decimals)).toBe(text);
  });

  it.each([null, undefined, Number.NaN, Number.POSITIVE_INFINITY])('%s is a dash', (value) => {
    expect(format.fixed(value, 2)).toBe(format.NONE);
    expect(format.compact(value)).toBe(format.NONE);
    expect(format.percent(value)).toBe(format.NONE);
    expect(format.significant(value, 3)).toBe(format.NONE);
    expect(format.milliseconds(value)).toBe(format.NONE);
    expect(format.quantity(value)).toBe(format.NONE);
  });

  it('only gains carry a plus', () => {
    expect(format.signed(1.2, 1)).toBe('+1.2');
    expect(format.signed(-1.2, 1)).toBe('−1.2');
    expect(format.signed(0.001, 1)).toBe('0.0');
  });
});

describe('compact numbers', () => {
  it.each([
    [0.5, '0.50'],
    [7, '7'],
    [42.25, '42.3'],
    [987.4, '987'],
    [9994, '9,994'],
    [9995, '10.0k'],
    [12_340, '12.3k'],
    [99_960, '100k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [1_204_331, '1.20M'],
    [2_500_000_000, '2.50B'],
    [-12_340, '−12.3k'],
  ])('%d is %s', (value, text) => expect(format.compact(value)).toBe(text));

  it('quantities keep one decimal until they need a suffix', () => {
    expect(format.quantity(43)).toBe('43.0');
    expect(format.quantity(9_999.9)).toBe('9,999.9');
    expect(format.quantity(10_000)).toBe('10.0k');
  });
});

it.each([
  [0.0000213, 3, '0.0000213'],
  [33.4271, 4, '33.43'],
  [-128.21, 4, '−128.2'],
  [0, 3, '0'],
])('%d with %d significant digits is %s', (value, digits, text) => {
  expect(format.significant(value, digits)).toBe(text);
});

it.each([
  [3.14, '3.1 ms'],
  [28.4, '28 ms'],
  [12_340, '12.3 s'],
])('%d milliseconds are %s', (value, text) => expect(format.milliseconds(value)).toBe(text));

it('dates and times are UTC', () => {
  const timestamp = Date.UTC(2026, 10, 27, 8, 4, 9);
  expect(format.expiryDate(timestamp)).toBe('27 NOV 26');
  expect(format.timeOfDay(timestamp)).toBe('08:04:09');
});

it.each([
  [-1, 'expired'],
  [0, 'expired'],
  [20_000, '1m'],
  [12 * 60_000, '12m'],
  [(5 * 60 + 12) * 60_000, '5h 12m'],
  [53 * 3_600_000, '2d 5h'],
  [48 * 86_400_000, '48d'],
])('%d ms from now is %s', (left, text) => expect(format.timeLeft(left)).toBe(text));
