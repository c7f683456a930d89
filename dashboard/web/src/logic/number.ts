/* Counts as people read them, and how they moved. */
const grouped = new Intl.NumberFormat('en-GB');

export const exact = (count: number): string => grouped.format(count);

/** Exact up to 10,000; above that shortened, and the caller puts the exact number in a title. */
export function figure(count: number): string {
  if (count <= 10_000) return exact(count);
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    const value = Math.floor((count / size) * 10) / 10;
    if (value >= 1) return `${value >= 100 ? Math.floor(value) : value} ${unit}`;
  }
  return exact(count);
}

export interface Change {
  direction: 'up' | 'down' | 'same' | 'new';
  /** "12 %" or, where few were there before, the plain difference. */
  amount: string;
}

const FEW = 20;

export function change(count: number, before: number): Change {
  const difference = count - before;
  if (difference === 0) return { direction: 'same', amount: '0' };
  if (before === 0) return { direction: 'new', amount: exact(count) };

  const direction = difference > 0 ? 'up' : 'down';
  if (before < FEW) return { direction, amount: exact(Math.abs(difference)) };
  const percent = Math.round((Math.abs(difference) / before) * 100);
  return { direction, amount: percent === 0 ? exact(Math.abs(difference)) : `${exact(percent)} %` };
}

/** The next number of the form 1, 2, 2.5 or 5 times a power of ten: the top of an axis. */
export function niceCeiling(value: number): number {
  if (value <= 4) return Math.max(2, Math.ceil(value / 2) * 2);
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find(
    (size) => size * power >= value && Number.isInteger((size * power) / 2),
  );
  return (step ?? 10) * power;
}

export function bytes(count: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const)
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  return `${exact(count)} B`;
}
