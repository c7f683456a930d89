/*
 * Moments, ranges and how they read. A moment in the address is `now`, `now-24h` or RFC 3339;
 * the zone is UTC or the browser's, and is always named where a time stands.
 */
export type Zone = 'utc' | 'local';

const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (value: number) => String(value).padStart(2, '0');

/** The parts of a moment in a zone. */
export function partsOf(at: number, zone: Zone) {
  const date = new Date(zone === 'utc' ? at : at - new Date(at).getTimezoneOffset() * MINUTE);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

function momentOf(zone: Zone, year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
  return zone === 'utc'
    ? Date.UTC(year, month, day, hour, minute, second)
    : new Date(year, month, day, hour, minute, second).getTime();
}

/** "UTC", or the offset of the browser's zone at that moment, as "+01:00". */
export function zoneName(zone: Zone, at = Date.now()): string {
  if (zone === 'utc') return 'UTC';
  const minutes = -new Date(at).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const RELATIVE = /^now(?:-(\d{1,6})([smhdw]))?$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/i;
const CLOCK = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d{1,2}):(\d\d)(?::(\d\d))?)?$/;
const WORDS: Record<string, number> = { today: 0, yesterday: -1 };

function readClock(match: RegExpExecArray, now: number, zone: Zone): number {
  const { year, month, day } = partsOf(now, zone);
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return hour < 24 && minute < 60 && second < 60 ? momentOf(zone, year, month, day, hour, minute, second) : NaN;
}

function readDate(match: RegExpExecArray, zone: Zone): number {
  const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3])];
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  const at = momentOf(zone, year, month, day, hour, minute, second);
  const parts = partsOf(at, zone);
  return parts.month === month && parts.day === day && minute < 60 && second < 60 ? at : NaN;
}

/** Milliseconds since 1970, or NaN for what is no moment. Takes what people type, too. */
export function readMoment(text: string, now: number, zone: Zone): number {
  const word = text.trim();
  const relative = RELATIVE.exec(word);
  if (relative) return now - (relative[1] ? Number(relative[1]) * (UNITS[relative[2] as string] as number) : 0);
  if (RFC3339.test(word)) return Date.parse(word);
  if (/^\d{12,14}$/.test(word)) return Number(word);

  const days = WORDS[word.toLowerCase()];
  if (days !== undefined) {
    const { year, month, day } = partsOf(now, zone);
    return momentOf(zone, year, month, day + days);
  }
  const clock = CLOCK.exec(word);
  if (clock) return readClock(clock, now, zone);
  const date = DATE.exec(word);
  return date ? readDate(date, zone) : NaN;
}

/** What goes into the address: relative moments stay relative. Null for what is no moment. */
export function momentParam(text: string, now: number, zone: Zone): string | null {
  const word = text.trim();
  if (RELATIVE.test(word)) return word;
  const at = readMoment(word, now, zone);
  return Number.isNaN(at) ? null : rfc3339(at);
}

export const rfc3339 = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

export const isRelative = (text: string): boolean => RELATIVE.test(text);

export function clock(at: number, zone: Zone, withSeconds = true): string {
  const { hour, minute, second } = partsOf(at, zone);
  return `${two(hour)}:${two(minute)}${withSeconds ? `:${two(second)}` : ''}`;
}

export function day(at: number, zone: Zone): string {
  const { month, day: date } = partsOf(at, zone);
  return `${MONTHS[month]} ${date}`;
}

/** As the absolute fields of the time range show it. */
export function typed(at: number, zone: Zone): string {
  const { year, month, day: date, hour, minute, second } = partsOf(at, zone);
  return `${year}-${two(month + 1)}-${two(date)} ${two(hour)}:${two(minute)}${second ? `:${two(second)}` : ''}`;
}

/** The clock of an event, with as many of its nine digits as wanted; they are taken, not rounded. */
export function eventClock(time: string, zone: Zone, digits: 0 | 3 | 9): string {
  const fraction = (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0').slice(0, digits);
  return clock(Date.parse(time), zone) + (digits ? `.${fraction}` : '');
}

/** Everything there is to say about when: "2026-11-24 12:04:37.425091733 UTC". */
export function eventMoment(time: string, zone: Zone): string {
  const at = Date.parse(time);
  const { year, month, day: date } = partsOf(at, zone);
  return `${year}-${two(month + 1)}-${two(date)} ${eventClock(time, zone, 9)} ${zoneName(zone, at)}`;
}

export interface Span {
  value: number;
  unit: 'second' | 'minute' | 'hour' | 'day';
}

/** The largest unit that says the length without a remainder; a single day is 24 hours. */
export function spanOf(ms: number): Span {
  for (const [unit, size] of [
    ['day', DAY],
    ['hour', HOUR],
    ['minute', MINUTE],
  ] as const)
    if (ms >= size && ms % size === 0 && !(unit === 'day' && ms < 2 * DAY)) return { value: ms / size, unit };
  return { value: Math.round(ms / 100) / 10, unit: 'second' };
}

/** Roughly how long ago, in one unit. */
export function ageOf(ms: number): Span {
  for (const [unit, size] of [
    ['day', DAY],
    ['hour', HOUR],
    ['minute', MINUTE],
  ] as const)
    if (ms >= size) return { value: Math.floor(ms / size), unit };
  return { value: Math.max(0, Math.floor(ms / SECOND)), unit: 'second' };
}

const TICKS = [
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  90 * DAY,
];

export interface Tick {
  at: number;
  label: string;
}

/** Round moments of the zone between two others, at most `most` of them. */
export function ticks(from: number, to: number, most: number, zone: Zone): Tick[] {
  const step = TICKS.find((size) => (to - from) / size <= most) ?? 365 * DAY;
  const offset = zone === 'utc' ? 0 : -new Date(from).getTimezoneOffset() * MINUTE;
  const found: Tick[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    const { hour, minute, second } = partsOf(at, zone);
    const isMidnight = hour === 0 && minute === 0 && second === 0;
    found.push({ at, label: step >= DAY || isMidnight ? day(at, zone) : clock(at, zone, step < MINUTE) });
  }
  return found;
}

export interface Range {
  from: string;
  to: string;
}

/** The same length of time, one length later or earlier; never past now. */
export function stepRange(range: Range, direction: 1 | -1, now: number): Range {
  const from = readMoment(range.from, now, 'utc');
  const to = readMoment(range.to, now, 'utc');
  const length = to - from;
  const end = Math.min(to + direction * length, now);
  return { from: rfc3339(end - length), to: rfc3339(end) };
}

/** Twice the length around the same middle; never past now. */
export function widenRange(range: Range, now: number): Range {
  const from = readMoment(range.from, now, 'utc');
  const to = readMoment(range.to, now, 'utc');
  const relative = RELATIVE.exec(range.from);
  if (range.to === 'now' && relative?.[1]) return { from: `now-${Number(relative[1]) * 2}${relative[2]}`, to: 'now' };
  const half = (to - from) / 2;
  return { from: rfc3339(Math.round(from - half)), to: rfc3339(Math.min(now, Math.round(to + half))) };
}
