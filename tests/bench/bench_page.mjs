#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * How long a page of the dashboard takes from the request to its first data on the screen, with a
 * store that bench-store filled, and the memory of the dashboard after it. Cold is a new browser
 * context with an empty cache. The data is what the API counted: the number in the donut, the bars
 * and the first row of the list.
 *
 * usage: bench_page.mjs DASHBOARD-PROGRAM STATE-FOLDER [ROUNDS]
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { eventually, freePort, isServing, openBrowser } from '../../dashboard/web/tests/browser.mjs';

const [program, state, roundsText = '10'] = process.argv.slice(2);
const rounds = Number(roundsText);

const port = await freePort();
const url = `http://127.0.0.1:${port}/`;
const dashboard = spawn(program, ['--listen', `127.0.0.1:${port}`, '--state', state, '--no-login', '-l', 'error'], { stdio: 'inherit' });
// A store of a month takes its time to open.
await eventually(() => dashboard.exitCode !== null || isServing(url), 'the dashboard', 120_000);
if (dashboard.exitCode !== null) throw new Error('the dashboard does not come up');

/* Seen by the page itself, so that the time of this program does not count: the first frame in which all is there. */
const noteData = (selectors) => {
  const look = () => {
    const isThere = selectors.every((selector) => document.querySelector(selector)?.textContent !== undefined);
    if (isThere) requestAnimationFrame(() => (window.dataAt = performance.now()));
    else requestAnimationFrame(look);
  };
  look();
};

const PAGES = [
  ['overview, 24 hours', '#/overview', ['.donut .dn', '.hist', '.bar-list a']],
  ['overview, 30 days', '#/overview?from=now-30d', ['.donut .dn', '.hist', '.bar-list a']],
  ['events, 24 hours', '#/events', ['.lr.r', '.hist']],
  ['events, 30 days', '#/events?from=now-30d', ['.lr.r', '.hist']],
];
const memoryOf = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${dashboard.pid}/status`, 'utf8'))[1]);

const browser = await openBrowser();
const { events } = await (await fetch(`${url}api/v2/status`)).json();
console.log(`page load to the first data painted, ${events} alerts, median and largest of ${rounds}, empty cache:`);
for (const [name, hash, selectors] of PAGES) {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(noteData, selectors);
    await page.goto(url + hash);
    times.push(await (await page.waitForFunction(() => window.dataAt, undefined, { timeout: 60_000 })).jsonValue());
    await context.close();
  }
  times.sort((a, b) => a - b);
  console.log(`  ${name.padEnd(20)} ${times[rounds >> 1].toFixed(0).padStart(5)} ms, ${times.at(-1).toFixed(0).padStart(5)} ms`);
}
console.log(`memory of the dashboard: ${Math.round(memoryOf('VmRSS') / 1024)} MB, at most ${Math.round(memoryOf('VmHWM') / 1024)} MB`);
await browser.close();
dashboard.kill('SIGTERM');
