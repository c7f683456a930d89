/* What may come next in a query, from what is known: fields, then values of a field. */
import { PRIORITIES } from '../types';
import { quote, readQuery } from './query';

export interface Known {
  /** With a word of explanation where there is one. */
  fields: { name: string; help: string }[];
  values: Map<string, string[]>;
}

export interface Suggestion {
  /** Replaces the text between start and end. */
  text: string;
  label: string;
  help: string;
}

export interface Suggestions {
  kind: 'fields' | 'values';
  /** Of values: whose, and what is typed of one. */
  field?: string;
  typed?: string;
  start: number;
  end: number;
  options: Suggestion[];
}

const MOST = 8;

const bySpelling = (typed: string) => (a: string, b: string) =>
  Number(b.startsWith(typed)) - Number(a.startsWith(typed));

function suggestFields(known: Known, typed: string, start: number, end: number, sign: string): Suggestions {
  const wanted = typed.toLowerCase();
  const fits = known.fields.filter((field) => field.name.toLowerCase().includes(wanted));
  const order = bySpelling(wanted);
  const options = fits
    .sort((a, b) => order(a.name, b.name))
    .slice(0, MOST)
    .map(({ name, help }) => ({ text: `${sign}${name}:`, label: `${sign}${name}:`, help }));
  return { kind: 'fields', start, end, options };
}

const valuesOf = (known: Known, field: string): readonly string[] =>
  field === 'priority' ? PRIORITIES : (known.values.get(field) ?? []);

function suggestValues(known: Known, field: string, typed: string, start: number, end: number): Suggestions {
  const wanted = typed.toLowerCase();
  const options = valuesOf(known, field)
    .filter((value) => value.toLowerCase().includes(wanted))
    .slice(0, MOST)
    .map((value) => ({ text: `${quote(value)} `, label: value, help: '' }));
  return { kind: 'values', field, typed, start, end, options };
}

export function suggest(query: string, caret: number, known: Known): Suggestions {
  const term = readQuery(query).find((one) => one.start <= caret && caret <= one.end);
  if (!term) return suggestFields(known, '', caret, caret, '');
  if (term.field !== null) {
    if (caret < term.valueStart) return { kind: 'fields', start: caret, end: caret, options: [] };
    const found = suggestValues(known, term.field, term.parts.join('*'), term.valueStart, term.end);
    const isWhole = found.options.length === 1 && found.options[0]?.label === term.parts.join('*');
    return isWhole ? { ...found, options: [] } : found;
  }
  if (term.isQuoted) return { kind: 'fields', start: caret, end: caret, options: [] };
  return suggestFields(known, term.parts.join('*'), term.start, term.end, term.isNegated ? '-' : '');
}
