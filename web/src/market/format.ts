// Numbers and times as text.
//
// Invariant: the same step gives the same number of decimals, so columns align; a value that does
// not exist is a dash, never a zero. Times are UTC, as expiries are.
// Left out on purpose: locales. A trading screen reads the same everywhere.

export const NONE = '–';
const MINUS = '−';
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DECIMALS_MAX = 8;

type Maybe = number | null | undefined;

/** How many decimals multiples of `step` need: 0.0005 needs 4, 5 needs none. */
export function decimalsOf(step: number): number {
  if (!(step > 0)) return 0;
  for (let decimals = 0; decimals < DECIMALS_MAX; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-9 * scaled) return decimals;
  }
  return DECIMALS_MAX;
}

/** A fixed number of decimals, thousands grouped. */
export function fixed(value: Maybe, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = Math.abs(value).toFixed(decimals);
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole;
  const fraction = point < 0 ? '' : text.slice(point);
  const negative = value < 0 && /[1-9]/.test(text);
  return (negative ? MINUS : '') + grouped + fraction;
}

/** Like `fixed`, with a plus in front of gains. */
export function signed(value: Maybe, decimals: number): string {
  const text = fixed(value, decimals);
  return value !== null && value !== undefined && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function percent(value: Maybe, decimals = 1): string {
  const text = fixed(value, decimals);
  return text === NONE ? text : `${text}%`;
}

/** At most four characters and a suffix: 987, 12.3k, 4.56M. */
export function compact(value: Maybe): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 999_500_000) return `${shortest(value / 1e9)}B`;
  if (size >= 999_500) return `${shortest(value / 1e6)}M`;
  if (size >= 9_995) return `${shortest(value / 1e3)}k`;
  if (size >= 100 || Number.isInteger(value)) return fixed(value, 0);
  return fixed(value, size >= 10 ? 1 : 2);
}

/** One decimal, so that a column aligns, until that takes too much room. */
export function quantity(value: Maybe): string {
  return typeof value === 'number' && Math.abs(value) < 9_999.95 ? fixed(value, 1) : compact(value);
}

function shortest(value: number): string {
  const size = Math.abs(value);
  return fixed(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** Significant digits without an exponent, for gammas: 0.0000213. */
export function significant(value: Maybe, digits: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(Math.max(digits - 1 - magnitude, 0), DECIMALS_MAX);
  return fixed(value, decimals);
}

export function milliseconds(value: Maybe): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  if (value >= 10_000) return `${fixed(value / 1000, 1)} s`;
  return `${fixed(value, value < 10 ? 1 : 0)} ms`;
}

/** 27 NOV 26 */
export function expiryDate(timestamp: number): string {
  const date = new Date(timestamp);
  const year = String(date.getUTCFullYear() % 100).padStart(2, '0');
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${year}`;
}

/** 13:04:59 */
export function timeOfDay(timestamp: number): string {
  return new Date(timestamp).toISOString().slice(11, 19);
}

/** 48d, 2d 5h, 5h 12m, 12m, or "expired". */
export function timeLeft(untilMs: number): string {
  if (untilMs <= 0) return 'expired';
  const minutes = Math.floor(untilMs / 60_000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 10) return `${days}d`;
  if (days >= 1) return `${days}d ${hours % 24}h`;
  if (hours >= 1) return `${hours}h ${minutes % 60}m`;
  return `${Math.max(minutes, 1)}m`;
}
