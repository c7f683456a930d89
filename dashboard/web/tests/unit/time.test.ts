import { describe, expect, test } from 'vitest';
import { clock, day, eventClock, eventMoment, HOUR, momentParam, readMoment, spanOf, stepRange, ticks, typed, widenRange, DAY, MINUTE } from '../../src/logic/time';

const NOW = Date.parse('2026-11-24T12:05:00Z');
const iso = (at: number) => new Date(at).toISOString();

describe('reading a moment', () => {
  test.each([
    ['now', '2026-11-24T12:05:00.000Z'],
    ['now-90s', '2026-11-24T12:03:30.000Z'],
    ['now-2w', '2026-11-10T12:05:00.000Z'],
    ['2026-11-24T10:00:00Z', '2026-11-24T10:00:00.000Z'],
    ['2026-11-24T10:00:00.5+01:00', '2026-11-24T09:00:00.500Z'],
    ['10:00', '2026-11-24T10:00:00.000Z'],
    ['9:07:30', '2026-11-24T09:07:30.000Z'],
    ['yesterday', '2026-11-23T00:00:00.000Z'],
    ['Today', '2026-11-24T00:00:00.000Z'],
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01 23:59', '2026-11-01T23:59:00.000Z'],
    ['1795521219179', '2026-11-24T11:53:39.179Z'],
  ])('%s', (text, want) => expect(iso(readMoment(text, NOW, 'utc'))).toBe(want));

  test.each(['', 'soon', '25:00', '10:61', '2026-02-30', '2026-13-01', 'now-', 'now-5y', 'now+1h'])('"%s" is none', (text) =>
    expect(readMoment(text, NOW, 'utc')).toBeNaN());

  test('relative ones stay relative in the address', () => {
    expect(momentParam('now-3d', NOW, 'utc')).toBe('now-3d');
    expect(momentParam('10:00', NOW, 'utc')).toBe('2026-11-24T10:00:00Z');
    expect(momentParam('nonsense', NOW, 'utc')).toBeNull();
  });
});

describe('showing a moment', () => {
  const time = '2026-11-24T12:04:37.425091733Z';
  test('the digits of an event are cut, never rounded', () => {
    expect(eventClock(time, 'utc', 0)).toBe('12:04:37');
    expect(eventClock('2026-11-24T12:04:37.999999999Z', 'utc', 3)).toBe('12:04:37.999');
    expect(eventMoment(time, 'utc')).toBe('2026-11-24 12:04:37.425091733 UTC');
  });
  test('in the zone of the browser', () => {
    const offset = new Date(NOW).getTimezoneOffset() * MINUTE;
    expect(clock(NOW + offset, 'local')).toBe('12:05:00');
    expect(day(NOW + offset, 'local')).toBe('Nov 24');
    expect(readMoment(typed(NOW, 'local'), NOW, 'local')).toBe(NOW);
  });
  test('a length in its largest whole unit, a day as 24 hours', () => {
    expect(spanOf(DAY)).toEqual({ value: 24, unit: 'hour' });
    expect(spanOf(7 * DAY)).toEqual({ value: 7, unit: 'day' });
    expect(spanOf(15 * MINUTE)).toEqual({ value: 15, unit: 'minute' });
    expect(spanOf(20_000)).toEqual({ value: 20, unit: 'second' });
  });
});

describe('axis and ranges', () => {
  test('ticks stand at round times, midnight says the day', () => {
    const found = ticks(NOW - DAY, NOW, 10, 'utc');
    expect(found.length).toBeGreaterThan(4);
    expect(found.length).toBeLessThanOrEqual(10);
    expect(found.map((tick) => tick.label)).toContain('Nov 24');
    expect(found.every((tick) => tick.at % HOUR === 0)).toBe(true);
  });
  test('a step is as long as the range and never ends after now', () => {
    expect(stepRange({ from: 'now-1h', to: 'now' }, -1, NOW)).toEqual({ from: '2026-11-24T10:05:00Z', to: '2026-11-24T11:05:00Z' });
    expect(stepRange({ from: '2026-11-24T11:00:00Z', to: '2026-11-24T12:00:00Z' }, 1, NOW).to).toBe('2026-11-24T12:05:00Z');
  });
  test('zooming out keeps a relative range relative', () => {
    expect(widenRange({ from: 'now-24h', to: 'now' }, NOW)).toEqual({ from: 'now-48h', to: 'now' });
    expect(widenRange({ from: '2026-11-24T10:00:00Z', to: '2026-11-24T11:00:00Z' }, NOW)).toEqual({ from: '2026-11-24T09:30:00Z', to: '2026-11-24T11:30:00Z' });
  });
});
