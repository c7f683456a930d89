import { describe, expect, test } from 'vitest';
import { attackMatrix, heatOf, unknownTechniques } from '../../src/logic/attack';
import { draftException } from '../../src/logic/exception';
import { foldEvents } from '../../src/logic/fold';
import type { AlertEvent, FieldValue } from '../../src/types';

const eventOf = (uuid: string, rule: string, fields: Record<string, FieldValue>): AlertEvent => ({
  uuid, rule, time: '2026-11-24T10:00:00.000000000Z', time_ns: '1', priority: 'Notice', source: 'syscall', hostname: 'n', output: '', tags: [],
  fields: Object.entries(fields).map(([name, value]) => ({ name, value })),
});

describe('folding', () => {
  test('events of one rule, workload and program are one row at the newest of them', () => {
    const [a, b, c, d] = [
      eventOf('1', 'r', { 'proc.name': 'cat', 'container.id': 'x' }), eventOf('2', 'r', { 'proc.name': 'sh', 'container.id': 'x' }),
      eventOf('3', 'r', { 'proc.name': 'cat', 'container.id': 'x' }), eventOf('4', 'r', { 'proc.name': 'cat', 'container.id': 'y' }),
    ] as [AlertEvent, AlertEvent, AlertEvent, AlertEvent];
    expect(foldEvents([a, b, c, d])).toEqual([{ event: a, rest: [c] }, { event: b, rest: [] }, { event: d, rest: [] }]);
  });
});

describe('the matrix', () => {
  test('a technique stands under the tactic of its own that was seen most', () => {
    const tags = [['mitre_persistence', 9], ['mitre_privilege_escalation', 2], ['T1053', 5], ['T9999', 1], ['container', 7]].map(([value, count]) => ({ value: String(value), count: Number(count) }));
    expect(attackMatrix(tags).map(({ name, count, techniques }) => [name, count, techniques.map((one) => one.id)])).toEqual([['Persistence', 9, ['T1053']], ['Privilege escalation', 2, []]]);
    expect(unknownTechniques(tags)).toEqual([{ id: 'T9999', name: '', count: 1 }]);
  });
  test('heat grows from 1 to 5', () => expect([0, 1, 100, 10_000].map((count) => heatOf(count, 10_000))).toEqual([0, 1, 3, 5]));
});

describe('a drafted exception', () => {
  test('holds text of an event only as quoted values', () => {
    const draft = draftException(eventOf('0123456789', 'Evil"\n- rule: x', { 'proc.name': 'a"]\n- b', 'fd.name': '1.2.3.4:5->6.7.8.9:80', 'container.image.repository': null }));
    expect(draft.split('\n')).toEqual([
      '- rule: "Evil\\"\\n- rule: x"', '  exceptions:', '    - name: draft_01234567', '      fields: [proc.name]', '      comps: [=]', '      values:',
      '        - ["a\\"]\\n- b"]', '  override:', '    exceptions: append', '',
    ]);
  });
});
