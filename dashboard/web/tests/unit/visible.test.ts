import { describe, expect, test } from 'vitest';
import { cut, escapeText, needlePattern, readPieces, readRuns, snippet } from '../../src/logic/visible';

const flat = (text: string) => readPieces(text).map((piece) => (piece.isEscape ? `[${piece.text}]` : piece.text)).join('');

describe('characters that hide or reorder', () => {
  test.each([
    ['/tmp/\u202egpj.exe', '/tmp/[\\u202e]gpj.exe'],
    ['\u001b[31mred', '[\\u001b][31mred'],
    ['a\nb\tc\r', 'a[\\n]b[\\t]c[\\r]'],
    ['zero\u200bwidth\ufeff', 'zero[\\u200b]width[\\ufeff]'],
    ['\u2066isolate\u2069', '[\\u2066]isolate[\\u2069]'],
    ['tag\u{e0041}', 'tag[\\u{e0041}]'],
    ['lone\ud800', 'lone[\\ud800]'],
    ['\u0000\u007f\u0085\u00ad', '[\\u0000][\\u007f][\\u0085][\\u00ad]'],
  ])('%j is drawn as %s', (text, drawn) => expect(flat(text)).toBe(drawn));

  test('letters of any script and pictures stay as they are', () => {
    const text = 'отчёт 🦅 שלום العربية 名前 é';
    expect(flat(text)).toBe(text);
  });
  test('an escape has four digits at least', () => expect(escapeText('\u0007')).toBe('\\u0007'));
});

describe('marking what was searched', () => {
  const marked = (text: string, ...list: string[]) => readRuns(text, needlePattern(list)).map((run) => (run.isHit ? `<${run.pieces[0]?.text}>` : run.pieces[0]?.text)).join('');

  test('without regard to case, each time', () => expect(marked('Shell sh SHELL', 'shell')).toBe('<Shell> sh <SHELL>'));
  test('signs of expressions are only signs', () => expect(marked('a.b a+b (c) [d] x/y', 'a+b', '(c)', 'x/y')).toBe('a.b <a+b> <(c)> [d] <x/y>'));
  test('the longer word wins', () => expect(marked('shadowed', 'shadow', 'shadowed')).toBe('<shadowed>'));
  test('no words, no marks', () => expect(needlePattern(['', ''])).toBeNull());
  test('a hidden character within a hit is still drawn', () => {
    expect(readRuns('a\u200bb', needlePattern(['a\u200bb']))[0]).toEqual({ isHit: true, pieces: [{ isEscape: false, text: 'a' }, { isEscape: true, text: '\\u200b' }, { isEscape: false, text: 'b' }] });
  });
  test('letters that change length in lower case do not shift the mark', () => expect(marked('İİ shell', 'shell')).toBe('İİ <shell>'));
});

describe('cutting', () => {
  test('never through a pair', () => {
    expect(cut('ab🦅', 3)).toBe('ab');
    expect(cut('ab🦅', 4)).toBe('ab🦅');
  });
  test('a snippet shows the hit', () => {
    const text = `${'word '.repeat(200)}here it is ${'tail '.repeat(200)}`;
    const shown = snippet(text, ['here it is'], 80);
    expect(shown).toContain('here it is');
    expect(shown.startsWith('… ')).toBe(true);
    expect(shown.length).toBeLessThan(120);
  });
  test('a hit at the end of a long text without blanks is shown whole', () => {
    expect(snippet(`${'A'.repeat(5000)}needle`, ['needle'], 80)).toContain('needle');
  });
});
