#!/usr/bin/env node
/*
 * Pictures of each page in light and dark, of the real program over a made-up day.
 * usage: node dashboard/web/tests/shots.mjs --program build/dashboard/tercel-dashboard --out FOLDER [--events N]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { eventually, freePort, isServing, openBrowser } from './browser.mjs';
import { FORWARDERS, RESPONSES, storedText } from './fake/api.mjs';
import { makeDay } from './fake/events.mjs';

const { values: options } = parseArgs({ options: { program: { type: 'string' }, out: { type: 'string' }, events: { type: 'string', default: '4000' } } });
if (!options.program || !options.out) {
  console.error('usage: shots.mjs --program FILE --out FOLDER [--events N]');
  process.exit(2);
}

/* A forwarder and a responder that say what the tests' do, without what is hostile. */
const isFriendly = (thing) => !/[<\u202e]/.test(JSON.stringify(thing));
const [forwarder] = FORWARDERS;
const SAID = {
  '/api/outputs': forwarder.outputs.map((output) => (isFriendly(output) ? output : { ...output, last_error: 'HTTP status 403: invalid_token' })),
  '/api/nodes': ['worker-1', 'worker-2', 'worker-3'].map((hostname, i) => ({ ...forwarder.nodes[0], hostname, silent_ms: 900 + 400 * i })),
  '/api/responses': { leads: true, dry_run: false, responses: RESPONSES.filter(isFriendly) },
};
const neighbour = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(SAID[request.url.split('?')[0]] ?? {}));
}).listen(0, '127.0.0.1');
await once(neighbour, 'listening');
const beside = `http://127.0.0.1:${neighbour.address().port}`;

const port = await freePort();
const url = `http://127.0.0.1:${port}/`;
const RULES = path.resolve(import.meta.dirname, '../../../rules/tercel_rules.yaml');
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'tercel-shots-'));
const program = spawn(options.program, ['--no-login', '--no-login-role', 'operator', '--forwarder', beside, '--responder', beside, '--rules', RULES, '--ttl', '30d', '--max-size', '8GiB', '--listen', `127.0.0.1:${port}`, '--state', state], { stdio: ['ignore', 'ignore', 'inherit'] });

async function fill() {
  await eventually(() => isServing(url), 'the dashboard');
  // Without the hostile one: it is for the tests.
  const items = makeDay(Number(options.events), Date.now()).filter((event) => !event.rule.startsWith('<b>')).map((event) => `{"event":${storedText(event)},"outputs":["WebUI","Slack"]}`);
  for (let at = 0; at < items.length; at += 500) {
    const answer = await fetch(url, { method: 'POST', body: `[${items.slice(at, at + 500).join(',')}]` });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  }
}

/* As the reader sees them, in the order of the rail. */
const PAGES = [
  ['overview', '#/overview', '.attack'],
  ['events', '#/events', '.fr'],
  ['event', '#/events?q=kworkerd', '.lr.r', (page) => page.locator('button.rule').first().click().then(() => page.locator('.drawer .around').waitFor())],
  ['delivery', '#/delivery', '.works'],
  ['sensors', '#/sensors', '.works'],
  ['responses', '#/responses', '.resp'],
  ['settings', '#/settings', '.card .code'],
];
const VIEWS = [['', 1440, 900], ['-phone', 390, 844]];

async function shoot(browser) {
  for (const colorScheme of ['light', 'dark'])
    for (const [kind, width, height] of VIEWS) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      for (const [name, hash, ready, act] of PAGES) {
        await page.goto(url + hash);
        await page.locator(ready).first().waitFor({ state: 'attached' });
        await act?.(page);
        await page.evaluate(() => document.fonts.ready);
        await page.mouse.move(0, 0);
        // The whole overview, with a rail as long.
        if (name === 'overview' && !kind) await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
        await page.screenshot({ path: path.join(options.out, `${name}-${colorScheme}${kind}.png`) });
        await page.setViewportSize({ width, height });
        console.log(`${name}-${colorScheme}${kind}.png`);
      }
      await context.close();
    }
}

fs.mkdirSync(options.out, { recursive: true });
const browser = await openBrowser();
try {
  await fill();
  await shoot(browser);
} finally {
  await browser.close();
  program.kill();
  neighbour.close();
  fs.rmSync(state, { recursive: true, force: true });
}
