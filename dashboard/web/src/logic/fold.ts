/* Repeats: events of the same rule, workload and program become one row, where the newest of them is. */
import type { AlertEvent } from '../types';
import { fieldText, workloadOf } from './event';

export interface Fold {
  /** The newest of them: what the row shows. */
  event: AlertEvent;
  /** The others, newest first. */
  rest: AlertEvent[];
}

/** A long list is folded anew for each page that it grows by. */
const keys = new WeakMap<AlertEvent, string>();

function keyOf(event: AlertEvent): string {
  const known = keys.get(event);
  if (known !== undefined) return known;
  const key = JSON.stringify([event.rule, event.priority, workloadOf(event).name, event.hostname, fieldText(event, 'proc.name')]);
  keys.set(event, key);
  return key;
}

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
