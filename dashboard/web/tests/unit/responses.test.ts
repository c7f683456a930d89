/* Responses from the alerts about them. */
import { describe, expect, test } from 'vitest';
import { responsesOfAlerts } from '../../src/logic/responses';
import type { AlertEvent } from '../../src/types';

const told = (id: string, at: number, hostname: string, fields: Record<string, string>): AlertEvent => ({
  uuid: `${id}-${at}`, time: new Date(at).toISOString(), time_ns: `${at}000000`, priority: 'Notice', rule: 'Response action done', source: 'response', hostname,
  output: '', tags: [], fields: Object.entries({ 'response.id': id, 'response.rule': 'Isolate', ...fields }).map(([name, value]) => ({ name, value })),
});

describe('responses of alerts', () => {
  test('are one a number and responder, in the state last told, with their actions in order', () => {
    const found = responsesOfAlerts([
      told('1', 3000, 'b', { 'response.status': 'refused', 'response.state': 'refused', 'response.result': 'protected' }),
      told('1', 2000, 'a', { 'response.status': 'failure', 'response.state': 'failed', 'response.action': 'second', 'response.took_ms': '7' }),
      told('1', 1000, 'a', { 'response.status': 'success', 'response.state': 'running', 'response.action': 'first' }),
      told('1', 500, 'a', { 'response.status': 'approved', 'response.state': 'pending', 'response.result': 'bob' }),
    ]);
    expect(found.map((one) => [one.state, one.why, one.created_ms, one.finished_ms])).toEqual([
      ['refused', 'protected', 3000, 3000],
      ['failed', '', 500, 2000],
    ]);
    expect(found[1]?.actions?.map((one) => [one.action, one.state, one.took_ms])).toEqual([['first', 'done', 0], ['second', 'failed', 7]]);
    expect(found.flatMap((one) => one.decisions)).toEqual([]);
  });
  test('of a state that is not known are done, and an alert without a number is none', () => {
    expect(responsesOfAlerts([told('2', 1, 'a', { 'response.state': '<b>' })])[0]?.state).toBe('done');
    expect(responsesOfAlerts([{ ...told('3', 1, 'a', {}), fields: [] }])).toEqual([]);
  });
});
