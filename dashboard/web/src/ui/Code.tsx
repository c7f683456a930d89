/* Lines of text in a box that scrolls: what hides in them is drawn. */
import { createMemo, For } from 'solid-js';
import { Value } from './Value';

const LINE_LIMIT = 4096;

export function Code(props: { text: string; label: string; class: string; limit?: number }) {
  const lines = createMemo(() => props.text.split('\n'));
  return (
    <div class="code" tabindex="0" role="region" aria-label={props.label}>
      <pre class={props.class}>
        <For each={lines()}>
          {(line) => (
            <>
              <Value text={line} limit={props.limit ?? LINE_LIMIT} isPlain />
              {'\n'}
            </>
          )}
        </For>
      </pre>
    </div>
  );
}
