// TEST TOOL. Starts the mock gateway by hand: `npm run mock`, then `npm run dev` beside it.
import { startMock } from './mock/gateway';

const gateway = await startMock({ port: Number(process.env['PORT'] ?? 8099) });
console.log(`mock gateway at ${gateway.url}: a made-up market, for development and tests only`);
