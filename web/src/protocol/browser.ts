// The browser's own socket, clock and chance, behind the link's seam.
import type { Socket, Surroundings } from './link';

export const browserSurroundings: Surroundings = {
  open: (url) => new WebSocket(url) as Socket,
  now: () => performance.now(),
  random: () => Math.random(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The gateway that served this page: same host, same security. */
export function gatewayUrl(location: Location): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/ws/api/v2`;
}
