/*
 * Text of events as it may be shown: hostile until drawn. A character that hides, moves or
 * reorders what stands around it is drawn as an escape, and what a search found is marked.
 */
import type { Needles } from './query';

/** C0, C1, soft hyphen, bidi and zero-width marks, fillers, tags, lone surrogates. */
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export interface Piece {
  isEscape: boolean;
  text: string;
}

export interface Run {
  isHit: boolean;
  pieces: Piece[];
}

export function escapeText(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`);
}

export function readPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > at) pieces.push({ isEscape: false, text: text.slice(at, match.index) });
    pieces.push({ isEscape: true, text: escapeText(match[0]) });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ isEscape: false, text: text.slice(at) });
  return pieces;
}

/** For titles and labels, which take no boxes: the escapes as plain text. */
export const visibleText = (text: string): string => text.replace(HIDDEN, escapeText);

/** One expression for all words, the longest first so that it wins where two begin together. */
export function needlePattern(words: string[]): RegExp | null {
  const escaped = [...new Set(words.filter(Boolean))]
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return escaped.length > 0 ? new RegExp(escaped.join('|'), 'giu') : null;
}

/** The words to mark in the value of one field. */
export function wordsFor(needles: Needles, field?: string): string[] {
  return field ? [...needles.text, ...(needles.fields.get(field) ?? [])] : needles.text;
}

export function readRuns(text: string, pattern: RegExp | null): Run[] {
  if (!pattern) return [{ isHit: false, pieces: readPieces(text) }];

  const runs: Run[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === '') continue;
    if (match.index > at) runs.push({ isHit: false, pieces: readPieces(text.slice(at, match.index)) });
    runs.push({ isHit: true, pieces: readPieces(match[0]) });
    at = match.index + match[0].length;
  }
  if (at < text.length) runs.push({ isHit: false, pieces: readPieces(text.slice(at)) });
  return runs;
}

export function hasHit(text: string, words: string[]): boolean {
  const pattern = needlePattern(words);
  return pattern !== null && pattern.test(text);
}

/** Cuts between characters, never inside a surrogate pair. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const code = text.charCodeAt(limit - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? limit - 1 : limit);
}

/** The part of a long text around its first hit, with room for some words before it. */
export function snippet(text: string, words: string[], width = 160): string {
  const found = needlePattern(words)?.exec(text);
  if (!found || text.length <= width) return cut(text, width);
  const start = Math.max(0, Math.min(found.index - 32, text.length - width));
  const from = start === 0 ? 0 : text.indexOf(' ', start) + 1;
  const at = from > 0 && from <= found.index ? from : start;
  return `${at > 0 ? '… ' : ''}${cut(text.slice(at), Math.max(width, found.index - at + found[0].length))}`;
}
