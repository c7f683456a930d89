/* Names for suggestions: fields that the pages have seen, and values, seen or asked for. */
import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from 'solid-js';
import { api, type Scope } from './api';
import type { Known } from './logic/suggest';
import type { AlertEvent, Overview } from './types';
import { words } from './words';

/* Names come from events, so from anybody: there is an end to what is remembered. */
const MOST_FIELDS = 400;
const MOST_VALUES = 200;

const helpful = Object.entries(words.fieldHelp).map(([name, help]) => ({ name, help }));
const [known, setKnown] = createSignal<Known>({ fields: helpful, values: new Map() });

export { known };

export function learnFields(events: AlertEvent[]): void {
  const names = new Set(known().fields.map((field) => field.name));
  const fresh = new Set(
    events.flatMap((event) => event.fields.map((field) => field.name)).filter((name) => !names.has(name)),
  );
  if (fresh.size === 0 || known().fields.length >= MOST_FIELDS) return;
  setKnown((before) => ({
    ...before,
    fields: [...before.fields, ...[...fresh].sort().map((name) => ({ name, help: '' }))].slice(0, MOST_FIELDS),
  }));
}

function keepValues(seen: [string, string[]][]): void {
  setKnown((before) => {
    const values = new Map(before.values);
    for (const [field, fresh] of seen)
      values.set(field, [...new Set([...(values.get(field) ?? []), ...fresh])].slice(-MOST_VALUES));
    return { ...before, values };
  });
}

/** Values stay known when a narrower search no longer shows them. */
export function learnValues(overview: Overview): void {
  const valuesOf = (counted: { value: string }[]) => counted.map((one) => one.value);
  const seen: [string, string[]][] = [
    ['rule', overview.rules.map((one) => one.rule)],
    ['hostname', valuesOf(overview.hosts)],
    ['container.id', valuesOf(overview.containers)],
    ['tags', valuesOf(overview.tags)],
  ];
  keepValues(seen);
}

const ASK_MS = 150;
const ASKED = 20;

/** Asks the server for values of the field that is being typed; what it does not tell is not suggested. */
export function askValues(wanted: Accessor<{ field: string; typed: string } | null>, range: Accessor<Scope>): void {
  const key = createMemo(() => (wanted() ? JSON.stringify(wanted()) : ''));
  createEffect(() => {
    if (!key()) return;
    const { field, typed } = JSON.parse(key()) as { field: string; typed: string };
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const scope = { ...range(), q: '' };
      api.values(scope, field, typed, ASKED, stop.signal).then(
        (list) => keepValues([[field, (list.facets[0]?.values ?? []).map((one) => one.value)]]),
        () => undefined,
      );
    }, ASK_MS);
    onCleanup(() => (clearTimeout(timer), stop.abort()));
  });
}
