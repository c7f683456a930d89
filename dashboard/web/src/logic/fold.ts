/* Repeats: events of the same rule, workload and program become one row, where the newest of them is. */
import type { AlertEvent } from '../types';
import { fieldText, workloadOf } from './event';

export interface Fold {
  /** The newest of them: what the row shows. */
  event: AlertEvent;
  /** The others, newest first. */
  rest: AlertEvent[];
}

const keyOf = (event: AlertEvent) =>
  JSON.stringify([event.rule, event.priority, workloadOf(event).name, event.hostname, fieldText(event, 'proc.name')]);

export function foldEvents(events: AlertEvent[]): Fold[] {
  const folds = new Map<string, Fold>();
  for (const event of events) {
    const key = keyOf(event);
    const fold = folds.get(key);
    if (fold) fold.rest.push(event);
    else folds.set(key, { event, rest: [] });
  }
  return [...folds.values()];
}
