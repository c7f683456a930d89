/* A browser on the pages with a fake API behind them, and TAP. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFakeApi } from './fake/api.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

function skip(reason) {
  console.log(`1..0 # SKIP ${reason}; make setup installs it`);
  process.exit(0);
}

if (!fs.existsSync(CHROMIUM)) skip(`there is no ${CHROMIUM}`);
const { chromium } = await import('playwright-core').catch(() => skip('npm packages are not installed'));

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars',
];
const PATIENCE_MS = 15_000;

/** The pages as they are shipped, built into a folder of their own. */
export function buildPages() {
  const dist = fs.mkdtempSync(path.join(os.tmpdir(), 'tercel-pages-'));
  execFileSync('npx', ['vite', 'build', '--outDir', dist, '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return dist;
}

export const openBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

export function claim(isTrue, words) {
  if (!isTrue) throw new Error(words);
}

export function equal(got, want, what = '') {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`${what ? `${what}: ` : ''}got ${a}, want ${b}`);
}

/** Waits until act() gives something true; says what it last gave. */
export async function eventually(act, words, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    last = await act();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`never: ${words} (last: ${JSON.stringify(last)})`);
}

export const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Whether a dashboard answers there. */
export const isServing = (url) => fetch(`${url}api/v1/healthz`).then((answer) => answer.ok, () => false);

/** A page of its own with an API of its own; what goes wrong unasked is a failure. */
export async function visit(browser, dist, { events, login = false, hash = '#/overview', api: apiOptions = {}, ...view }) {
  const api = await startFakeApi({ dist, events, login, ...apiOptions });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...view });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(error.stack ?? error.message));
  page.on('dialog', (dialog) => (troubles.push(`a dialog opened: ${dialog.message()}`), dialog.dismiss()));
  page.on('console', (message) => /Security Policy|Refused to/.test(message.text()) && troubles.push(message.text()));
  page.on('request', (request) => request.url().startsWith(api.url) || troubles.push(`asked another host: ${request.url()}`));
  await page.goto(api.url + hash);
  return {
    api,
    page,
    context,
    rows: page.locator('.lr.r'),
    hash: () => page.evaluate(() => location.hash),
    params: async () => Object.fromEntries(new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1] ?? '')),
    async close() {
      await context.close();
      await api.close();
      if (troubles.length > 0) throw new Error(troubles.join('\n'));
    },
  };
}

export function createTap() {
  const tests = [];
  return {
    test: (name, act) => tests.push({ name, act }),
    async run(filter) {
      const chosen = tests.filter(({ name }) => !filter || name.includes(filter));
      let failed = 0;
      console.log(`1..${chosen.length}`);
      for (const [i, { name, act }] of chosen.entries()) {
        try {
          await act();
          console.log(`ok ${i + 1} - ${name}`);
        } catch (error) {
          failed++;
          console.log(`not ok ${i + 1} - ${name}`);
          for (const line of String(error.stack ?? error).split('\n').slice(0, 20)) console.log(`# ${line}`);
        }
      }
      return failed;
    },
  };
}
