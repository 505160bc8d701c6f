// An exotic that is held: its terms under its name, and its exercise. The test answers for what no market of the mock
// lists; everything else is the gateway's.
import type { Page, WebSocketRoute } from '@playwright/test';
import { expect, test } from './venue';
import { openTab, signIn } from './steps';

const NAME = 'BTC_USDC-27NOV26-64000-C-AMERICAN';

interface Request {
  id: number;
  method: string;
  params: { instrument_name?: string; amount?: number };
}

/** A holder of half an American call, until it is exercised. */
class Holder {
  size = 0.5;
  exercised: number | undefined;
  #positions = new Set<number>();

  answer(request: Request): unknown {
    if (request.method === 'private/get_positions') this.#positions.add(request.id);
    if (request.method === 'public/clockless/get_exotic') return exotic();
    if (request.method !== 'private/clockless/exercise') return undefined;
    this.exercised = request.params.amount;
    this.size = 0;
    return { balance: 100_000, size: 0 };
  }

  /** What the gateway says of positions, and this one beside them. */
  told(text: string): string {
    const message = JSON.parse(text) as { id?: number; result?: unknown[] };
    if (message.id === undefined || !this.#positions.delete(message.id) || this.size === 0) return text;
    return JSON.stringify({ ...message, result: [...(message.result ?? []), position(this.size)] });
  }
}

function position(size: number): object {
  const figures = { average_price: 14_000, mark_price: 14_250, index_price: 64_000, initial_margin: 0 };
  const rest = { direction: 'buy', floating_profit_loss: 125, maintenance_margin: 0, delta: 0.45 };
  return { instrument_name: NAME, kind: 'exotic', size, realized_profit_loss: 0, ...figures, ...rest };
}

function exotic(): object {
  const steps = { tick_size: 1, min_trade_amount: 0.01, expiration_timestamp: 1_795_766_400_000 };
  const terms = { option_type: 'call', strike: 64_000, exotic: { style: 'american' } };
  const instrument = { instrument_name: NAME, kind: 'exotic', base_currency: 'BTC', ...steps, ...terms };
  return { instrument, touched_price: null, fixings_made: 0, fixings_average: null };
}

async function hold(page: Page): Promise<Holder> {
  const holder = new Holder();
  await page.routeWebSocket(/ws\/api\/v2/, (route: WebSocketRoute) => {
    const server = route.connectToServer();
    route.onMessage((text) => {
      const request = JSON.parse(String(text)) as Request;
      const result = holder.answer(request);
      if (result === undefined) server.send(text);
      else route.send(JSON.stringify({ jsonrpc: '2.0', id: request.id, result }));
    });
    server.onMessage((text) => route.send(holder.told(String(text))));
  });
  return holder;
}

test('an exotic stands among the positions with its terms and is exercised with two presses', async ({
  page,
  venue,
}) => {
  const holder = await hold(page);
  await page.goto(venue.url);
  await expect(page.getByTestId('chain')).toBeVisible();
  await signIn(page);
  await openTab(page, 'Positions');
  const row = page.getByTestId('positions').getByRole('row').filter({ hasText: NAME });
  await expect(row).toContainText('American call at 64,000');
  await expect(row.getByRole('button', { name: 'Close' })).toHaveCount(0);
  await expect(page.getByTestId('total-BTC')).toContainText('+0.45');
  await row.getByRole('button', { name: 'Exercise' }).click();
  await row.getByRole('button', { name: 'Now?' }).click();
  await expect(row).toHaveCount(0);
  expect(holder.exercised).toBe(0.5);
});
