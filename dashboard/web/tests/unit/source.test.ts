/* What must never be in the sources, and what the built pages may weigh. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, text: readFileSync(path.join(root, 'src', name), 'utf8') }));

describe('the sources', () => {
  test.each([
    ['text of events as markup', /\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|DOMParser|srcdoc)\b/],
    ['code from text', /\beval\(|new Function\b|setTimeout\(\s*['"`]/],
    ['a style that the policy would block', /\bstyle="/],
    ['another host', /https?:\/\/(?!localhost)/],
    ['any', /:\s*any\b|\bas any\b/],
    ['a default export', /export default/],
  ])('never hold %s', (_, pattern) => {
    expect(sources.filter((source) => pattern.test(source.text)).map((source) => source.name)).toEqual([]);
  });
  test('say their words only in the catalogue', () => {
    const spoken = sources.filter(({ name }) => name.endsWith('.tsx')).flatMap(({ name, text }) =>
      [...text.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+)\s*</g)].map((match) => `${name}: ${match[1]}`));
    expect(spoken).toEqual([]);
  });
  test('the lock file names no place to download from', () => {
    expect(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
  });
});

describe('the built pages', () => {
  const out = mkdtempSync(path.join(tmpdir(), 'tercel-web-'));
  beforeAll(() => void execFileSync('npx', ['vite', 'build', '--outDir', out, '--logLevel', 'warn'], { cwd: root, stdio: 'pipe' }), 60_000);
  afterAll(() => rmSync(out, { recursive: true }));

  const weigh = (suffix: string) =>
    readdirSync(path.join(out, 'assets')).filter((name) => name.endsWith(suffix)).reduce((sum, name) => sum + gzipSync(readFileSync(path.join(out, 'assets', name)), { level: 9 }).length, 0);

  test('take less than 140 KB of script and 15 KB of style, compressed', () => {
    console.log(`# script ${weigh('.js')} bytes, style ${weigh('.css')} bytes, compressed`);
    expect(weigh('.js')).toBeLessThan(140_000);
    expect(weigh('.css')).toBeLessThan(15_000);
  });
  test('hold no inline script or style and ask nothing of another host', () => {
    const html = readFileSync(path.join(out, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<style|style=|<script>|onload=|https?:/);
  });
  test('carry the licences of what they are made from', () => {
    const text = readFileSync(path.join(out, 'licences.txt'), 'utf8');
    for (const part of ['solid-js', 'SIL OPEN FONT LICENSE', 'Lucide']) expect(text.toLowerCase()).toContain(part.toLowerCase());
  });
});
