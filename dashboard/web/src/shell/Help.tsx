/* The keys and the query language, on one sheet. */
import { For } from 'solid-js';
import { Dialog } from '../ui/Dialog';
import { words } from '../words';

export function Help(props: { onClose: () => void }) {
  return (
    <Dialog title={words.help.title} onClose={props.onClose}>
      <div class="help">
        <section>
          <h3>{words.help.keys}</h3>
          <dl>
            <For each={words.help.list}>
              {([keys, meaning]) => (
                <div>
                  <dt>
                    <For each={keys.split(' ')}>{(key) => <kbd>{key}</kbd>}</For>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              )}
            </For>
          </dl>
        </section>
        <section>
          <h3>{words.help.language}</h3>
          <dl class="wide">
            <For each={words.help.queries}>
              {([query, meaning]) => (
                <div>
                  <dt>
                    <code>{query}</code>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              )}
            </For>
          </dl>
          <p class="muted">{words.help.languageNote}</p>
        </section>
      </div>
    </Dialog>
  );
}
