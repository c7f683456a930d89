/* Says that the stream is cut, and when it is tried again. */
import { createSignal, onCleanup, Show } from 'solid-js';
import { liveState } from '../live';
import { Icon } from '../ui/Icon';
import { words } from '../words';

const CLOCK_MS = 500;

export function LiveNote() {
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), CLOCK_MS);
  onCleanup(() => clearInterval(timer));
  const seconds = () => {
    const state = liveState();
    return state.is === 'cut' ? Math.max(1, Math.ceil((state.retryAt - now()) / 1000)) : undefined;
  };
  return (
    <Show when={seconds()}>
      {(left) => (
        <div class="banner warn">
          <Icon name="alert" /> <span>{words.live.cut(left())}</span>
        </div>
      )}
    </Show>
  );
}
