#!/usr/bin/env node
/*
 * Pictures of each page in light and dark, of the real program over a made-up day.
 * usage: node dashboard/web/tests/shots.mjs --program build/dashboard/tercel-dashboard --out FOLDER [--events N]
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { eventually, openBrowser } from './browser.mjs';
import { storedText } from './fake/api.mjs';
import { makeDay } from './fake/events.mjs';

const { values: options } = parseArgs({ options: { program: { type: 'string' }, out: { type: 'string' }, events: { type: 'string', default: '4000' } } });
if (!options.program || !options.out) {
  console.error('usage: shots.mjs --program FILE --out FOLDER [--events N]');
  process.exit(2);
}

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const port = await freePort();
const url = `http://127.0.0.1:${port}/`;
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'tercel-shots-'));
const program = spawn(options.program, ['--no-login', '--listen', `127.0.0.1:${port}`, '--state', state], { stdio: ['ignore', 'ignore', 'inherit'] });

async function fill() {
  const isUp = () => fetch(`${url}api/v1/healthz`).then((answer) => answer.ok, () => false);
  await eventually(isUp, 'the dashboard');
  // Without the hostile one: it is for the tests.
  const items = makeDay(Number(options.events), Date.now()).filter((event) => !event.rule.startsWith('<b>')).map((event) => `{"event":${storedText(event)},"outputs":["WebUI","Slack"]}`);
  for (let at = 0; at < items.length; at += 500) {
    const answer = await fetch(url, { method: 'POST', body: `[${items.slice(at, at + 500).join(',')}]` });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  }
}

const PAGES = [
  ['overview', '#/overview', '.attack'],
  ['events', '#/events', '.fr'],
  ['event', '#/events?q=kworkerd', '.lr.r', (page) => page.locator('button.rule').first().click().then(() => page.locator('.drawer .around').waitFor())],
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
        await page.screenshot({ path: path.join(options.out, `${name}-${colorScheme}${kind}.png`), fullPage: name === 'overview' && !kind });
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
  fs.rmSync(state, { recursive: true, force: true });
}
