import { describe, expect, test } from 'vitest';
import { addTerm, phraseText, quote, readNeedles, readQuery, removeTerm, termText, readChosen, withChosen, wrapped } from '../../src/logic/query';

describe('reading a query', () => {
  test('a term knows where it stands in the text', () => {
    const [first, second, third] = readQuery('  proc.name:cat -"a b"  priority>=notice');
    expect(first).toMatchObject({ start: 2, end: 15, valueStart: 12, field: 'proc.name', operator: ':', parts: ['cat'], isNegated: false });
    expect(second).toMatchObject({ start: 16, end: 22, field: null, parts: ['a b'], isQuoted: true, isNegated: true });
    expect(third).toMatchObject({ field: 'priority', operator: '>=', parts: ['notice'] });
  });
  test('a field may have an index', () => {
    expect(readQuery('proc.aname[2]:bash')[0]).toMatchObject({ field: 'proc.aname[2]', parts: ['bash'] });
  });
  test('a quote that is never closed ends with the text', () => {
    expect(readQuery('rule:"Write bel')[0]).toMatchObject({ field: 'rule', parts: ['Write bel'], end: 15 });
  });
  test('a lone minus is a word', () => {
    expect(readQuery('- a').map((term) => [term.parts, term.isNegated])).toEqual([[['-'], false], [['a'], false]]);
  });
  test('the parts and the blanks between them are the text again', () => {
    const text = ' a  b:"c d" -e:f "g';
    const joined = readQuery(text).reduce((at, term) => text.slice(0, at) + text.slice(at, term.end) === text.slice(0, term.end) ? term.end : -1, 0);
    expect(joined).toBe(text.length);
  });
  test('a wildcard parts a value, within quotes, too, unless a backslash stands before it', () => {
    expect(readQuery('a:*x*y b:"p *q" c:"r\\*s"').map((term) => term.parts)).toEqual([['', 'x', 'y'], ['p ', 'q'], ['r*s']]);
  });
  test('an address is a word', () => expect(readQuery('https://example.com/')[0]).toMatchObject({ field: null, parts: ['https://example.com/'] }));
  test('any text is read without end or error', () => {
    for (const text of ['"', '\\', '-', '::', 'a:', '-"', '"\\', 'a:"\\"', '- -', '\u0000']) expect(() => readQuery(text)).not.toThrow();
  });
});

describe('writing a query', () => {
  test('a value is quoted where it must be, and read back the same', () => {
    for (const value of ['cat', 'Write below etc', 'say "hi"', 'back\\slash', 'a(b)', 'no *wildcard*', 'C:\\x', '']) expect(readQuery(`x:${quote(value)}`)[0]?.parts).toEqual([value]);
  });
  test('a phrase that looks like a field is quoted', () => {
    expect(phraseText('proc.name:cat')).toBe('"proc.name:cat"');
    expect(phraseText('-x')).toBe('"-x"');
    expect(phraseText('shell')).toBe('shell');
  });
  test('adding the same filter twice changes nothing', () => {
    expect(addTerm('a rule:"Write below etc"', 'rule', 'Write below etc')).toBe('a rule:"Write below etc"');
  });
  test('a filter takes the place of its opposite', () => {
    expect(addTerm('a -proc.name:cat b', 'proc.name', 'cat')).toBe('a b proc.name:cat');
    expect(addTerm('proc.name:cat', 'proc.name', 'cat', true)).toBe('-proc.name:cat');
  });
  test('a removed term leaves one blank', () => {
    const query = 'a  b:c   d';
    expect(removeTerm(query, readQuery(query)[1]!)).toBe('a d');
  });
  test('a term is written as it is read', () => {
    expect(termText('fd.name', '/tmp/a b', true)).toBe('-fd.name:"/tmp/a b"');
  });
});

describe('what to mark', () => {
  test('words everywhere, values in their field, nothing that is left out', () => {
    const needles = readNeedles('shell -cat proc.name:ba*sh -user.name:root priority>=notice');
    expect(needles.text).toEqual(['shell']);
    expect([...needles.fields]).toEqual([['proc.name', ['ba', 'sh']]]);
  });
});

describe('groups', () => {
  test('parentheses and keywords are no terms, and a field holds for all within', () => {
    const terms = readQuery('a OR -(b AND rule:("c d" OR e)) f(x)');
    expect(terms.map(({ field, parts, isNegated, isTop }) => [field, parts[0], isNegated, isTop])).toEqual([
      [null, 'a', false, true], [null, 'b', true, false], ['rule', 'c d', true, false], ['rule', 'e', true, false], [null, 'f(x)', false, true],
    ]);
  });
  test('what is added to an OR holds for all of it', () => {
    expect(addTerm('a OR b', 'rule', 'c')).toBe('(a OR b) rule:c');
    expect(wrapped('(a OR b) c')).toBe('(a OR b) c');
  });
  test('choices of a field are read and written back', () => {
    const query = 'x rule:(a OR "b c") -rule:d priority>=error';
    expect(readChosen(query, 'rule')).toEqual({ included: ['a', 'b c'], excluded: ['d'], rest: 'x priority>=error' });
    expect(withChosen(query, 'rule', ['a'], [])).toBe('x priority>=error rule:a');
    expect(withChosen('x', 'rule', ['a', 'OR', '(b'], ['-c'])).toBe('x rule:(a OR "OR" OR "(b") -rule:"-c"');
    expect(readChosen(withChosen('', 'f.x', ['a b', '"q"', 'OR'], ['*']), 'f.x')).toEqual({ included: ['a b', '"q"', 'OR'], excluded: ['*'], rest: '' });
    expect(readChosen('rule:a OR b', 'rule')).toEqual({ included: [], excluded: [], rest: 'rule:a OR b' });
  });
  test('any text is read without end or error', () => {
    for (const text of ['(', ')', '(((', 'a:(', 'a:(b', '-(', 'OR', 'AND OR NOT', 'a:(b OR', '("', 'x:()', '(a))(']) expect(() => readQuery(text)).not.toThrow();
  });
});
