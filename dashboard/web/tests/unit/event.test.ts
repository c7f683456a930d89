import { describe, expect, test } from 'vitest';
import { chainOf, compareNewest, factsOf, mergeEvents, techniqueOf, valueText, workloadOf } from '../../src/logic/event';
import { indentJson } from '../../src/logic/json';
import { change, figure, niceCeiling } from '../../src/logic/number';
import { createReader, type Message } from '../../src/logic/sse';
import type { AlertEvent, FieldValue } from '../../src/types';
import { words } from '../../src/words';

function eventOf(fields: Record<string, FieldValue>, rest: Partial<AlertEvent> = {}): AlertEvent {
  return {
    uuid: 'u', time: '2026-11-24T11:53:39.179191538Z', time_ns: '1795521219179191538', priority: 'Warning', rule: 'r', source: 'syscall',
    hostname: 'vm', output: 'o', tags: [], fields: Object.entries(fields).map(([name, value]) => ({ name, value })), ...rest,
  };
}

describe('what an event says', () => {
  const shadow = eventOf({
    'proc.name': 'cat', 'proc.cmdline': 'cat /etc/shadow', 'proc.pname': 'bash', 'proc.aname[2]': 'runc', 'proc.aname[3]': 'containerd-shim',
    'fd.name': '/etc/shadow', 'container.id': '6c9b72f1c563', 'k8s.pod.name': null, 'container.name': '<NA>', 'user.name': 'root',
  });
  test('the chain runs from the oldest ancestor to the command', () => {
    expect(chainOf(shadow)).toEqual({ ancestors: ['containerd-shim', 'runc', 'bash'], command: 'cat /etc/shadow', object: '' });
  });
  test('a connection is shown beside the command', () => {
    expect(chainOf(eventOf({ 'proc.name': 'dig', 'fd.name': '1.2.3.4:5->6.7.8.9:53' }))).toEqual({ ancestors: [], command: 'dig', object: '1.2.3.4:5 → 6.7.8.9:53' });
  });
  test('an event of no process has no chain', () => expect(chainOf(eventOf({ 'ka.verb': 'create' }))).toBeNull());
  test('null and <NA> are no names', () => expect(workloadOf(shadow)).toEqual({ name: '6c9b72f1c563', field: 'container.id', places: [{ field: 'hostname', text: 'vm' }] }));
  test('a host process has no workload', () => expect(workloadOf(eventOf({ 'container.id': 'host', 'container.name': 'host' })).name).toBe(''));
  test('facts for the sentence', () => expect(factsOf(shadow)).toMatchObject({ program: 'cat', object: '/etc/shadow', container: '6c9b72f1c563', user: 'root', parent: 'bash' }));
  test('the sentence takes its verb from the system call', () => {
    const said = (event: AlertEvent) => words.event.sentence(factsOf(event), 'M').map((part) => (typeof part === 'string' ? part : `[${part.value}]`)).join('');
    expect(said(eventOf({ 'proc.name': 'cat', 'evt.type': 'openat2', 'fd.name': '/etc/shadow', 'container.id': 'abc', 'user.name': 'root', 'proc.pname': 'sh' })))
      .toBe('At [M], [cat] opened [/etc/shadow] in container [abc] as [root]. Its parent is [sh].');
    expect(said(eventOf({ 'proc.name': 'sh', 'evt.type': 'execve', 'container.id': 'host' }))).toBe('At [M], [sh] was started on the host itself.');
    expect(said(eventOf({}))).toBe('At [M], something ran.');
  });
  test('a technique before a tactic', () => expect(techniqueOf(eventOf({}, { tags: ['TA0003', 'container', 'T1059.004'] }))).toBe('T1059.004'));
  test('a number keeps all its digits', () => expect(valueText({ number: '1622308709082520347' })).toBe('1622308709082520347'));
  test('lists and truths are text', () => expect([valueText(['a', { number: '1' }, null]), valueText(true)]).toEqual(['a, 1, null', 'true']));
});

describe('order of events', () => {
  const at = (uuid: string, timeNs: string) => eventOf({}, { uuid, time_ns: timeNs });
  test('by nanoseconds, which are beyond a number', () => {
    const list = [at('a', '1795521219179191537'), at('b', '1795521219179191538'), at('c', '999')];
    expect(list.sort(compareNewest).map((event) => event.uuid)).toEqual(['b', 'a', 'c']);
  });
  test('each event once, and no more than the limit', () => {
    const some = [at('b', '20'), at('a', '10')];
    expect(mergeEvents(some, [at('b', '20'), at('c', '15')], 2).map((event) => event.uuid)).toEqual(['b', 'c']);
    expect(mergeEvents(some, [at('a', '10')], 9)).toBe(some);
  });
});

describe('numbers', () => {
  test('exact up to 10,000, then short and never rounded up', () => {
    expect([1783, 10_000, 12_399, 999_999, 1_234_567, 45_000_000_000].map(figure)).toEqual(['1,783', '10,000', '12.3 k', '999 k', '1.2 M', '45 G']);
  });
  test('a change among few is a difference, among many a percentage', () => {
    expect(change(9, 2)).toEqual({ direction: 'up', amount: '7' });
    expect(change(1783, 1595)).toEqual({ direction: 'up', amount: '12 %' });
    expect(change(0, 40)).toEqual({ direction: 'down', amount: '100 %' });
    expect(change(5, 0)).toEqual({ direction: 'new', amount: '5' });
    expect(change(100_001, 100_000).amount).toBe('1');
  });
  test('the top of an axis can be halved', () => {
    for (const value of [1, 3, 7, 19, 39, 99, 101, 1234, 99_999]) {
      expect(niceCeiling(value)).toBeGreaterThanOrEqual(value);
      expect(Number.isInteger(niceCeiling(value) / 2)).toBe(true);
    }
  });
});

describe('JSON as stored', () => {
  const text = '{"a":1622308709082520347,"b":[],"c":{"d":"x, {y}: \\"z\\""},"e":[1,2.50,null]}';
  test('only blanks are added', () => {
    expect(indentJson(text)).toBe('{\n  "a": 1622308709082520347,\n  "b": [],\n  "c": {\n    "d": "x, {y}: \\"z\\""\n  },\n  "e": [\n    1,\n    2.50,\n    null\n  ]\n}');
  });
  test('what is not JSON does no harm', () => expect(() => indentJson('}}]"{,:')).not.toThrow());
});

describe('server-sent events', () => {
  test('across any cut of the chunks', () => {
    const whole = ': hello\n\nevent: alert\nid: 7\ndata: {"a":\ndata: 1}\n\nevent: alert\r\nid: 8\r\ndata: x\r\n\r\ndata: never ended';
    for (let size = 1; size < 12; size++) {
      const found: Message[] = [];
      const read = createReader((message) => found.push(message));
      for (let at = 0; at < whole.length; at += size) read(whole.slice(at, at + size));
      expect(found).toEqual([{ type: 'alert', id: '7', data: '{"a":\n1}' }, { type: 'alert', id: '8', data: 'x' }]);
    }
  });
});
