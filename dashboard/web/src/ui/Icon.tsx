/* Drawn signs: line icons, the mark of Tercel, and the silhouettes of the eight priorities. */
import { For } from 'solid-js';
import type { Priority } from '../types';
import { words } from '../words';
import { ICONS, type IconName } from './icons';

export function Icon(props: { name: IconName; size?: number; class?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={props.size ?? 16}
      height={props.size ?? 16}
      class={`ic ${props.class ?? ''}`}
      aria-hidden="true"
    >
      <For each={ICONS[props.name] as readonly string[]}>{(d) => <path d={d} />}</For>
    </svg>
  );
}

export function Mark(props: { size: number }) {
  return (
    <svg viewBox="0 0 24 24" width={props.size} height={props.size} class="mark" aria-hidden="true">
      <path d="M2 4.5h20l-3 4.6H5z" />
      <path d="M6.2 10.8H18l-2.9 4.4H9.1z" />
      <path d="M10.2 16.9h3.9L12 21.5z" />
    </svg>
  );
}

interface Silhouette {
  body: string;
  glyph: string;
  /** Outlined: for the record. Filled: someone should look. */
  isOutline?: true;
}

const SILHOUETTES: Record<Priority, Silhouette> = {
  Emergency: { body: 'M5 1h6l4 4v6l-4 4H5l-4-4V5z', glyph: 'M6 4v4.6M10 4v4.6M6 11.4v.2M10 11.4v.2' },
  Alert: { body: 'M8 .8 15.2 6v9H.8V6z', glyph: 'M8 5.2v4.2M8 12v.2' },
  Critical: { body: 'M8 .3 15.7 8 8 15.7.3 8z', glyph: 'M8 4.2v4.4M8 11.2v.2' },
  Error: { body: 'M8 .8a7.2 7.2 0 1 1 0 14.4A7.2 7.2 0 0 1 8 .8z', glyph: 'M5.5 5.5l5 5M10.5 5.5l-5 5' },
  Warning: { body: 'M8 1 15.6 14.6H.4z', glyph: 'M8 6v4M8 12.2v.2' },
  Notice: { body: 'M2 2h12v12H2z', glyph: 'M5 8h6', isOutline: true },
  Informational: { body: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z', glyph: 'M8 7.4v3.4M8 5v.2', isOutline: true },
  Debug: { body: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z', glyph: '', isOutline: true },
};

const SLUGS: Record<Priority, string> = {
  Emergency: 'emergency',
  Alert: 'alert',
  Critical: 'critical',
  Error: 'error',
  Warning: 'warning',
  Notice: 'notice',
  Informational: 'info',
  Debug: 'debug',
};

/** The name of a priority in classes and tokens. */
export const slugOf = (priority: Priority): string => SLUGS[priority] ?? 'debug';

export function PriorityGlyph(props: { priority: Priority; size?: number; isNamed?: boolean }) {
  const silhouette = () => SILHOUETTES[props.priority] ?? SILHOUETTES.Debug;
  return (
    <svg
      viewBox="0 0 16 16"
      width={props.size ?? 14}
      height={props.size ?? 14}
      class={`pi p-${slugOf(props.priority)}`}
      classList={{ line: silhouette().isOutline ?? false }}
      role={props.isNamed ? 'img' : undefined}
      aria-hidden={props.isNamed ? undefined : 'true'}
      aria-label={props.isNamed ? words.priorities[props.priority] : undefined}
    >
      <path d={silhouette().body} class="b" />
      <path d={silhouette().glyph} class="g" />
    </svg>
  );
}
