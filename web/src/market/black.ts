// What an option is worth when its forward moves lognormally: Black's formula, undiscounted, as the
// exchange marks it.
//
// Invariant: the page uses this for what has not happened (a ticket, a scenario); every price that
// is shown as a market's comes from the gateway. Volatility is in percent a year, vega per point of it,
// theta per day.
export type Right = 'call' | 'put';

export interface OptionTerms {
  right: Right;
  strike: number;
}

export interface Conditions {
  forward: number;
  /** Percent a year. */
  volatility: number;
  /** Years left; at or below zero the option pays. */
  years: number;
}

export interface Sensitivities {
  delta: number;
  gamma: number;
  vega: number;
  theta: number;
}

export const YEAR_MS = 365 * 86_400_000;

export function intrinsic(terms: OptionTerms, price: number): number {
  return Math.max(terms.right === 'call' ? price - terms.strike : terms.strike - price, 0);
}

export function priceOf(terms: OptionTerms, at: Conditions): number {
  const deviation = deviationOf(at);
  if (!(deviation > 0)) return intrinsic(terms, at.forward);
  const d1 = Math.log(at.forward / terms.strike) / deviation + deviation / 2;
  const d2 = d1 - deviation;
  return terms.right === 'call'
    ? at.forward * normal(d1) - terms.strike * normal(d2)
    : terms.strike * normal(-d2) - at.forward * normal(-d1);
}

export function sensitivitiesOf(terms: OptionTerms, at: Conditions): Sensitivities {
  const deviation = deviationOf(at);
  const sign = terms.right === 'call' ? 1 : -1;
  if (!(deviation > 0)) {
    const inside = sign * (at.forward - terms.strike) > 0;
    return { delta: inside ? sign : 0, gamma: 0, vega: 0, theta: 0 };
  }
  const d1 = Math.log(at.forward / terms.strike) / deviation + deviation / 2;
  const density = Math.exp((-d1 * d1) / 2) / Math.sqrt(2 * Math.PI);
  const root = Math.sqrt(at.years);
  return {
    delta: sign * normal(sign * d1),
    gamma: density / (at.forward * deviation),
    vega: (at.forward * density * root) / 100,
    theta: -(at.forward * density * at.volatility) / 100 / (2 * root) / 365,
  };
}

/** The volatility in percent at which the option costs `price`; null where none does. */
export function impliedVolatility(
  terms: OptionTerms,
  at: Omit<Conditions, 'volatility'>,
  price: number,
): number | null {
  const most = terms.right === 'call' ? at.forward : terms.strike;
  if (!(at.years > 0) || !(price > intrinsic(terms, at.forward)) || !(price < most)) return null;
  let low = 1e-4;
  let high = 5_000;
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (priceOf(terms, { ...at, volatility: middle }) < price) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function deviationOf(at: Conditions): number {
  return at.years > 0 && at.forward > 0 ? (at.volatility / 100) * Math.sqrt(at.years) : 0;
}

/**
 * The normal distribution's mass below x, good to 1e-12: the series of the error function near the
 * middle, its continued fraction in the tails.
 */
export function normal(x: number): number {
  const size = Math.abs(x);
  if (size > 38) return x > 0 ? 1 : 0;
  const density = Math.exp((-size * size) / 2) / Math.sqrt(2 * Math.PI);
  const above = size < 3 ? 0.5 - density * series(size) : density * fraction(size);
  return x > 0 ? 1 - above : above;
}

function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * sum; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return sum;
}

function fraction(x: number): number {
  let value = x;
  for (let n = 60; n > 0; n -= 1) value = x + n / value;
  return 1 / value;
}
