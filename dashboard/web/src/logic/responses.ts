/*
 * Responses from the alerts that the responder sent about them: what is left to show when it does
 * not answer, or where another dashboard's responder did the work. Nothing can be decided of these.
 */
import type { AlertEvent, Response, ResponseState } from '../types';
import { RESPONSE_STATES } from '../types';
import { fieldText } from './event';

/** Of these a response has one an action; the others are about the whole. */
const OF_ACTION: Record<string, string> = { success: 'done', ignored: 'ignored', failure: 'failed', undone: 'undone' };

const isState = (text: string): text is ResponseState => (RESPONSE_STATES as readonly string[]).includes(text);

/** A responder's numbers are its own: two nodes may have the same one. */
const keyOf = (event: AlertEvent) => `${fieldText(event, 'response.id')} ${event.hostname}`;

function responseOf(told: AlertEvent[]): Response {
  const newest = told[0] as AlertEvent;
  const oldest = told[told.length - 1] as AlertEvent;
  const state = fieldText(newest, 'response.state');
  const acts = told.filter((event) => fieldText(event, 'response.status') in OF_ACTION).reverse();
  return {
    id: Number(fieldText(newest, 'response.id')),
    rule: fieldText(newest, 'response.rule'),
    state: isState(state) ? state : 'done',
    why: acts.length === 0 ? fieldText(newest, 'response.result') : '',
    decisions: [],
    decided_by: null,
    namespace: fieldText(newest, 'k8s.ns.name'),
    pod: fieldText(newest, 'k8s.pod.name'),
    node: fieldText(newest, 'k8s.node.name'),
    alert_uuid: fieldText(newest, 'response.alert'),
    alert: null,
    created_ms: Date.parse(oldest.time),
    finished_ms: Date.parse(newest.time),
    took_ms: 0,
    deadline_ms: 0,
    undo_ms: 0,
    actions: acts.map((event) => ({
      action: fieldText(event, 'response.action'),
      actionner: fieldText(event, 'response.actionner'),
      state: OF_ACTION[fieldText(event, 'response.status')] as string,
      result: fieldText(event, 'response.result'),
      took_ms: Number(fieldText(event, 'response.took_ms')),
    })),
  };
}

/** `events` newest first; so are the responses. */
export function responsesOfAlerts(events: AlertEvent[]): Response[] {
  const byResponse = new Map<string, AlertEvent[]>();
  for (const event of events) {
    if (!fieldText(event, 'response.id')) continue;
    byResponse.set(keyOf(event), [...(byResponse.get(keyOf(event)) ?? []), event]);
  }
  return [...byResponse.values()].map(responseOf);
}
