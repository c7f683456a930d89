/*
 * A draft of a rule exception that fits this event and little else: Falco's YAML, to be read,
 * narrowed and put into a rules file by a person. Every value is a quoted JSON string, which is
 * YAML too, so that no text of an event can become anything but a value.
 */
import type { AlertEvent } from '../types';
import { fieldText } from './event';

/** From what says most to what says least; an address and its ports change with every connection. */
const FIELDS = ['container.image.repository', 'k8s.ns.name', 'proc.pname', 'proc.name', 'proc.exepath', 'fd.name'];
const CONNECTION = '->';

export function draftException(event: AlertEvent): string {
  const known = FIELDS.map((name) => ({ name, value: fieldText(event, name) })).filter(
    ({ value }) => value !== '' && !value.includes(CONNECTION),
  );
  const list = known.length > 0 ? known : [{ name: 'hostname', value: event.hostname }];
  const quoted = list.map(({ value }) => JSON.stringify(value));
  return [
    `- rule: ${JSON.stringify(event.rule)}`,
    '  exceptions:',
    `    - name: draft_${event.uuid.slice(0, 8)}`,
    `      fields: [${list.map(({ name }) => name).join(', ')}]`,
    `      comps: [${list.map(() => '=').join(', ')}]`,
    '      values:',
    `        - [${quoted.join(', ')}]`,
    '  override:',
    '    exceptions: append',
    '',
  ].join('\n');
}
