#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a running dashboard as a person would: signs in, searches on the events page, sees the
 * alerts with what was found marked, sees the donut of the overview count them, and looks at every
 * other page. Prints TAP.
 *
 * usage: page.mjs --url URL --user NAME --password WORD --find TEXT [--find TEXT …] [--screenshot FILE]
 * A --find of several words is searched as a phrase. --screenshot FILE writes the overview there
 * and the events beside it, as FILE with -events before its ending.
 */
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const require = createRequire(path.join(root, 'dashboard/web/package.json'));
const { chromium } = require('playwright-core');
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    user: { type: 'string', default: 'admin' },
    password: { type: 'string', default: '' },
    find: { type: 'string', multiple: true, default: [] },
    screenshot: { type: 'string' },
  },
});
if (!options.url || options.find.length === 0) {
  console.error('usage: page.mjs --url URL --user NAME --password WORD --find TEXT [--find TEXT …] [--screenshot FILE]');
  process.exit(2);
}

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars',
];
const PATIENCE_MS = 20_000;

let count = 0;
let failed = 0;

async function check(name, act) {
  count++;
  try {
    await act();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error.message).split('\n').slice(0, 12)) console.log(`# ${line}`);
  }
}

function claim(isTrue, words) {
  if (!isTrue) throw new Error(words);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ignoreHTTPSErrors: true });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE_MS);

const troubles = [];
const hosts = new Set();
page.on('pageerror', (error) => troubles.push(`error on the page: ${error.message}`));
page.on('console', (message) => /Content Security Policy|Refused to/.test(message.text()) && troubles.push(message.text()));
page.on('request', (request) => hosts.add(new URL(request.url()).host));

const host = new URL(options.url).host;
const open = (hash) => page.goto(new URL(hash, options.url).href);
const quoted = (text) => (/\s/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text);
const flat = (text) => text.replace(/\s+/g, ' ').trim().toLowerCase();

async function axe() {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ')}`);
  });
  claim(found.length === 0, found.join('\n'));
}

await check('signs in', async () => {
  await open('#/events');
  await page.locator('input[name=user], main h1:text-is("Events")').first().waitFor({ state: 'attached' });
  if ((await page.locator('input[name=user]').count()) === 0) return;
  await page.fill('input[name=user]', options.user);
  await page.fill('input[name=password]', options.password);
  await page.click('button[type=submit]');
  await page.locator('main h1:text-is("Events")').waitFor({ state: 'attached' });
});

for (const text of options.find)
  await check(`finds "${text}" and marks it in each row`, async () => {
    await page.fill('input[role=combobox]', quoted(text));
    await page.press('input[role=combobox]', 'Enter');
    // The rows of the last search stand until the answer is there; then each has the mark.
    await page.waitForFunction((wanted) => {
      const found = [...document.querySelectorAll('.lr.r')];
      const isMarked = (row) => [...row.querySelectorAll('mark')].some((mark) => mark.textContent.toLowerCase() === wanted);
      return found.length > 0 && found.every(isMarked);
    }, text.toLowerCase()).catch(() => undefined);
    const rows = await page.locator('.lr.r').evaluateAll((found) =>
      found.map((row) => ({ text: row.textContent, marks: [...row.querySelectorAll('mark')].map((mark) => mark.textContent) })));
    claim(rows.length > 0, 'there is no row');
    for (const row of rows) claim(row.marks.some((mark) => flat(mark) === flat(text)), `a row without the mark: ${row.text.slice(0, 200)}`);
    console.log(`# ${rows.length} rows, the first: ${flat(rows[0].text).slice(0, 160)}`);
  });

await check('unfolds an event into its output and its fields', async () => {
  await page.locator('.lr.r button.rule').first().click();
  const detail = page.locator('.lr-detail');
  await detail.waitFor();
  claim((await detail.locator('.output').innerText()).length > 0, 'the output is empty');
  claim((await detail.locator('.ftab tbody tr').count()) > 0, 'there are no fields');
  if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/(\.\w+)?$/, '-events$1') });
});

await check('shows the text of its rule, or why there is none', async () => {
  const rule = page.locator('.lr-detail section[aria-labelledby="d-rule"]');
  await rule.locator('pre, .muted').first().waitFor();
  const text = await rule.innerText();
  claim(/- rule: /.test(text) || /was not read: .*(Permission denied|No such file)/.test(text), text);
  await axe();
});

await check('shows a donut on the overview that counts more than nothing', async () => {
  await open('#/overview');
  const total = page.locator('.donut .dn');
  await total.waitFor();
  await page.waitForFunction(() => /^[1-9]/.test(document.querySelector('.donut .dn')?.textContent ?? ''));
  claim((await page.locator('.donut .arc').count()) > 0, 'the donut has no part');
  const counted = await page.locator('.ptab tbody tr').evaluateAll((rows) => rows.map((row) => row.innerText.replace(/\s+/g, ' ')));
  claim(counted.length === 8, `the legend has ${counted.length} priorities`);
  console.log(`# ${await total.textContent()} events: ${counted.filter((row) => !/ 0 /.test(row)).join('; ')}`);
  if (options.screenshot) await page.screenshot({ path: options.screenshot });
  await axe();
});

/** A page by its place in the rail, when it shows what it has; and what axe says of it. */
for (const [name, ready, words] of [
  ['Delivery', '.works tbody tr', /Delivers|Tries again|Refused/],
  ['Sensors', '.works tbody tr, .state', /Watching|Silent|No sensor/],
  ['Responses', '.resp, .state', /Held back|Nothing was done yet|knows no responder/],
  ['Settings', '.card .code', /Operator|Viewer/],
])
  await check(`shows ${name}`, async () => {
    await page.locator('.rail').getByRole('link', { name, exact: true }).click();
    await page.locator(`main h1:text-is("${name}")`).waitFor({ state: 'attached' });
    await page.locator(`main :is(${ready})`).first().waitFor();
    const text = await page.locator('main').innerText();
    claim(words.test(text), text.slice(0, 400));
    await axe();
  });

await check('asks nothing of another host and breaks no rule of the policy', () => {
  claim(troubles.length === 0, troubles.join('\n'));
  claim([...hosts].every((name) => name === host), `asked: ${[...hosts].join(', ')}`);
});

await browser.close();
console.log(`1..${count}`);
process.exit(failed > 0 ? 1 : 0);
