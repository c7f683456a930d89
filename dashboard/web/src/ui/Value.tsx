/* A value of an event: text only, isolated from the direction of what stands around it. */
import { createMemo, For, Show } from 'solid-js';
import { cut, needlePattern, readRuns, wordsFor, type Piece } from '../logic/visible';
import { needles } from '../scope';

const LIST_LIMIT = 400;

function Pieces(props: { pieces: Piece[] }) {
  return (
    <For each={props.pieces}>{(piece) => (piece.isEscape ? <span class="esc">{piece.text}</span> : piece.text)}</For>
  );
}

export function Value(props: { text: string; field?: string; limit?: number; class?: string; isPlain?: boolean }) {
  const limit = () => props.limit ?? LIST_LIMIT;
  const pattern = createMemo(() => (props.isPlain ? null : needlePattern(wordsFor(needles(), props.field))));
  const runs = createMemo(() => readRuns(cut(props.text, limit()), pattern()));
  return (
    <bdi dir="ltr" class={`val ${props.class ?? ''}`}>
      <For each={runs()}>
        {(run) => (
          <Show when={run.isHit} fallback={<Pieces pieces={run.pieces} />}>
            <mark>
              <Pieces pieces={run.pieces} />
            </mark>
          </Show>
        )}
      </For>
      <Show when={props.text.length > limit()}>…</Show>
    </bdi>
  );
}
