import { describe, expect, test } from 'vitest';
import { translateOldLink } from '../../src/logic/oldlink';
import { suggest, type Known } from '../../src/logic/suggest';

const translate = (search: string) => translateOldLink(new URLSearchParams(search));

describe('links of the UI before this one', () => {
  test('one value of each filter', () => {
    const old = translate('priority=Error&rule=Write%20below%20etc&source=syscall&hostname=w1&tags=T1098&filter=shell&since=2h&page=3&limit=50&refresh=10s');
    expect(old?.params.get('q')).toBe('priority:Error rule:"Write below etc" source:syscall hostname:w1 tags:T1098 shell');
    expect(old?.params.get('from')).toBe('now-2h');
    expect([...(old?.params.keys() ?? [])].sort()).toEqual(['from', 'q']);
  });
  test('several priorities leave out the others, which says the same', () => {
    expect(translate('priority=critical,error')?.params.get('q')).toBe(
      '-priority:Emergency -priority:Alert -priority:Warning -priority:Notice -priority:Informational -priority:Debug');
  });
  test('several rules cannot be said; the filter is dropped and named', () => {
    const old = translate('rule=A,B&since=1w');
    expect(old?.lost).toEqual(['rule']);
    expect(old?.params.get('q')).toBeNull();
    expect(old?.params.get('from')).toBe('now-1w');
  });
  test.each([['5min', 'now-5m'], ['24h', 'now-24h'], ['2w', 'now-2w'], ['1M', 'now-30d'], ['1y', 'now-365d'], ['3months', 'now-90d']])('since %s', (since, from) =>
    expect(translate(`since=${since}`)?.params.get('from')).toBe(from));
  test('a word that looks like a field becomes a phrase', () => expect(translate('filter=proc.name:cat')?.params.get('q')).toBe('"proc.name:cat"'));
  test('null means empty', () => expect(translate('rule=null&filter=null')?.params.get('q')).toBeNull());
  test('an address of today is left alone', () => expect(translate('q=a&from=now-1h&tz=local')).toBeNull());
});

describe('suggestions', () => {
  const known: Known = {
    fields: [{ name: 'priority', help: '' }, { name: 'proc.name', help: '' }, { name: 'proc.pname', help: '' }, { name: 'rule', help: '' }],
    values: new Map([['rule', ['Write below etc']]]),
  };
  const labels = (query: string, caret = query.length) => suggest(query, caret, known).options.map((option) => option.label);

  test('fields at an empty place', () => expect(labels('')).toEqual(['priority:', 'proc.name:', 'proc.pname:', 'rule:']));
  test('fields that have the letters, those that begin with them first', () => expect(labels('pr')).toEqual(['priority:', 'proc.name:', 'proc.pname:']));
  test('a minus stays', () => expect(labels('-ru')).toEqual(['-rule:']));
  test('values after a field, quoted where needed', () => expect(suggest('rule:be', 7, known).options[0]).toMatchObject({ text: '"Write below etc" ' }));
  test('the eight priorities are known', () => expect(labels('priority:')).toHaveLength(8));
  test('the replaced part is the term under the caret', () => expect(suggest('a pr b', 4, known)).toMatchObject({ start: 2, end: 4 }));
  test('nothing more for a value that is whole', () => expect(labels('priority:Alert')).toEqual([]));
});
