/*
 * The design tokens: contrast by WCAG, and how far colours stay apart for colour-blind people
 * (simulated after Machado 2009, distance in OKLab times 100). Change a colour only with this green.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const css = readFileSync(path.resolve(import.meta.dirname, '../../src/styles/tokens.css'), 'utf8');

function tokensOf(theme: string): Record<string, string> {
  const start = css.indexOf(`[data-theme="${theme}"]`);
  const block = css.slice(start, css.indexOf('}', start));
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/gi)].map((match) => [match[1], match[2]]));
}

type Rgb = [number, number, number];

const themes: Record<string, Record<string, string>> = { light: tokensOf('light'), dark: tokensOf('dark') };
const channels = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Rgb;
const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const linearOf = (hex: string) => channels(hex).map(linear) as Rgb;

function luminance(hex: string): number {
  const [r, g, b] = linearOf(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const SIGHT: Record<string, Rgb[]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function oklab(hex: string, sight: Rgb[]): Rgb {
  const seen = linearOf(hex);
  const [r, g, b] = sight.map((row) => Math.max(0, row[0] * seen[0] + row[1] * seen[1] + row[2] * seen[2])) as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function distance(one: string, other: string, sight: Rgb[]): number {
  const [a, b] = [oklab(one, sight), oklab(other, sight)];
  return 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

const PRIORITIES = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];
const GROUNDS = ['bg', 'surface', 'sunken', 'hover'];

/** [ink, ground, least contrast] */
function pairs(): [string, string, number][] {
  const found: [string, string, number][] = [];
  for (const ground of GROUNDS) {
    found.push(['text', ground, 7]);
    for (const ink of ['text-2', 'text-3', 'accent-text']) found.push([ink, ground, 4.5]);
  }
  found.push(['on-accent', 'accent', 4.5], ['on-accent', 'accent-hover', 4.5], ['accent-text', 'accent-soft', 4.5], ['text', 'accent-soft', 7]);
  found.push(['text-2', 'accent-soft', 4.5], ['text', 'mark-hit', 4.5], ['control', 'surface', 3], ['focus', 'surface', 3], ['focus', 'bg', 3]);
  for (const state of ['ok', 'warn', 'bad']) for (const ground of ['surface', 'bg', `${state}-soft`]) found.push([`${state}-text`, ground, 4.5]);
  for (const name of PRIORITIES) {
    found.push([`p-${name}`, 'surface', 3]);
    for (const ground of ['surface', 'hover', 'bg']) found.push([`p-${name}-text`, ground, 4.5]);
  }
  for (const name of PRIORITIES.slice(0, 5)) found.push(['p-glyph', `p-${name}`, 3]);
  for (let i = 1; i <= 7; i++) found.push([`c${i}`, 'surface', 3]);
  found.push(['rail-text', 'rail', 4.5], ['rail-text-on', 'rail-on', 4.5], ['rail-bad', 'rail', 3]);
  for (let i = 0; i <= 5; i++) found.push([`heat-${i}-text`, `heat-${i}`, 4.5]);
  return found;
}

describe.each(['light', 'dark'])('%s', (theme) => {
  const tokens = themes[theme]!;
  test.each(pairs())('%s on %s has at least %d : 1', (ink, ground, least) => {
    expect(contrast(tokens[ink]!, tokens[ground]!)).toBeGreaterThanOrEqual(least);
  });

  describe.each(Object.entries(SIGHT))('with %s', (_, sight) => {
    test('priorities next to each other in a stack stay apart', () => {
      const colours = PRIORITIES.map((name) => tokens[`p-${name}`]!);
      const nearest = Math.min(...colours.slice(1).map((colour, i) => distance(colour, colours[i]!, sight)));
      expect(nearest).toBeGreaterThanOrEqual(5.45);
    });
    test('any two categories stay apart', () => {
      const colours = [1, 2, 3, 4, 5, 6, 7].map((i) => tokens[`c${i}`]!);
      const distances = colours.flatMap((colour, i) => colours.slice(0, i).map((other) => distance(colour, other, sight)));
      expect(Math.min(...distances)).toBeGreaterThanOrEqual(9.1);
    });
  });
});
