// A short series of samples for a sparkline.
//
// Invariant: never longer than SAMPLES_KEPT; a missing sample is a gap, not a zero.

export const SAMPLES_KEPT = 90;
/** A young series is stretched, but not so much that two samples look like a trend. */
const SAMPLES_SHOWN_MIN = 20;

export function extend(series: readonly (number | null)[], sample: number | null): (number | null)[] {
  return [...series.slice(-(SAMPLES_KEPT - 1)), sample];
}

/** An SVG path over a `width` by `height` box, newest sample at the right edge, zero at the bottom. */
export function sparkline(series: readonly (number | null)[], width: number, height: number): string {
  const largest = Math.max(0, ...series.map((sample) => sample ?? 0));
  const step = width / (Math.max(series.length, SAMPLES_SHOWN_MIN) - 1);
  const start = width - (series.length - 1) * step;
  let path = '';
  let pen: 'up' | 'down' = 'up';
  series.forEach((sample, place) => {
    if (sample === null) {
      pen = 'up';
      return;
    }
    const x = (start + place * step).toFixed(1);
    const y = (height - 1 - (largest > 0 ? sample / largest : 0) * (height - 2)).toFixed(1);
    path += `${pen === 'up' ? 'M' : 'L'}${x} ${y}`;
    pen = 'down';
  });
  return path;
}
