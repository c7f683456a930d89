/*
 * The query language as the pages need it: where its terms stand in the text, and how to add or
 * take one away. The server is the judge of what a query means; this file never filters events.
 */

export interface Term {
  /** Offsets in the text, the sign and quotes included. */
  start: number;
  end: number;
  valueStart: number;
  isNegated: boolean;
  /** Null for a word or a phrase. */
  field: string | null;
  operator: string;
  /** Without quotes and backslashes, in the parts between wildcards: one part, no wildcard. */
  parts: string[];
  isQuoted: boolean;
}

/** A name and an operator; what goes on with two slashes is an address, and so a word. */
const FIELD = /^([A-Za-z][\w.[\]-]*)(>=|<=|[:=<>](?!\/\/))/;

interface Reading {
  parts: string[];
  end: number;
}

/** Within quotes \" \\ and \* stand for themselves. */
function readQuoted(text: string, at: number): Reading {
  const parts = [''];
  let i = at + 1;
  for (; i < text.length && text[i] !== '"'; i++) {
    const isEscape = text[i] === '\\' && /["\\*]/.test(text[i + 1] ?? '');
    if (!isEscape && text[i] === '*') parts.push('');
    else parts.push(`${parts.pop()}${text[isEscape ? ++i : i]}`);
  }
  return { parts, end: Math.min(i + 1, text.length) };
}

function readBare(text: string, at: number): Reading {
  let end = at;
  while (end < text.length && !/\s/.test(text[end] as string)) end++;
  return { parts: text.slice(at, end).split('*'), end };
}

function readTerm(text: string, start: number): Term {
  const isNegated = text[start] === '-' && start + 1 < text.length && !/\s/.test(text[start + 1] as string);
  const at = isNegated ? start + 1 : start;
  const match = text[at] === '"' ? null : FIELD.exec(text.slice(at));
  const valueStart = at + (match ? match[0].length : 0);
  const isQuoted = text[valueStart] === '"';
  const { parts, end } = isQuoted ? readQuoted(text, valueStart) : readBare(text, valueStart);
  const field = match?.[1] ?? null;
  return { start, end, valueStart, isNegated, field, operator: match?.[2] ?? '', parts, isQuoted };
}

export function readQuery(text: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at] as string)) at++;
    if (at >= text.length) return terms;
    const term = readTerm(text, at);
    terms.push(term);
    at = Math.max(term.end, at + 1);
  }
}

const quoted = (value: string): string => `"${value.replace(/[\\"*]/g, '\\$&')}"`;

/** As a value that means exactly this text. */
export function quote(value: string): string {
  return value === '' || /[\s"*]/.test(value) ? quoted(value) : value;
}

export function termText(field: string, value: string, isNegated = false): string {
  return `${isNegated ? '-' : ''}${field}:${quote(value)}`;
}

/** A word or phrase; one that could be read as a field or a negation is quoted. */
export function phraseText(value: string): string {
  return /^-/.test(value) || FIELD.test(value) ? quoted(value) : quote(value);
}

const isSame = (term: Term, field: string, value: string) =>
  term.field === field && term.operator === ':' && term.parts.length === 1 && term.parts[0] === value;

export function removeTerm(query: string, term: Term): string {
  return `${query.slice(0, term.start).trimEnd()} ${query.slice(term.end).trimStart()}`.trim();
}

/** Adds a filter unless it is there; the opposite of it is taken away first. */
export function addTerm(query: string, field: string, value: string, isNegated = false): string {
  const found = readQuery(query).find((term) => isSame(term, field, value));
  if (found && found.isNegated === isNegated) return query;
  const rest = found ? removeTerm(query, found) : query.trim();
  return `${rest} ${termText(field, value, isNegated)}`.trim();
}

/** What to mark on the page: words anywhere, and values only where their field is shown. */
export interface Needles {
  text: string[];
  fields: Map<string, string[]>;
}

export const NO_NEEDLES: Needles = { text: [], fields: new Map() };

export function readNeedles(query: string): Needles {
  const needles: Needles = { text: [], fields: new Map() };
  for (const term of readQuery(query)) {
    const parts = term.parts.filter(Boolean);
    if (term.isNegated || parts.length === 0) continue;
    if (term.field === null) needles.text.push(...parts);
    else if (term.operator === ':' || term.operator === '=')
      needles.fields.set(term.field, [...(needles.fields.get(term.field) ?? []), ...parts]);
  }
  return needles;
}
