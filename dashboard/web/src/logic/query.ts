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
  /** At the top of the query, where every event must fit it (if no OR stands there). */
  isTop: boolean;
  /** Of `field:(a OR b)` the whole of it, for each of its values. */
  group: Range | null;
}

interface Range {
  start: number;
  end: number;
}

/** What stands around a term: a field that its parenthesis belongs to, and signs before it. */
interface Context {
  field: string | null;
  operator: string;
  isNegated: boolean;
  group: Range | null;
}

const KEYWORD = /^(AND|OR|NOT)(?=[\s()]|$)/;

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

/** Parentheses within a word are its own; one that closes a group ends it. */
function readBare(text: string, at: number, isGrouped: boolean): Reading {
  let depth = 0;
  let end = at;
  for (; end < text.length && !/\s/.test(text[end] as string); end++) {
    if (text[end] === ')' && depth === 0 && isGrouped) break;
    if (text[end] === '(') depth++;
    else if (text[end] === ')' && depth > 0) depth--;
  }
  return { parts: text.slice(at, end).split('*'), end };
}

const NOTHING: Context = { field: null, operator: '', isNegated: false, group: null };

class QueryReader {
  readonly terms: Term[] = [];
  /** An OR outside of all parentheses: what is added then needs them. */
  hasOr = false;
  private at = 0;
  private readonly around: Context[] = [];

  constructor(private readonly text: string) {
    while (this.at < text.length) this.step();
  }

  private step(): void {
    const rest = this.text.slice(this.at);
    const skipped = /^\s+/.exec(rest) ?? KEYWORD.exec(rest);
    if (skipped) {
      if (skipped[0] === 'OR' && this.around.length === 0) this.hasOr = true;
      this.at += skipped[0].length;
    } else if (rest[0] === ')' && this.around.length > 0) {
      const closed = this.around.pop();
      this.at++;
      if (closed?.group) closed.group.end = this.at;
    } else {
      this.readTerm();
    }
  }

  private readTerm(): void {
    const { text, at: start } = this;
    const outer = this.around.at(-1) ?? NOTHING;
    const isMinus = text[start] === '-' && start + 1 < text.length && !/\s/.test(text[start + 1] as string);
    const at = isMinus ? start + 1 : start;
    const isNegated = isMinus !== outer.isNegated;
    const match = text[at] === '"' || outer.field !== null ? null : FIELD.exec(text.slice(at));
    const field = match?.[1] ?? outer.field;
    const operator = match?.[2] ?? outer.operator;
    const valueStart = at + (match ? match[0].length : 0);
    if (text[valueStart] === '(') {
      const isOwn = match !== null && this.around.length === 0;
      this.around.push({ field, operator, isNegated, group: isOwn ? { start, end: text.length } : null });
      this.at = valueStart + 1;
      return;
    }
    const isQuoted = text[valueStart] === '"';
    const isGrouped = this.around.length > 0;
    const { parts, end } = isQuoted ? readQuoted(text, valueStart) : readBare(text, valueStart, isGrouped);
    this.at = Math.max(end, start + 1);
    const isTop = !isGrouped || (outer.group !== null && this.around.length === 1);
    this.terms.push({ start, end, valueStart, isNegated, field, operator, parts, isQuoted, isTop, group: outer.group });
  }
}

export function readQuery(text: string): Term[] {
  return new QueryReader(text).terms;
}

const quoted = (value: string): string => `"${value.replace(/[\\"*]/g, '\\$&')}"`;

/** As a value that means exactly this text. */
export function quote(value: string): string {
  return value === '' || /[\s"*()]|^-|^(AND|OR|NOT)$/.test(value) ? quoted(value) : value;
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

/** The query as one term, so that more can stand beside it. */
export function wrapped(query: string): string {
  const text = query.trim();
  return new QueryReader(text).hasOr ? `(${text})` : text;
}

/** Adds a filter unless it is there; the opposite of it is taken away first. */
export function addTerm(query: string, field: string, value: string, isNegated = false): string {
  const read = new QueryReader(query);
  const found = read.hasOr ? undefined : read.terms.find((term) => term.isTop && !term.group && isSame(term, field, value));
  if (found && found.isNegated === isNegated) return query;
  const rest = found ? removeTerm(query, found) : wrapped(query);
  return `${rest} ${termText(field, value, isNegated)}`.trim();
}

/** Which values of a field a query asks for or leaves out, and what it says besides. */
export interface Chosen {
  included: string[];
  excluded: string[];
  rest: string;
}

export function readChosen(query: string, field: string): Chosen {
  const read = new QueryReader(query);
  const chosen: Chosen = { included: [], excluded: [], rest: query.trim() };
  if (read.hasOr) return chosen;
  const isChoice = (term: Term) =>
    term.isTop && term.field === field && (term.operator === ':' || term.operator === '=') && term.parts.length === 1;
  const terms = read.terms.filter(isChoice);
  for (const term of terms) (term.isNegated ? chosen.excluded : chosen.included).push(term.parts[0] as string);
  const ranges = new Map(terms.map((term) => [(term.group ?? term).start, (term.group ?? term).end]));
  let rest = query;
  for (const [start, end] of [...ranges].sort((a, b) => b[0] - a[0]))
    rest = `${rest.slice(0, start).trimEnd()} ${rest.slice(end).trimStart()}`;
  return { ...chosen, rest: rest.trim() };
}

/** The query with these values of the field, and no others, asked for and left out. */
export function withChosen(query: string, field: string, included: string[], excluded: string[]): string {
  const parts = [wrapped(readChosen(query, field).rest)];
  if (included.length > 1) parts.push(`${field}:(${included.map(quote).join(' OR ')})`);
  else parts.push(...included.map((value) => termText(field, value)));
  parts.push(...excluded.map((value) => termText(field, value, true)));
  return parts.filter(Boolean).join(' ');
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
