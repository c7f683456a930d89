/*
 * What an event says about who did what and where, read from the fields of Falco's names.
 * A field may be missing, null or empty; then the part that it tells is left out.
 */
import type { AlertEvent, FieldValue } from '../types';

export function valueText(value: FieldValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  if (typeof value === 'object') return value.number;
  return String(value);
}

/** The text of a field; empty for null, for Falco's <NA> and for a field that is not there. */
export function fieldText(event: AlertEvent, name: string): string {
  const field = event.fields.find((one) => one.name === name);
  if (!field || field.value === null) return '';
  const text = valueText(field.value);
  return text === '<NA>' ? '' : text;
}

/** Programs from the oldest known ancestor to the parent. */
export function ancestorsOf(event: AlertEvent): string[] {
  const names: string[] = [];
  for (let n = 2; n < 16; n++) {
    const name = fieldText(event, `proc.aname[${n}]`);
    if (name) names.unshift(name);
  }
  const parent = fieldText(event, 'proc.pname');
  return parent ? [...names, parent] : names;
}

export interface Chain {
  ancestors: string[];
  /** The command line, or the name where no command line is known. */
  command: string;
  /** The file or connection that it is about, unless the command says it already. */
  object: string;
}

const programOf = (commandLine: string) => commandLine.split(' ', 1)[0]?.split('/').at(-1) ?? '';

export function chainOf(event: AlertEvent): Chain | null {
  const ancestors = ancestorsOf(event);
  const name = fieldText(event, 'proc.name');
  const commandLine = fieldText(event, 'proc.cmdline');
  if (!name && !commandLine) return null;

  const isNamed = !name || programOf(commandLine) === name || commandLine.startsWith(`${name} `);
  const command = !commandLine ? name : isNamed ? commandLine : `${name}: ${commandLine}`;
  const object = fieldText(event, 'fd.name').replace('->', ' → ');
  return { ancestors, command, object: object && !command.includes(object) ? object : '' };
}

export interface Workload {
  /** Pod, container or nothing for the host itself. */
  name: string;
  /** The field that `name` comes from: what a click filters by. */
  field: string;
  /** Where it runs, most particular first; each part with its field. */
  places: { field: string; text: string }[];
}

const NAMES = ['k8s.pod.name', 'container.name', 'container.id'];

export function workloadOf(event: AlertEvent): Workload {
  const isHost = fieldText(event, 'container.id') === 'host';
  const field = isHost ? undefined : NAMES.find((name) => fieldText(event, name));
  const wanted = isHost ? [] : ['k8s.ns.name', 'container.id'].filter((name) => name !== field);
  const places = wanted.map((name) => ({ field: name, text: fieldText(event, name) }));
  places.push({ field: 'hostname', text: event.hostname });
  return {
    name: field ? fieldText(event, field) : '',
    field: field ?? '',
    places: places.filter((place) => place.text),
  };
}

/** The ATT&CK technique that Falco's tags name, as T1555 or TA0003. */
export function techniqueOf(event: AlertEvent): string {
  return (
    event.tags.find((tag) => /^T\d{4}(\.\d{3})?$/.test(tag)) ?? event.tags.find((tag) => /^TA\d{4}$/.test(tag)) ?? ''
  );
}

export interface Facts {
  program: string;
  /** The system call, without what makes its variants: "open" for openat2. */
  call: string;
  object: string;
  user: string;
  parent: string;
  container: string;
  image: string;
}

/** What the sentence above an event is made of. */
export function factsOf(event: AlertEvent): Facts {
  const container = fieldText(event, 'container.id');
  const tag = fieldText(event, 'container.image.tag');
  const repository = fieldText(event, 'container.image.repository');
  return {
    program: fieldText(event, 'proc.name'),
    call: fieldText(event, 'evt.type').replace(/(at2|at|4|2)$/, ''),
    object: fieldText(event, 'fd.name'),
    user: fieldText(event, 'user.name'),
    parent: fieldText(event, 'proc.pname'),
    container:
      container === 'host'
        ? 'host'
        : fieldText(event, 'k8s.pod.name') || fieldText(event, 'container.name') || container,
    image: repository && tag ? `${repository}:${tag}` : repository,
  };
}

/** Newest first; the nanoseconds are beyond what a number holds, so they are compared as text. */
export function compareNewest(a: AlertEvent, b: AlertEvent): number {
  const length = b.time_ns.length - a.time_ns.length;
  if (length !== 0) return length;
  if (a.time_ns !== b.time_ns) return a.time_ns < b.time_ns ? 1 : -1;
  return a.uuid < b.uuid ? 1 : a.uuid > b.uuid ? -1 : 0;
}

/** Two lists newest first into one, each event once, at most `limit` of them. */
export function mergeEvents(some: AlertEvent[], more: AlertEvent[], limit: number): AlertEvent[] {
  const known = new Set(some.map((event) => event.uuid));
  const fresh = more.filter((event) => !known.has(event.uuid)).sort(compareNewest);
  if (fresh.length === 0) return some;
  const [last, first] = [some.at(-1), fresh[0] as AlertEvent];
  // What is older than all, as the next page is, need not be sorted in.
  if (last && compareNewest(last, first) < 0) return [...some, ...fresh].slice(0, limit);
  return [...fresh, ...some].sort(compareNewest).slice(0, limit);
}
