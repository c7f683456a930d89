#!/usr/bin/env node
/*
 * The pages in a real browser, alone, over a fake API. Prints TAP.
 * usage: node dashboard/web/tests/pages.mjs [--only WORDS] [--dist FOLDER] [--shots FOLDER]
 */
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { buildPages, claim, createTap, equal, eventually, openBrowser, visit } from './browser.mjs';
import { RESPONSES, storedText } from './fake/api.mjs';
import { kindOf, makeDay, makeEvent, WORKLOAD } from './fake/events.mjs';

const { values: options } = parseArgs({ options: { only: { type: 'string' }, dist: { type: 'string' }, shots: { type: 'string' } } });
const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const dist = options.dist ? path.resolve(options.dist) : buildPages();
const browser = await openBrowser();
const day = makeDay(900, Date.now());
const { test, run } = createTap();

const at = (settings, act) => async () => {
  const visitor = await visit(browser, dist, { events: day, ...settings });
  try {
    await act(visitor);
  } finally {
    await visitor.close();
  }
};

let made = 0;
const shadowNow = () => makeEvent(kindOf('Read sensitive file untrusted'), { ...WORKLOAD, id: `fee1dead00${String(made).padStart(2, '0')}`, name: `fresh-${made}` }, Date.now(), made % 1_000_000, String(made++));
const marksOf = (locator) => locator.locator('mark').allTextContents();
const listed = ({ rows }) => rows.first().waitFor();

/* Window by window to the end of the list: each event that was drawn, in its order, and most rows at once. */
async function scrollThrough({ page }) {
  const ids = new Map();
  let most = 0;
  const isEnd = () => page.evaluate(() => document.querySelector('.end button')?.hidden === true && scrollY + innerHeight >= document.documentElement.scrollHeight - 2);
  for (let ended = false; !ended; ) {
    ended = await isEnd();
    const drawn = await page.locator('.lr.r').evaluateAll((all) => all.map((row) => [Number(row.dataset.index), row.dataset.uuid]));
    most = Math.max(most, drawn.length);
    for (const [index, id] of drawn) ids.set(index, id);
    await page.evaluate(() => new Promise((resolve) => (scrollBy(0, innerHeight * 1.5), requestAnimationFrame(() => requestAnimationFrame(resolve)))));
  }
  const order = [...ids.keys()].sort((a, b) => a - b);
  equal(order.at(-1), order.length - 1, 'no row was passed over');
  const list = order.map((index) => ids.get(index));
  equal(new Set(list).size, list.length, 'different events');
  return { ids: list, most };
}

/* --- signing in ----------------------------------------------------------------------------- */

test('the login says one thing for every failure, then how long to wait, then opens the page that was asked for', at({ login: true, hash: '#/events?q=cat' }, async ({ page, hash, api }) => {
  await page.locator('input[name=user]').waitFor();
  claim((await hash()).startsWith('#/login?next='), `at ${await hash()}`);
  const tryIt = async (user, password) => {
    await page.fill('input[name=user]', user);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
  };
  for (const [user, password] of [['admin', 'wrong'], ['nobody', 'secret']]) {
    await tryIt(user, password);
    await page.getByText('User name or password is wrong.').waitFor();
  }
  await tryIt('admin', 'wrong');
  await eventually(() => api.state.loginTries === 3, 'third try');
  await tryIt('admin', 'wrong');
  await page.getByText(/Too many tries. Wait \d s\./).waitFor();
  await page.reload();
  await tryIt('admin', 'secret');
  await page.locator('.lr.r').first().waitFor();
  equal(await hash(), '#/events?q=cat');
}));

test('the login page tells nothing about the installation', at({ login: true }, async ({ page, api }) => {
  await page.locator('input[name=user]').waitFor();
  claim(!/0\.1\.0|worker|events?\b.*\d/.test(await page.locator('main').innerText()), 'it tells');
  equal(api.state.requests.filter((line) => line.includes('/api/')).map((line) => line.split('/').at(-1)), ['session']);
}));

test('a next address of another host is not followed', at({ login: true, hash: `#/login?next=${encodeURIComponent('https://evil.example/')}` }, async ({ page, hash }) => {
  await page.fill('input[name=user]', 'admin');
  await page.fill('input[name=password]', 'secret');
  await page.click('button[type=submit]');
  await page.locator('.donut').waitFor();
  equal(await hash(), '#/overview');
}));

test('an ended session asks again over the page, which keeps its state', at({ login: true }, async ({ page, api, hash }) => {
  await page.fill('input[name=user]', 'admin');
  await page.fill('input[name=password]', 'secret');
  await page.click('button[type=submit]');
  await page.locator('.donut').waitFor();
  await page.goto(`${api.url}#/events?q=cat`);
  await page.locator('.lr.r').first().waitFor();
  api.endSessions();
  await page.evaluate(() => (location.hash = '#/events?q=cat&from=now-12h'));
  await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
  claim((await page.locator('.lr.r').count()) > 0, 'the list is gone');
  await page.fill('dialog input[name=password]', 'secret');
  await page.click('dialog button[type=submit]');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  equal(await hash(), '#/events?q=cat&from=now-12h');
  await eventually(async () => (await page.locator('.list.stale').count()) === 0, 'the waiting request went on');
}));

test('signing out ends the session', at({ login: true }, async ({ page, hash, api }) => {
  await page.fill('input[name=user]', 'admin');
  await page.fill('input[name=password]', 'secret');
  await page.click('button[type=submit]');
  await page.locator('.rail').getByRole('button', { name: 'Sign out' }).click();
  await page.locator('input[name=user]').waitFor();
  claim((await hash()).startsWith('#/login'), await hash());
  claim(api.state.requests.includes('POST /api/v2/logout'), 'no request');
}));

/* --- overview ------------------------------------------------------------------------------- */

test('the overview counts what the API counts', at({}, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  const want = await (await fetch(`${api.url}api/v2/overview`)).json();
  equal(await page.locator('.donut .dn').textContent(), want.total.toLocaleString('en-GB'), 'total');
  const legend = await page.locator('.ptab tbody tr').evaluateAll((rows) => rows.map((row) => [row.cells[0].innerText.trim(), row.cells[1].innerText]));
  equal(legend, want.priorities.map((one) => [one.priority, one.count.toLocaleString('en-GB')]), 'legend');
  equal(await page.locator('.donut .arc').count(), want.priorities.filter((one) => one.count > 0).length, 'parts');
  equal(await page.locator('.card:has(h2:text-is("Rules")) .bar-list a').first().innerText(), want.rules[0].rule, 'first rule');
  claim((await page.title()) === 'Overview · Tercel', 'title');
}));

test('a priority of the donut leads to its events', at({}, async ({ page, params, rows }) => {
  await page.locator('.ptab').getByRole('link', { name: 'Critical' }).click();
  await rows.first().waitFor();
  equal(await params(), { q: 'priority:Critical' });
  const names = await page.locator('.lr.r svg[role=img]').evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute('aria-label')))]);
  equal(names, ['Critical']);
}));

test('rules, containers, nodes, tags, namespaces, pods and images lead to their events', at({}, async ({ page, params, rows }) => {
  for (const [card, q] of [
    ['Rules', /^rule:"/], ['Containers', /^container\.id:/], ['Nodes', /^hostname:worker/], ['Tags', /^tags:/],
    ['Namespaces', /^k8s\.ns\.name:/], ['Pods', /^k8s\.pod\.name:/], ['Images', /^container\.image\.repository:/]]) {
    const part = page.locator(`.card:has(h2:text-is("${card}"))`);
    await part.locator('.bar-list a').first().click();
    await rows.first().waitFor();
    claim(q.test((await params()).q), `${card}: ${(await params()).q}`);
    await page.goBack();
    await page.locator('.donut').waitFor();
  }
}));

test('the histogram stacks by rule, too, and the address says so', at({}, async ({ page, params }) => {
  await page.locator('.hist').waitFor();
  await page.getByRole('button', { name: 'Rule', exact: true }).click();
  await page.locator('.legend').getByText('Write below etc').waitFor();
  equal((await params()).by, 'rule');
}));

test('a drag over the histogram zooms, and Back undoes it in one step', at({}, async ({ page, params, hash }) => {
  await page.locator('.hist').waitFor();
  const before = await hash();
  const box = await page.locator('.hist').boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 80);
  await page.mouse.move(box.x + box.width * 0.75, box.y + 80);
  await page.mouse.up();
  await page.locator('.brush').waitFor();
  await page.getByRole('button', { name: 'Zoom to selection' }).click();
  const { from, to } = await params();
  const hours = (Date.parse(to) - Date.parse(from)) / 3600_000;
  claim(hours > 5 && hours < 7.5, `${from} to ${to}`);
  await page.goBack();
  equal(await hash(), before);
}));

test('the histogram is worked by keyboard: arrows, Shift and arrows, Enter, Escape', at({ hash: '#/events' }, async ({ page, params }) => {
  await page.locator('.hist').focus();
  await page.keyboard.press('Home');
  await page.locator('.tip').waitFor();
  for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowRight');
  await page.locator('.brush').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.brush').waitFor({ state: 'detached' });
  await page.keyboard.press('Home');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Enter');
  const { from, to } = await params();
  equal((Date.parse(to) - Date.parse(from)) / 60_000, 60, 'four columns of 15 minutes');
}));

test('the tooltip and the hidden table have the numbers of the canvas', at({ hash: '#/events' }, async ({ page, api }) => {
  await page.locator('.hist').hover({ position: { x: 700, y: 60 } });
  await page.locator('.tip .all em').waitFor();
  const want = await (await fetch(`${api.url}api/v2/histogram`)).json();
  const total = want.buckets.flatMap((bucket) => bucket.counts).reduce((sum, count) => sum + count, 0);
  const cells = await page.locator('.sr table td').allTextContents();
  equal(cells.reduce((sum, cell) => sum + Number(cell.replace(/,/g, '')), 0), total);
}));

test('a series is hidden by its legend', at({ hash: '#/events' }, async ({ page }) => {
  const top = () => page.locator('.hist').getAttribute('aria-label');
  await page.locator('.legend').getByRole('button', { name: 'Notice' }).waitFor();
  const before = await top();
  await page.locator('.legend').getByRole('button', { name: 'Notice' }).click();
  await eventually(async () => (await top()) !== before, 'fewer events in the chart');
}));

/* --- searching ------------------------------------------------------------------------------ */

test('what is typed is searched, marked in each row, and undone by one Back', at({ hash: '#/events' }, async (visitor) => {
  const { page, rows, params } = visitor;
  await listed(visitor);
  await page.keyboard.press('/');
  await page.keyboard.type('"was spawned in"');
  await eventually(async () => (await marksOf(rows.first())).includes('was spawned in'), 'a mark');
  equal((await params()).q, '"was spawned in"');
  const unmarked = await rows.evaluateAll((all) => all.filter((row) => !row.querySelector('mark')).length);
  equal(unmarked, 0, 'rows without a mark');
  await page.keyboard.press('Enter');
  await page.goBack();
  equal(await params(), {});
}));

test('words are found without regard to case, in any field, and shown where they stand', at({ hash: '#/events?q=RESOLVER' }, async ({ rows }) => {
  await rows.first().waitFor();
  equal(await marksOf(rows.first()), ['resolver']);
  claim((await rows.first().locator('.l3').innerText()).startsWith('proc.pcmdline:'), 'the field is named');
}));

test('a word far inside a long command is shown all the same', at({ hash: '#/events?q=x1', viewport: { width: 820, height: 900 } }, async ({ page, api, rows }) => {
  const kind = { ...kindOf('Terminal shell in container'), fields: { 'proc.name': 'sh', 'proc.cmdline': `sh -c ${'a '.repeat(200)} needle-here` } };
  const event = makeEvent(kind, WORKLOAD, Date.now() - 1000, 7, 'long');
  api.add(event);
  await page.goto(`${api.url}#/events?q=needle-here`);
  await rows.first().locator('mark').first().waitFor();
  const mark = await rows.first().locator('.l3 mark').boundingBox();
  const cell = await rows.first().locator('.rc').boundingBox();
  claim(mark.x >= cell.x && mark.x + mark.width <= cell.x + cell.width, `the mark is at ${mark.x}, the cell ends at ${cell.x + cell.width}`);
}));

test('field:value, wildcards, negation and priority>= reach the server as written', at({ hash: '#/events' }, async ({ page, rows, api }) => {
  for (const [q, check] of [
    ['proc.name:cat', (text) => text.includes('cat')],
    ['proc.cmdline:*kworkerd*', (text) => text.includes('kworkerd')],
    ['-rule:"Contact K8S API Server From Container"', (text) => !text.includes('Contact K8S')],
    ['priority>=critical', (text) => text.includes('Drop and execute')]]) {
    await page.fill('input[role=combobox]', q);
    await page.keyboard.press('Enter');
    await eventually(() => api.state.requests.some((line) => line.startsWith('GET /api/v2/events?') && new URLSearchParams(line.split('?')[1]).get('q') === q), `a request for ${q}`);
    await eventually(async () => (await rows.allTextContents()).every(check) && (await rows.count()) > 0, `rows of ${q}`);
  }
}));

test('a query that cannot be read says the column and keeps the last result', at({ hash: '#/events?q=cat' }, async ({ page, rows }) => {
  await rows.first().waitFor();
  const before = await rows.count();
  await page.fill('input[role=combobox]', 'cat "never closed');
  await page.getByText('Column 5:').waitFor();
  equal(await page.locator('.q-over .wrong').innerText(), '"never closed');
  equal(await rows.count(), before);
  equal(await page.locator('input[role=combobox]').getAttribute('aria-invalid'), 'true');
  await page.fill('input[role=combobox]', 'cat');
  await page.getByText('Column 5:').waitFor({ state: 'detached' });
}));

test('the drawn tokens stand letter on letter over the text', at({ hash: '#/events?q=proc.name%3Acat%20-rule%3A%22Write%20below%20etc%22%20shell' }, async ({ page }) => {
  await page.locator('.q-over .negated').waitFor();
  const drawn = await page.locator('.q-over').evaluate((over) => {
    const range = document.createRange();
    range.selectNodeContents(over);
    const input = document.querySelector('.q-text input');
    const canvas = document.createElement('canvas').getContext('2d');
    const { fontWeight, fontSize, fontFamily } = getComputedStyle(input);
    canvas.font = `${fontWeight} ${fontSize} ${fontFamily}`;
    return { text: over.textContent, value: input.value, over: range.getBoundingClientRect().width, input: canvas.measureText(input.value).width };
  });
  equal(drawn.text, drawn.value);
  claim(Math.abs(drawn.over - drawn.input) < 1.5, `drawn ${drawn.over} wide, typed ${drawn.input}`);
}));

test('suggestions complete fields and values by keyboard', at({ hash: '#/overview' }, async ({ page, params }) => {
  await page.locator('.donut').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('ru');
  await page.getByRole('option', { name: /^rule:/ }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.type('write');
  await page.getByRole('option', { name: /Write below etc/ }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  equal((await params()).q, 'rule:"Write below etc"');
}));

/* --- events --------------------------------------------------------------------------------- */

test('a row opens beside the list as a sentence, its output, all its fields and the stored bytes', at({ hash: '#/events?q=kworkerd' }, async ({ page, rows, api, params }) => {
  await rows.first().locator('button.rule').click();
  const detail = page.locator('.lr-detail');
  await detail.waitFor();
  claim(/^At \d\d:\d\d:\d\d\.\d{3} UTC, kworkerd /.test(await detail.locator('.say').innerText()), await detail.locator('.say').innerText());
  const event = api.store.find((one) => one.rule.startsWith('Drop') && one.uuid === new URLSearchParams((page.url().split('?')[1])).get('sel'));
  equal((await params()).sel, event.uuid, 'the selection is in the address');
  const shown = await detail.locator('.ftab tbody tr').evaluateAll((all) => all.map((row) => row.cells[0].innerText.trim()));
  equal(shown, event.fields.map((field) => field.name));
  const time = event.fields.find((field) => field.name === 'evt.time').value.number;
  claim(time.length === 19, 'nanoseconds');
  equal(await detail.locator('tr', { hasText: 'evt.time' }).locator('td').first().innerText(), time);
  await detail.locator('summary').click();
  await detail.locator('pre.json').waitFor();
  await detail.getByRole('button', { name: 'Line breaks' }).click();
  equal((await detail.locator('pre.json').innerText()).trim(), storedText(event));
  await page.reload();
  await detail.waitFor();
}));

test('a field filters for and filters out', at({ hash: '#/events?q=kworkerd' }, async ({ page, rows, params }) => {
  await rows.first().locator('button.rule').click();
  await page.getByRole('link', { name: 'Filter for proc.name' }).click();
  equal((await params()).q, 'kworkerd proc.name:kworkerd');
  await rows.first().locator('button.rule').click();
  await page.getByRole('link', { name: 'Filter out user.name' }).click();
  equal((await params()).q, 'kworkerd proc.name:kworkerd -user.name:root');
  await page.getByText('No events match: Last 24 hours.').waitFor();
  await page.locator('.state').getByRole('button', { name: 'Clear the search' }).click();
  equal(await params(), {});
}));

test('a value is copied whole', at({ hash: '#/events?q=kworkerd', permissions: ['clipboard-read', 'clipboard-write'] }, async ({ page, rows }) => {
  await rows.first().locator('button.rule').click();
  await page.getByRole('button', { name: 'Copy proc.cmdline' }).click();
  await page.getByText('Copied: proc.cmdline').waitFor();
  equal(await page.evaluate(() => navigator.clipboard.readText()), '/tmp/.cache/kworkerd -c /tmp/.cache/c.json');
}));

test('older events are loaded at the end of the list, each once and in order', at({ hash: '#/events?fold=0' }, async (visitor) => {
  const { page, rows } = visitor;
  await listed(visitor);
  const want = visitor.api.store.filter((event) => event.at > Date.now() - 86_400_000).length;
  const { ids, most } = await scrollThrough(visitor);
  // One or two may have left the last 24 hours meanwhile.
  claim(Math.abs(ids.length - want) < 3, `${ids.length} rows of ${want}`);
  claim(most < 160, `${most} rows at once`);
  const times = ids.map((id) => visitor.api.store.find((event) => event.uuid === id).time_ns);
  equal(times, [...times].sort().reverse());
  await page.getByText('These are all of them.').waitFor();
}));

test('a list of thousands is scrolled through with few rows drawn, and keys go on from anywhere', at({ events: makeDay(5000, Date.now()), hash: '#/events?fold=0' }, async (visitor) => {
  const { page, rows } = visitor;
  await listed(visitor);
  const { ids, most } = await scrollThrough(visitor);
  claim(ids.length > 3000, `${ids.length} rows seen`);
  claim(most < 160, `${most} rows at once`);
  const height = () => page.evaluate(() => document.documentElement.scrollHeight);
  claim((await height()) > ids.length * 40, 'the scrollbar is that of all rows');
  // To the middle: rows are there at once, and j goes on from the row that was left.
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
  const middle = page.locator('.lr.r:not(.hd)').nth(20);
  const place = await eventually(async () => {
    const at = Number(await middle.getAttribute('data-index'));
    return Math.abs(at / ids.length - 0.5) < 0.1 && at;
  }, 'rows of the middle');
  await middle.locator('button.rule').focus();
  for (let i = 0; i < 40; i++) await page.keyboard.press('j');
  const focused = () => page.evaluate(() => Number(document.activeElement.closest('.lr')?.dataset.index));
  equal(await focused(), place + 40);
  const seen = await page.evaluate(() => { const box = document.activeElement.closest('.lr').getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight + 1; });
  claim(seen, 'the focused row is in the window');
  await page.evaluate(() => scrollTo(0, 0));
  await eventually(async () => (await rows.first().getAttribute('data-index')) === '0', 'the top again');
  await page.keyboard.press('k');
  equal(await focused(), place + 39, 'the place is kept');
  await page.keyboard.press('Enter');
  await page.locator('.lr-detail').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.lr-detail').waitFor({ state: 'detached' });
  equal(await focused(), place + 39);
  equal(await axe(page), []);
}));

test('an event has an address of its own, with its ancestry and where it was', at({ hash: '' }, async ({ page, api }) => {
  const event = api.store.find((one) => one.rule.startsWith('Drop'));
  await page.goto(`${api.url}#/event/${event.uuid}?q=kworkerd`);
  await page.locator('h1', { hasText: event.rule }).waitFor();
  equal(await page.locator('.tree .step b').allInnerTexts(), ['containerd-shim', 'node', 'sh', 'kworkerd']);
  claim((await page.locator('.kv').innerText()).includes(event.hostname), 'host');
  claim((await marksOf(page.locator('.output'))).includes('kworkerd'), 'what was searched is marked here as well');
  claim((await page.locator('pre.json').innerText()).includes(event.time_ns), 'all digits of the time');
  await page.keyboard.press('Escape');
  await page.locator('.lr.r').first().waitFor();
  equal(await page.evaluate(() => location.hash), '#/events?q=kworkerd');
}));

test('a search from the page of an event leads to the list', at({ hash: '' }, async ({ page, api, rows, hash }) => {
  await page.goto(`${api.url}#/event/${api.store[0].uuid}`);
  await page.locator('.tree').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('kworkerd');
  await page.keyboard.press('Enter');
  await rows.first().waitFor();
  equal(await hash(), '#/events?q=kworkerd');
}));

test('an address of no event says so', at({ hash: '#/event/00000000-0000-4000-8000-000000000000' }, async ({ page }) => {
  await page.getByText('There is no such event.').waitFor();
}));

/* --- live ----------------------------------------------------------------------------------- */

test('a new event enters the list and the count without being asked for', at({ hash: '#/events' }, async (visitor) => {
  const { page, rows, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  const before = Number((await page.locator('.sum b').innerText()).replace(/,/g, ''));
  const event = shadowNow();
  api.add(event);
  await page.locator(`[data-uuid="${event.uuid}"]`).waitFor();
  equal(await rows.first().getAttribute('data-uuid'), event.uuid, 'newest first');
  equal(Number((await page.locator('.sum b').innerText()).replace(/,/g, '')), before + 1);
}));

test('a new event changes the overview without being asked for', at({}, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  await eventually(() => api.streamCount() === 1, 'a stream');
  const total = async () => Number((await page.locator('.donut .dn').textContent()).replace(/,/g, ''));
  const before = await total();
  api.add(shadowNow());
  await eventually(async () => (await total()) === before + 1, 'one more');
}));

test('the stream is of the present query', at({ hash: '#/events?q=kworkerd' }, async (visitor) => {
  const { page, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  const other = shadowNow();
  const wanted = makeEvent(kindOf('Drop and execute new binary in container'), WORKLOAD, Date.now(), 1, 'live');
  api.add(other);
  api.add(wanted);
  await page.locator(`[data-uuid="${wanted.uuid}"]`).waitFor();
  equal(await page.locator(`[data-uuid="${other.uuid}"]`).count(), 0);
}));

test('while the reader is inside an event, new ones wait and are counted', at({ hash: '#/events' }, async (visitor) => {
  const { page, rows, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  await rows.first().locator('button.rule').click();
  const held = await rows.first().getAttribute('data-uuid');
  api.add(shadowNow());
  api.add(shadowNow());
  await page.getByText('2 new events').waitFor();
  equal(await rows.first().getAttribute('data-uuid'), held, 'the list stands still');
  await page.getByRole('button', { name: 'Show them' }).click();
  await eventually(async () => (await rows.first().getAttribute('data-uuid')) !== held, 'they are there');
  await page.getByText('2 new events').waitFor({ state: 'detached' });
}));

test('live can be switched off, in the address, too', at({ hash: '#/events' }, async (visitor) => {
  const { page, api, params } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  await page.keyboard.press('l');
  await eventually(() => api.streamCount() === 0, 'no stream');
  equal((await params()).live, '0');
  equal(await page.locator('.btn.live').getAttribute('aria-pressed'), 'false');
  await page.keyboard.press('l');
  await eventually(() => api.streamCount() === 1, 'a stream again');
}));

test('a cut stream says so, comes back, and nothing is lost', at({ hash: '#/events' }, async (visitor) => {
  const { page, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  const first = shadowNow();
  api.add(first);
  await page.locator(`[data-uuid="${first.uuid}"]`).waitFor();
  api.cut(true);
  await page.getByText(/Live is cut, trying again in \d+ s\. Nothing is lost\./).waitFor();
  const missed = shadowNow();
  api.add(missed);
  api.cut(false);
  await page.locator(`[data-uuid="${missed.uuid}"]`).waitFor();
  await page.getByText(/Live is cut/).waitFor({ state: 'detached' });
  equal(await page.locator(`[data-uuid="${missed.uuid}"]`).count(), 1, 'once');
}));

test('a flood is taken without holding more than the page can', at({ hash: '#/events' }, async (visitor) => {
  const { rows, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  for (let i = 0; i < 3000; i++) api.add(shadowNow());
  const newest = api.store.at(-1).uuid;
  await eventually(async () => (await rows.first().getAttribute('data-uuid')) === newest, 'the newest on top');
  claim((await rows.count()) <= 2000, `${await rows.count()} rows`);
}));

test('a tab that nobody sees holds no stream, and catches up when it is seen', at({ hash: '#/events' }, async (visitor) => {
  const { page, api } = visitor;
  await listed(visitor);
  await eventually(() => api.streamCount() === 1, 'a stream');
  const see = (state) => page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  await see('hidden');
  await eventually(() => api.streamCount() === 0, 'no stream');
  const missed = shadowNow();
  api.add(missed);
  await see('visible');
  await page.locator(`[data-uuid="${missed.uuid}"]`).waitFor();
}));

test('the overview says that the stream is cut, too', at({}, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  await eventually(() => api.streamCount() === 1, 'a stream');
  api.cut(true);
  await page.getByText(/Live is cut/).waitFor();
  api.cut(false);
  await page.getByText(/Live is cut/).waitFor({ state: 'detached' });
}));

test('values are suggested that no page has shown: the server is asked', at({ hash: '#/events' }, async (visitor) => {
  const { page, api } = visitor;
  const event = { ...shadowNow(), fields: [{ name: 'proc.tty', value: 'tty-of-nowhere' }] };
  api.add({ ...event, time: new Date(Date.now() - 23 * 3600_000).toISOString(), time_ns: String((Date.now() - 23 * 3600_000) * 1e6) });
  await listed(visitor);
  await page.locator('input[role=combobox]').click();
  await page.keyboard.type('proc.tty:nowh');
  await page.getByRole('option', { name: 'tty-of-nowhere' }).waitFor();
  claim(api.state.requests.some((line) => /facets\?.*contains=nowh/.test(line)), 'asked');
}));

/* --- time ----------------------------------------------------------------------------------- */

test('what a page says of its range and of the last event follows them', at({}, async ({ page, api }) => {
  const choose = async (range) => {
    await page.getByRole('button', { name: /^Time range/ }).click();
    await page.getByRole('button', { name: range, exact: true }).click();
  };
  await page.locator('.head .sub').getByText(/^24 hours to/).waitFor();
  await choose('1 hour');
  await page.locator('.head .sub').getByText(/^1 hour to/).waitFor();
  const last = page.locator('.kpi', { hasText: 'Last event' }).locator('.v');
  const before = await last.textContent();
  await eventually(() => api.streamCount() === 1, 'a stream');
  api.add(shadowNow());
  await eventually(async () => (await last.textContent()) !== before, 'a new last event');
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  const heading = page.locator('#h-hist');
  await heading.getByText(/Events per/).waitFor();
  const narrow = await heading.textContent();
  await choose('30 days');
  await eventually(async () => (await heading.textContent()) !== narrow, 'a heading of wider bars');
}));

test('relative and absolute ranges, and what is no time', at({ hash: '#/events' }, async ({ page, params }) => {
  const open = () => page.getByRole('button', { name: /^Time range/ }).click();
  await open();
  await page.getByRole('button', { name: '1 hour' }).click();
  equal(await params(), { from: 'now-1h' });
  await page.locator('.btn.time .long').getByText('Last hour').waitFor();
  await open();
  await page.getByLabel('From', { exact: true }).fill('soon');
  await page.getByRole('button', { name: 'Show this range' }).click();
  await page.getByText('From is no time.').waitFor();
  await page.getByLabel('From', { exact: true }).fill('2026-11-23 10:00');
  await page.getByLabel('To', { exact: true }).fill('2026-11-22 11:30');
  await page.getByRole('button', { name: 'Show this range' }).click();
  await page.getByText('From must be before To.').waitFor();
  await page.getByLabel('To', { exact: true }).fill('2026-11-23 11:30');
  await page.getByRole('button', { name: 'Show this range' }).click();
  equal(await params(), { from: '2026-11-23T10:00:00Z', to: '2026-11-23T11:30:00Z' });
  await page.locator('.btn.time .long').getByText('Nov 23 10:00 to 11:30').waitFor();
  equal(await page.locator('.btn.live').getAttribute('aria-pressed'), 'false', 'a past range is not live');
  await page.goBack();
  await page.goBack();
  equal(await params(), {});
}));

test('the popover closes by Escape and gives the focus back', at({}, async ({ page }) => {
  const button = page.getByRole('button', { name: /^Time range/ });
  await button.click();
  await page.getByLabel('From', { exact: true }).focus();
  await page.keyboard.press('Escape');
  await page.locator('.pop').waitFor({ state: 'detached' });
  claim(await button.evaluate((element) => element === document.activeElement), 'focus');
}));

test('the zone is UTC or the browser\'s, and is named', at({ hash: '#/events', timezoneId: 'Asia/Kolkata' }, async ({ page, rows, params }) => {
  await rows.first().waitFor();
  const utc = await rows.first().locator('.tm').innerText();
  await page.getByRole('button', { name: /^Time range/ }).click();
  await page.getByRole('button', { name: 'Local, +05:30' }).click();
  equal((await params()).tz, 'local');
  const minutes = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
  await eventually(async () => (minutes(await rows.first().locator('.tm').innerText()) - minutes(utc) + 1440) % 1440 === 330, 'five and a half hours later');
  claim((await page.locator('.btn.time').innerText()).includes('+05:30'), 'named');
  claim((await rows.first().locator('.tm').getAttribute('title')).endsWith('+05:30'), 'named in the title');
}));

test('brackets step the range, z widens it', at({ hash: '#/events?from=now-1h' }, async (visitor) => {
  const { page, params } = visitor;
  await page.locator('.hist').waitFor();
  await page.keyboard.press('[');
  const { from, to } = await params();
  equal(Date.parse(to) - Date.parse(from), 3600_000);
  await page.keyboard.press('z');
  const wide = await params();
  equal(Date.parse(wide.to) - Date.parse(wide.from), 7200_000);
}));

/* --- addresses ------------------------------------------------------------------------------ */

test('links of Falcosidekick UI are translated once', at({ hash: '#/events?priority=Warning&rule=Read%20sensitive%20file%20untrusted&since=12h&filter=shadow&refresh=10s&page=2' }, async ({ page, rows, params, hash }) => {
  await rows.first().waitFor();
  equal(await params(), { q: 'priority:Warning rule:"Read sensitive file untrusted" shadow', from: 'now-12h' });
  const length = await page.evaluate(() => history.length);
  await page.goto(`${page.url().split('#')[0]}#/dashboard?source=syscall`);
  await page.locator('.donut').waitFor();
  equal(await hash(), '#/overview?q=source:syscall');
  equal(await page.evaluate(() => history.length), length + 1, 'replaced, not pushed');
}));

test('several values that cannot be said are named', at({ hash: '#/events?rule=A,B' }, async ({ page, params }) => {
  await page.getByText('This link names several values of: rule.').waitFor();
  equal(await params(), {});
}));

test('an unknown address leads to the overview', at({ hash: '#/nowhere' }, async ({ page, hash }) => {
  await page.locator('.donut').waitFor();
  equal(await hash(), '#/overview');
}));

/* --- hostile events -------------------------------------------------------------------------- */

test('hostile values are text, with hidden characters drawn', at({ hash: '#/events?q=Hostile' }, async ({ page, rows }) => {
  await rows.first().locator('button.rule').click();
  const detail = page.locator('.lr-detail');
  await detail.waitFor();
  equal(await page.locator('main img, main script, main b:not(.el, .say b, .sum b, .step b, .around b, .facet b)').count(), 0, 'elements made of text');
  claim((await rows.first().innerText()).includes('<b>Bold</b>'), 'markup is shown');
  claim((await detail.locator('.output').innerText()).includes('<img src=x onerror=alert(1)>'), 'markup in the output');
  const drawn = await page.locator('.esc').allTextContents();
  for (const escape of ['\\u202e', '\\u001b', '\\u200b', '\\n', '\\t']) claim(drawn.includes(escape), `${escape} is drawn`);
  claim(!/[\u202e\u200b\u001b]/.test(await page.locator('main').innerText()), 'nothing hidden is left');
  const isolated = await page.locator('.val').evaluateAll((all) => all.every((one) => getComputedStyle(one).unicodeBidi === 'isolate'));
  claim(isolated, 'isolated');
  equal(await page.locator('main a[href^="http"]').count(), 0, 'links made of text');
}));

test('a value of 64 KB is cut and can be seen whole', at({ hash: '#/events?q=Hostile' }, async ({ page, rows }) => {
  await rows.first().locator('button.rule').click();
  const cell = page.locator('.lr-detail tr', { hasText: 'proc.cmdline' }).locator('td').first();
  claim((await cell.innerText()).length < 4300, 'cut');
  await cell.getByRole('button', { name: 'Show all 65.6 kB' }).click();
  await eventually(async () => (await cell.innerText()).length > 65_000, 'whole');
  claim((await rows.first().innerText()).length < 1500, 'cut in the row');
}));

test('a hostile event is text on the overview and on its own page', at({ hash: '#/overview?by=rule&from=now-5m' }, async ({ page, api }) => {
  await page.locator('.bar-list').getByText('<b>Bold</b>').waitFor();
  await page.locator('.legend').getByText('<b>Bold</b>').waitFor();
  claim(!/[\u202e\u200b\u001b]/.test(await page.locator('main').evaluate((main) => main.textContent)), 'nothing hidden is left on the overview');
  const event = api.store.find((one) => one.rule.startsWith('<b>'));
  await page.goto(`${api.url}#/event/${event.uuid}`);
  await page.locator('h1', { hasText: '<b>Bold</b> "rule" \\u202egnissecorp' }).waitFor();
  equal(await page.locator('main img, main script').count(), 0);
  claim(!/[\u202e\u200b\u001b]/.test(await page.locator('main').innerText()), 'nothing hidden is left');
}));

/* --- finding ---------------------------------------------------------------------------------- */

const facetOf = (page, name) => page.locator('.facet').filter({ has: page.getByRole('button', { name: new RegExp(`^${name}( \\d+)?$`) }) });
const valuesOf = (facet) => facet.locator('.fr').evaluateAll((all) => all.map((row) => [row.querySelector('label').innerText.trim(), row.querySelector('.n').innerText]));

test('facets count what the search finds, ask for values and leave them out', at({ hash: '#/events' }, async (visitor) => {
  const { page, params, api } = visitor;
  await listed(visitor);
  const rule = facetOf(page, 'Rule');
  const want = (await (await fetch(`${api.url}api/v2/facets?fields=rule&limit=6`)).json()).facets[0].values;
  await eventually(async () => (await valuesOf(rule)).length === want.length, 'values');
  equal(await valuesOf(rule), want.map(({ value, count }) => [value, count.toLocaleString('en-GB')]));
  await rule.getByRole('checkbox', { name: 'Only Write below etc' }).click();
  equal((await params()).q, 'rule:"Write below etc"');
  await rule.getByRole('checkbox', { name: 'Only Terminal shell in container' }).click();
  equal((await params()).q, 'rule:("Write below etc" OR "Terminal shell in container")');
  equal((await valuesOf(rule)).length, want.length, 'its own choice does not narrow it');
  const names = await page.locator('.lr.r button.rule').allInnerTexts();
  equal([...new Set(names)].sort(), ['Terminal shell in container', 'Write below etc']);
  const namespace = facetOf(page, 'Namespace');
  await namespace.locator('.fr', { hasText: 'payments' }).hover();
  await namespace.getByRole('button', { name: 'Without payments' }).click();
  equal((await params()).q, 'rule:("Write below etc" OR "Terminal shell in container") -k8s.ns.name:payments');
  await namespace.locator('.fr.out').waitFor();
  await namespace.getByRole('button', { name: 'Without payments' }).click();
  await page.goBack();
  await page.goBack();
  await page.goBack();
  equal((await params()).q, 'rule:"Write below etc"', 'each choice is one step back');
  equal(await rule.getByRole('checkbox', { name: 'Only Write below etc' }).isChecked(), true);
}));

test('any field can be a facet, folded ones are asked for when they open', at({ hash: '#/events' }, async (visitor) => {
  const { page, api } = visitor;
  await listed(visitor);
  claim(!api.state.requests.some((line) => /facets\?.*user\.name/.test(line)), 'not asked for');
  await facetOf(page, 'User').getByRole('button', { name: 'User', exact: true }).click();
  await facetOf(page, 'User').getByRole('checkbox', { name: 'Only root' }).waitFor();
  await page.getByRole('textbox', { name: 'Another field' }).fill('evt.type');
  await page.keyboard.press('Enter');
  await facetOf(page, 'evt.type').getByRole('checkbox', { name: 'Only execve' }).waitFor();
}));

test('counts that were cut say so, and are completed on request', at({ hash: '#/events', api: {} }, async (visitor) => {
  const { page, api } = visitor;
  api.state.isExact = false;
  await page.reload();
  await page.getByText('Counting was stopped early').waitFor();
  claim((await facetOf(page, 'Priority').locator('.n').first().innerText()).startsWith('≥'), 'at least');
  await page.locator('.partial').getByRole('button', { name: 'Count all' }).click();
  await page.locator('.partial').waitFor({ state: 'detached' });
  claim(api.state.requests.some((line) => /facets\?.*exact=1/.test(line)), 'asked to the end');
}));

test('repeats fold into one row, unfold in place, and the address can say not to', at({ hash: '#/events?q=dig' }, async (visitor) => {
  const { page, rows, params } = visitor;
  await listed(visitor);
  const folded = await rows.count();
  const pill = page.locator('.again-n').first();
  const count = Number(/^(\d+) times/.exec(await pill.innerText())[1]);
  await pill.click();
  await eventually(async () => (await rows.count()) === folded + count - 1, 'all of them');
  equal(await page.locator('.lr.r.again').count(), count - 1);
  equal(await page.locator('.drawer').count(), 0, 'the row did not open');
  await page.keyboard.press('f');
  equal((await params()).fold, '0');
  await page.locator('.again-n').waitFor({ state: 'detached' });
  claim((await rows.count()) > folded, 'each for itself');
}));

test('the drawer shows what happened around it and drafts an exception', at({ hash: '#/events?q=kworkerd', permissions: ['clipboard-read', 'clipboard-write'] }, async ({ page, rows, api, hash }) => {
  await rows.first().locator('button.rule').click();
  const drawer = page.locator('.drawer');
  await drawer.locator('.around .self').waitFor();
  const uuid = new URLSearchParams((await hash()).split('?')[1]).get('sel');
  const near = await (await fetch(`${api.url}api/v2/around/${uuid}`)).json();
  equal(await drawer.locator('.around li').count(), near.after.length + near.before.length + 1);
  equal(await drawer.locator('.tree .step b').allInnerTexts(), ['containerd-shim', 'node', 'sh', 'kworkerd']);
  await drawer.getByRole('button', { name: 'Copy the draft' }).click();
  const draft = await page.evaluate(() => navigator.clipboard.readText());
  claim(draft.startsWith('- rule: "Drop and execute new binary in container"\n  exceptions:\n'), draft);
  claim(draft.includes('"kworkerd"') && draft.endsWith('    exceptions: append\n'), draft);
  const first = await page.locator('.lr.open').getAttribute('data-uuid');
  await drawer.getByRole('button', { name: 'Next event' }).click();
  await eventually(async () => (await page.locator('.lr.open').getAttribute('data-uuid')) !== first, 'the next one');
  await drawer.getByRole('button', { name: 'Close' }).click();
  await drawer.waitFor({ state: 'detached' });
}));

test('a view is saved under a name, kept by the browser, and forgotten', at({ hash: '#/events?q=cat' }, async (visitor) => {
  const { page, hash } = visitor;
  await listed(visitor);
  await page.getByRole('button', { name: 'Save view' }).click();
  await page.getByRole('textbox', { name: 'Name of the view' }).fill('Cats <b>only</b>');
  await page.keyboard.press('Enter');
  await page.getByText('Saved: Cats <b>only</b>').waitFor();
  await page.goto(`${visitor.api.url}#/overview`);
  await page.reload();
  await page.locator('.views').getByRole('link', { name: 'Cats <b>only</b>' }).click();
  equal(await hash(), '#/events?q=cat');
  await page.locator('.views li').hover();
  await page.getByRole('button', { name: 'Forget Cats <b>only</b>' }).click();
  equal(await page.locator('.views').count(), 0);
}));

test('all that is found can be exported, in three forms', at({ hash: '#/events?q=cat&from=now-12h' }, async (visitor) => {
  const { page } = visitor;
  await listed(visitor);
  await page.keyboard.press('x');
  const links = await page.locator('.exports a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  equal(links, ['ndjson', 'json', 'csv'].map((form) => `api/v2/export?q=cat&from=now-12h&to=now&format=${form}`));
  await page.keyboard.press('Escape');
  await page.locator('.exports').waitFor({ state: 'detached' });
}));

test('OR and parentheses are read as the server reads them', at({ hash: '#/events' }, async (visitor) => {
  const { page, rows, api } = visitor;
  await listed(visitor);
  await page.fill('input[role=combobox]', 'priority>=error -(kworkerd OR proc.name:(cp OR dig))');
  await page.keyboard.press('Enter');
  const want = api.store.filter((event) => ['Critical', 'Error'].includes(event.priority) && event.at > Date.now() - 86_400_000 && !['kworkerd', 'cp'].includes(event.fields.find((one) => one.name === 'proc.name').value)).length;
  await eventually(async () => (await page.locator('.sum b').innerText()) === String(want), `${want} events`);
  await page.fill('input[role=combobox]', '(a OR');
  await page.locator('.qerr').waitFor();
  claim((await rows.count()) > 0, 'the last result stays');
}));

test('tactics and techniques of ATT&CK lead to their events', at({}, async ({ page, params, rows }) => {
  await page.locator('.attack').getByRole('link', { name: /^Command and scripting interpreter/ }).click();
  await rows.first().waitFor();
  equal((await params()).q, 'tags:T1059');
  await page.goBack();
  await page.locator('.attack').getByRole('link', { name: 'Credential access' }).click();
  await rows.first().waitFor();
  equal((await params()).q, 'tags:mitre_credential_access');
}));

test('on a phone the filters are in a sheet', at({ hash: '#/events', viewport: { width: 390, height: 844 }, hasTouch: true }, async (visitor) => {
  const { page, params } = visitor;
  await listed(visitor);
  await page.getByRole('button', { name: 'Filters' }).click();
  const sheet = page.getByRole('dialog', { name: 'Filters' });
  await sheet.getByRole('checkbox', { name: 'Only Critical' }).click();
  equal((await params()).q, 'priority:Critical');
}));

/* --- keys, theme, states --------------------------------------------------------------------- */

test('keys: j k Enter Esc o ? t g', at({ hash: '#/events' }, async (visitor) => {
  const { page, hash } = visitor;
  await listed(visitor);
  const focused = () => page.evaluate(() => document.activeElement.closest('.lr')?.getAttribute('aria-rowindex'));
  await page.keyboard.press('j');
  equal(await focused(), '2');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  equal(await focused(), '3');
  await page.keyboard.press('Enter');
  await page.locator('.lr-detail').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.lr-detail').waitFor({ state: 'detached' });
  equal(await focused(), '3', 'the focus stays');
  await page.keyboard.press('o');
  await page.locator('.lr-detail').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Help and keys' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.locator('.donut').waitFor();
  claim((await hash()).startsWith('#/overview'), await hash());
}));

test('keys are letters while one types', at({}, async ({ page }) => {
  await page.locator('.donut').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('tl?');
  equal(await page.locator('input[role=combobox]').inputValue(), 'tl?');
  equal(await page.getByRole('dialog').count(), 0);
}));

test('the theme follows the system until one is chosen, and the choice stays', at({ colorScheme: 'dark' }, async ({ page }) => {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await page.locator('.donut').waitFor();
  equal(await theme(), 'dark');
  await page.keyboard.press('t');
  equal(await theme(), 'light');
  await page.reload();
  equal(await theme(), 'light');
  await page.getByRole('button', { name: /^Theme/ }).click();
  equal(await theme(), 'dark');
  await page.getByRole('button', { name: /^Theme/ }).click();
  await page.emulateMedia({ colorScheme: 'light' });
  await eventually(async () => (await theme()) === 'light', 'as the system again');
}));

test('with no event at all the pages show how to make one, and it appears', at({ events: [], hash: '#/overview' }, async ({ page, api }) => {
  await page.getByText('docker run -it --rm debian:12 sh').waitFor();
  await page.locator('.rail').getByRole('link', { name: 'Events' }).click();
  await page.getByText('No events yet.').waitFor();
  await eventually(() => api.streamCount() === 1, 'a stream');
  const event = shadowNow();
  api.add(event);
  await page.locator(`[data-uuid="${event.uuid}"]`).waitFor();
}));

test('counts that are not whole say so', at({}, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  equal(await page.getByText('there are at least this many').count(), 0);
  api.state.isExact = false;
  await page.goto(`${api.url}#/overview?q=cat`);
  await page.getByText('there are at least this many').waitFor();
  await page.goto(`${api.url}#/events?q=cat`);
  await page.getByText(/at least [\d,]+ events/).waitFor();
}));

test('a failing part says so, offers another try, and takes nothing else down', at({ hash: '' , login: false }, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  api.fail('histogram', 503);
  await page.goto(`${api.url}#/events`);
  await page.getByText('Events over time did not load.').waitFor();
  await page.getByText('the store is busy').waitFor();
  await page.locator('.lr.r').first().waitFor();
  api.fail('histogram', 0);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.hist').waitFor();
}));

test('a dashboard that does not answer is told apart from one that fails', at({}, async ({ page, api }) => {
  await page.locator('.donut').waitFor();
  await page.route('**/api/v2/overview*', (route) => route.abort());
  await page.goto(`${api.url}#/overview?q=cat&live=0`);
  const words = page.getByText('The dashboard does not answer.');
  await words.waitFor();
  // The page asks again by itself, too: while there is no answer, each press is a question.
  const again = page.getByRole('button', { name: 'Try again' });
  await Promise.all([page.waitForRequest('**/api/v2/overview*'), again.click()]);
  await words.waitFor();
  await page.unroute('**/api/v2/overview*');
  await eventually(async () => (await words.count()) === 0 || (await again.click({ timeout: 1000 }).then(() => false, () => false)), 'the answer');
}));

/* --- widths and accessibility ---------------------------------------------------------------- */

/* --- delivery and sensors --------------------------------------------------------------------- */

test('delivery shows what waits and why, and a forwarder that does not answer', at({ hash: '#/delivery' }, async ({ page }) => {
  const slack = page.locator('tr', { hasText: 'Slack' });
  await slack.getByText('Tries again').waitFor();
  claim((await slack.innerText()).includes('invalid_token <b>'), 'the receiver says it in its words');
  await page.getByText('http://two:2801 does not answer: Connection refused').waitFor();
  equal(await page.locator('tr', { hasText: 'Dashboard' }).getByText('Delivers').count(), 1);
}));

test('a test alert goes to the output whose button is pressed', at({ hash: '#/delivery' }, async ({ page, api }) => {
  await page.getByRole('button', { name: 'Send a test alert to Slack' }).click();
  await page.getByText('A test alert is on its way to Slack').waitFor();
  equal(api.state.tested, [{ forwarder: 'http://one:2801', output: 'slack.shop' }]);
}));

test('sensors shows silent nodes first, and a node leads to its events', at({ hash: '#/sensors' }, async ({ page, hash }) => {
  await page.locator('.works tbody tr').first().getByText('Silent').waitFor();
  await page.getByRole('link', { name: 'node-a' }).click();
  await page.locator('.lr.r, .state').first().waitFor();
  claim(/#\/events\?q=hostname:node-a/.test(await hash()), await hash());
}));

test('without a forwarder both pages say how to name one', at({ hash: '#/delivery', api: { forwarders: [] } }, async ({ page, api }) => {
  await page.getByText('The dashboard knows no forwarder.').waitFor();
  await page.goto(`${api.url}#/sensors`);
  await page.getByText('No sensor has been heard.').waitFor();
}));

/* --- responses ------------------------------------------------------------------------------- */

test('an operator approves after one more question, undoes, rejects, and sees it done', at({ hash: '#/responses' }, async ({ page, api }) => {
  const waiting = page.locator('.resp[data-id="9"]');
  await waiting.getByText('Waits for approval').waitFor();
  await waiting.getByText(/Expires at \d{4}-/).waitFor();
  await waiting.getByRole('button', { name: 'Approve: Isolate a shell' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve: Isolate a shell' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  equal(api.state.decided, [], 'nothing was decided yet');
  await waiting.getByRole('button', { name: 'Approve: Isolate a shell' }).click();
  await dialog.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByText('Approved. It runs now.').waitFor();
  await waiting.getByText('Done').waitFor();
  await waiting.getByText('Decided by admin').waitFor();
  await waiting.getByRole('button', { name: 'Undo: Isolate a shell' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Undo', exact: true }).click();
  await waiting.getByText('Undone', { exact: true }).waitFor();
  equal(api.state.decided, [{ response: '9', decision: 'approve' }, { response: '9', decision: 'undo' }]);
}));

test('a decision that comes too late is told in the responder\'s words', at({ hash: '#/responses' }, async ({ page, api }) => {
  const waiting = page.locator('.resp[data-id="9"]');
  await waiting.getByRole('button', { name: 'Reject: Isolate a shell' }).click();
  Object.assign(api.state.told[0], { state: 'expired', decisions: [] });
  await page.getByRole('dialog').getByRole('button', { name: 'Reject', exact: true }).click();
  await page.getByText('response 9 is expired').waitFor();
}));

test('each response says what was done, how long it took, and why it was held back', at({ hash: '#/responses' }, async ({ page, hash }) => {
  const done = page.locator('.resp[data-id="8"]');
  await done.getByText('suspicious=true was set').waitFor();
  for (const text of ['kubernetes:label', 'done, took 12 ms', 'HTTP status 403: forbidden', 'Decided by bob', 'took 141 ms', 'Undone by itself at'])
    claim((await done.innerText()).includes(text), `${text}: ${await done.innerText()}`);
  await page.locator('.resp[data-id="7"]').getByText('the namespace kube-system is protected').waitFor();
  await done.getByRole('link', { name: /^Alert:/ }).click();
  await page.getByText('There is no such event.').waitFor();
  claim((await hash()).startsWith('#/event/00000000-0000-4000-8000-000000000001'), await hash());
}));

test('responses are narrowed by state and by pod, in the address, too', at({ hash: '#/responses' }, async ({ page, params }) => {
  const ids = () => page.locator('.resp').evaluateAll((all) => all.map((one) => one.dataset.id));
  await page.locator('.resp').first().waitFor();
  equal(await ids(), ['9', '8', '7', '6', '5', '4']);
  await page.getByRole('button', { name: 'Held back' }).click();
  await eventually(async () => (await ids()).join() === '7', 'only what was held back');
  equal(await params(), { state: 'refused' });
  await page.getByRole('button', { name: 'Failed' }).click();
  await eventually(async () => (await ids()).join() === '6', 'only what failed');
  await page.goBack();
  await eventually(async () => (await ids()).join() === '7', 'Back undoes one choice');
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.locator('.resp[data-id="7"]').getByRole('link', { name: 'kube-system/coredns-1' }).click();
  await eventually(async () => (await ids()).join() === '7', 'only its pod');
  equal(await params(), { ns: 'kube-system', pod: 'coredns-1' });
  await page.getByRole('button', { name: 'Waits for approval' }).click();
  await page.getByText('No response is like that.').waitFor();
  await page.getByRole('link', { name: 'Show all responses' }).click();
  await eventually(async () => (await ids()).length === 6, 'all again');
  await page.locator('.rail').getByRole('link', { name: 'Overview', exact: true }).click();
  await page.locator('.donut').waitFor();
  equal(await params(), {}, 'what belongs to a page stays there');
}));

test('older responses are shown on request', at({ hash: '#/responses', api: { responses: Array.from({ length: 70 }, (_, i) => ({ ...RESPONSES[1], id: 1000 - i })) } }, async ({ page }) => {
  await page.locator('.resp').nth(49).waitFor();
  equal(await page.locator('.resp').count(), 50);
  await page.getByRole('button', { name: 'Show older responses' }).click();
  await page.locator('.resp').nth(69).waitFor();
  equal(await page.getByRole('button', { name: 'Show older responses' }).count(), 0);
  const ids = await page.locator('.resp').evaluateAll((all) => all.map((one) => Number(one.dataset.id)));
  equal(ids, [...ids].sort((a, b) => b - a));
  equal(new Set(ids).size, 70);
}));

test('a viewer sees everything and decides nothing', at({ hash: '#/responses', api: { role: 'viewer' } }, async ({ page, api }) => {
  await page.locator('.resp[data-id="9"]').getByText('An operator decides.').waitFor();
  equal(await page.locator('.resp button').count(), 0);
  await page.goto(`${api.url}#/delivery`);
  await page.locator('.works').first().waitFor();
  equal(await page.getByRole('button', { name: /^Send a test alert/ }).count(), 0);
  await page.getByText('operators only').first().waitFor();
  await page.goto(`${api.url}#/settings`);
  await page.getByText('A viewer looks, searches and exports.').waitFor();
  await page.getByRole('heading', { name: 'What is kept' }).waitFor();
  equal(await page.getByText('Download a backup').count(), 0);
  equal(await page.getByRole('heading', { name: 'Users' }).count(), 0);
}));

test('an event leads to the responses about its pod', at({ hash: '#/events?q=k8s.pod.name:*' }, async ({ page, rows, params }) => {
  await rows.first().locator('button.rule').click();
  await page.getByRole('link', { name: 'Responses about this pod' }).click();
  await page.getByText('No response is like that.').waitFor();
  const { ns, pod } = await params();
  claim(ns && pod, JSON.stringify(await params()));
}));

test('hostile text of a response is text', at({ hash: '#/responses' }, async ({ page }) => {
  const one = page.locator('.resp[data-id="6"]');
  await one.waitFor();
  equal(await page.locator('main img, main script').count(), 0, 'elements made of text');
  claim(!/[\u202e\u001b]/.test(await page.locator('main').innerText()), 'nothing hidden is left');
  claim((await one.innerText()).includes('<img src=x onerror=alert(1)>'), 'markup is shown');
  claim((await one.innerText()).length < 3000, 'a long reason is cut');
}));

const told = (id, status, state, ago, more = {}) => ({
  ...makeEvent(kindOf('Terminal shell in container'), WORKLOAD, Date.now() - ago, 5, `${id}${status}`), source: 'response', rule: 'Response action done', hostname: 'node-a',
  fields: Object.entries({ 'response.id': { number: String(id) }, 'response.rule': 'Isolate a shell', 'response.status': status, 'response.state': state, 'response.action': 'Label it', 'response.actionner': 'kubernetes:label',
    'response.result': `${status} of ${id}`, 'response.took_ms': { number: '12' }, 'k8s.ns.name': 'payments', 'k8s.pod.name': 'web-1', ...more }).map(([name, value]) => ({ name, value })),
});

test('without a responder its alerts are shown, and nothing can be decided', at({ hash: '#/responses', api: { responder: { error: 'Connection refused' } },
  events: [told(1, 'waiting', 'waiting', 9000), told(1, 'success', 'done', 5000), told(2, 'refused', 'refused', 4000)] }, async ({ page }) => {
  await page.getByText('The responder does not answer: Connection refused').waitFor();
  await page.getByText('These are from the alerts that the responder sent').waitFor();
  equal(await page.locator('.resp').evaluateAll((all) => all.map((one) => one.dataset.id)), ['2', '1']);
  await page.locator('.resp[data-id="2"]').getByText('refused of 2').waitFor();
  await page.locator('.resp[data-id="1"]').getByText('success of 1').waitFor();
  equal(await page.locator('.resp button').count(), 0);
}));

test('with no responder the page says how to get one', at({ hash: '#/responses', api: { responder: { is_configured: false } } }, async ({ page }) => {
  await page.getByText('The dashboard knows no responder.').waitFor();
  await page.getByText('--playbook').waitFor();
}));

test('a dry run says so', at({ hash: '#/responses', api: { responder: { dry_run: true } } }, async ({ page }) => {
  await page.getByText('The responder runs dry').waitFor();
}));

/* --- settings -------------------------------------------------------------------------------- */

test('settings say who one is, what is kept and where alerts come in', at({ hash: '#/settings', permissions: ['clipboard-read', 'clipboard-write'] }, async ({ page, api }) => {
  const card = (name) => page.locator('section.card').filter({ has: page.getByRole('heading', { name, exact: true }) });
  await card('What is kept').waitFor();
  const kept = await card('What is kept').innerText();
  for (const text of ['30 days', '8.0 GB', '48.0 MB', '/var/lib/tercel/dashboard']) claim(kept.includes(text), `${text}: ${kept}`);
  claim((await card('You').innerText()).includes('Operator'), await card('You').innerText());
  await page.getByText('3 requests named a user').waitFor();
  await page.getByRole('button', { name: 'Copy the address' }).click();
  await page.getByText('Copied: the address').waitFor();
  equal(await page.evaluate(() => navigator.clipboard.readText()), api.url);
  await page.getByText('Senders need the token.').waitFor();
  const link = page.getByRole('link', { name: 'Download a backup' });
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  equal(download.suggestedFilename(), 'tercel-backup.tar');
  equal(await page.locator('main img, main script').count(), 0, 'hostile names are text');
  claim(!/[\u202e\u001b]/.test(await page.locator('main').innerText()), 'nothing hidden is left');
  await page.getByRole('group', { name: 'Theme' }).getByRole('button', { name: 'Dark' }).click();
  equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
}));

test('sessions are ended one by one, and all others of one\'s own', at({ hash: '#/settings' }, async ({ page, api }) => {
  await page.getByRole('button', { name: /^End the session of <img.* from 10\.0\.0\.3$/ }).click();
  await page.getByText('1 session ended').waitFor();
  await eventually(async () => (await page.getByRole('button', { name: /^End the session/ }).count()) === 1, 'one left');
  await page.getByRole('button', { name: 'End my other sessions' }).click();
  await eventually(async () => (await page.getByRole('button', { name: /^End the session/ }).count()) === 0, 'none left');
  equal(api.state.ended, ['cccccccccccccccc', '']);
  equal(await page.getByText('this one', { exact: true }).count(), 1);
}));

test('who came by a proxy signs out there', at({ hash: '#/login', api: { knownBy: 'proxy' } }, async ({ page, hash }) => {
  await page.locator('.donut').waitFor();
  equal(await hash(), '#/overview');
  await page.locator('.who').getByText('Signed in by the proxy').waitFor();
  equal(await page.getByRole('button', { name: 'Sign out' }).count(), 0);
}));

test('an event shows the text of its rule, and says where there is none', at({ hash: '#/events?q=kworkerd' }, async ({ page, rows, api }) => {
  await rows.first().locator('button.rule').click();
  const section = page.locator('section[aria-labelledby="d-rule"]');
  await section.getByText('tercel_rules.yaml, line 12').waitFor();
  claim((await section.locator('pre').innerText()).includes('spawned_process and proc.name = "cat"'), await section.innerText());
  claim(!/[\u202e\u001b]/.test(await section.innerText()), 'nothing hidden is left');
  await page.goto(`${api.url}#/event/${api.store[0].uuid}`);
  await page.locator('.event section[aria-labelledby="d-rule"] pre').waitFor();
}));

test('without rules files an event says how to give them', at({ hash: '#/events?q=kworkerd', api: { rules: [] } }, async ({ page, rows }) => {
  await rows.first().locator('button.rule').click();
  await page.getByText('The dashboard was not given the rules files').waitFor();
}));

test('keys lead to responses and settings', at({}, async ({ page }) => {
  await page.locator('.donut').waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await page.locator('.resp').first().waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press(',');
  await page.getByRole('heading', { name: 'What is kept' }).waitFor();
}));

const HOSTILE_QUERY = 'q=Hostile';
const places = () => {
  const dropped = day.find((event) => event.rule.startsWith('Drop')).uuid;
  const hostile = day.find((event) => event.rule.startsWith('<b>')).uuid;
  return [
    ['overview', '#/overview', '.donut'],
    ['overview by rule', '#/overview?by=rule', '.legend .sw'],
    ['events', '#/events', '.lr.r'],
    ['events unfolded', `#/events?${HOSTILE_QUERY}&sel=${hostile}`, '.lr-detail'],
    ['event', `#/event/${dropped}?q=kworkerd`, '.tree'],
    ['hostile event', `#/event/${hostile}`, '.tree'],
    ['delivery', '#/delivery', '.works'],
    ['sensors', '#/sensors', '.works'],
    ['responses', '#/responses', '.resp'],
    ['settings', '#/settings', '.works'],
    ['nothing found', '#/events?q=nothing-has-this', '.state'],
  ];
};

test('nothing scrolls sideways from 320 to 1920 wide', at({}, async ({ page, api }) => {
  const wide = [];
  for (const [name, hash, ready] of places()) {
    await page.goto(api.url + hash);
    await page.locator(ready).first().waitFor();
    for (const width of [320, 360, 390, 480, 639, 640, 768, 820, 1023, 1024, 1279, 1280, 1440, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      const over = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(document.documentElement.scrollWidth - innerWidth)))));
      if (over > 0) wide.push(`${name} at ${width}: ${over} px`);
    }
  }
  equal(wide, []);
}));

test('text at twice its size loses nothing', at({}, async ({ page, api }) => {
  const wide = [];
  for (const [name, hash, ready] of places()) {
    await page.goto(api.url + hash);
    await page.locator(ready).first().waitFor();
    await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wide.push(`${name} at ${width}: ${over} px`);
    }
  }
  equal(wide, []);
}));

async function axe(page) {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    // What fades in has other colours until it is there.
    const fading = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(fading.map((one) => one.finished));
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await window.axe.run(document, { runOnly });
    return violations.map((one) => `${one.id} (${one.impact}) x${one.nodes.length}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? node.all[0]?.message ?? node.none[0]?.message ?? ''}`).join(' | ')}`);
  });
}

const shoot = async (page, name) => {
  if (!options.shots) return;
  fs.mkdirSync(options.shots, { recursive: true });
  await page.screenshot({ path: path.join(options.shots, `${name.replace(/ /g, '-')}.png`) });
};

const VIEWS = [['desk', 1440, 900], ['tablet', 820, 1180], ['phone', 390, 844]];

for (const colorScheme of ['light', 'dark'])
  for (const [kind, width, height] of VIEWS)
    test(`axe finds nothing, ${colorScheme}, ${kind}`, at({ colorScheme, viewport: { width, height } }, async ({ page, api }) => {
      const found = [];
      const look = async (name) => {
        for (const violation of await axe(page)) found.push(`${name}: ${violation}`);
        await shoot(page, `${name} ${colorScheme} ${kind}`);
      };
      for (const [name, hash, ready] of places()) {
        await page.goto(api.url + hash);
        await page.locator(ready).first().waitFor();
        await page.evaluate(() => document.fonts.ready);
        await look(name);
      }
      await page.goto(`${api.url}#/overview`);
      await page.locator('.donut').waitFor();
      await page.locator('.btn.time').click();
      await look('time range');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await look('help');
      await page.keyboard.press('Escape');
      await page.goto(`${api.url}#/responses`);
      await page.getByRole('button', { name: 'Approve: Isolate a shell' }).click();
      await page.getByRole('dialog').waitFor();
      await look('approve');
      await page.keyboard.press('Escape');
      await page.goto(`${api.url}#/overview`);
      await page.locator('.donut').waitFor();
      await page.locator('input[role=combobox]').click();
      await page.keyboard.type('pro');
      await page.getByRole('option').first().waitFor();
      await look('suggestions');
      await page.fill('input[role=combobox]', '"open');
      await page.locator('.qerr').waitFor();
      await look('unreadable query');
      if (kind === 'phone') {
        await page.getByRole('button', { name: 'More' }).click();
        await page.getByRole('dialog').waitFor();
        await look('more');
      }
      if (found.length > 0) throw new Error(found.join('\n'));
    }));

for (const colorScheme of ['light', 'dark'])
  test(`axe finds nothing on the login and the empty pages, ${colorScheme}`, at({ colorScheme, login: true, events: [] }, async ({ page, api }) => {
    const found = [];
    for (const [kind, width, height] of VIEWS) {
      await page.setViewportSize({ width, height });
      await page.locator('input[name=user]').waitFor();
      for (const violation of await axe(page)) found.push(`login ${kind}: ${violation}`);
      await shoot(page, `login ${colorScheme} ${kind}`);
    }
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', 'secret');
    await page.click('button[type=submit]');
    for (const hash of ['#/overview', '#/events']) {
      await page.goto(api.url + hash);
      await page.getByText('No events yet.').waitFor();
      for (const violation of await axe(page)) found.push(`first run ${hash}: ${violation} ${await page.locator('main').innerText()}`);
      await shoot(page, `first run ${hash.slice(2)} ${colorScheme}`);
    }
    if (found.length > 0) throw new Error(found.join('\n'));
  }));

test('targets are at least 24 px, on a phone 36 px for what is pressed', at({ viewport: { width: 390, height: 844 }, hasTouch: true }, async ({ page, api }) => {
  const small = [];
  for (const [name, hash, ready] of places().slice(0, 5)) {
    await page.goto(api.url + hash);
    await page.locator(ready).first().waitFor();
    small.push(...(await page.evaluate((where) => {
      const boxOf = (element) => {
        const after = getComputedStyle(element, '::after');
        const box = element.getBoundingClientRect();
        return after.position === 'absolute' && after.content !== 'none' ? element.closest('.lr, .kpi').getBoundingClientRect() : box;
      };
      return [...document.querySelectorAll('main a, main button, .top button, .tabs-phone > *')]
        .filter((element) => element.checkVisibility() && !element.closest('.sr'))
        .map((element) => ({ text: element.innerText.slice(0, 20), box: boxOf(element), isControl: element.matches('button, .btn') }))
        .filter(({ box, isControl }) => box.height > 0 && box.height < (isControl ? 24 : 20))
        .map(({ text, box }) => `${where}: "${text}" ${Math.round(box.width)}x${Math.round(box.height)}`);
    }, name)));
  }
  equal(small, []);
}));

const failed = await run(options.only);
await browser.close();
if (!options.dist) fs.rmSync(dist, { recursive: true });
process.exit(failed > 0 ? 1 : 0);
