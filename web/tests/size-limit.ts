// Fails the build when the page outgrows what a first visit may cost: all of dist, compressed.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 250_000;

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

const folder = join(import.meta.dirname, '..', 'dist');
const total = filesUnder(folder).reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
console.log(`dist is ${(total / 1000).toFixed(1)} kB compressed, of ${LIMIT_BYTES / 1000} kB`);
if (total > LIMIT_BYTES) process.exit(1);
