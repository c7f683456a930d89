/* For developing: builds on each change and serves the pages with a fake API and a trickle of events. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { startFakeApi } from './fake/api.mjs';
import { kindOf, makeDay, makeEvent, WORKLOAD } from './fake/events.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const now = Date.now();
const api = await startFakeApi({ dist: path.join(root, 'dist'), events: makeDay(2400, now), port: Number(process.env.PORT ?? 2812) });
await build({ root, build: { watch: {} } });
console.log(`${api.url} as admin, secret`);
setInterval(() => api.add(makeEvent(kindOf('Read sensitive file untrusted'), WORKLOAD, Date.now(), 0, String(Math.random()))), 5000);
