/* Names that the pages have seen, for suggestions: nothing is asked of the server for them. */
import { createSignal } from 'solid-js';
import type { Known } from './logic/suggest';
import type { AlertEvent, Overview } from './types';
import { words } from './words';

const helpful = Object.entries(words.fieldHelp).map(([name, help]) => ({ name, help }));
const [known, setKnown] = createSignal<Known>({ fields: helpful, values: new Map() });

export { known };

export function learnFields(events: AlertEvent[]): void {
  const names = new Set(known().fields.map((field) => field.name));
  const fresh = new Set(events.flatMap((event) => event.fields.map((field) => field.name)).filter((name) => !names.has(name)));
  if (fresh.size === 0) return;
  setKnown((before) => ({ ...before, fields: [...before.fields, ...[...fresh].sort().map((name) => ({ name, help: '' }))] }));
}

export function learnValues(overview: Overview): void {
  const values = new Map(known().values);
  values.set('rule', overview.rules.map(({ rule, count }) => ({ value: rule, count })));
  values.set('hostname', overview.hosts);
  values.set('container.id', overview.containers);
  values.set('tags', overview.tags);
  values.set('priority', []);
  setKnown((before) => ({ ...before, values }));
}
