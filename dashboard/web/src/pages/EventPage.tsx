/* One event, by its permanent address; the drawer shows the same parts. */
import { createEffect, Match, Switch } from 'solid-js';
import { api, ApiError } from '../api';
import { useQuery } from '../load';
import { eventMoment } from '../logic/time';
import { visibleText } from '../logic/visible';
import { linkTo, scope } from '../scope';
import type { AlertEvent } from '../types';
import { slugOf, Icon, PriorityGlyph } from '../ui/Icon';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { useKeys } from '../keys';
import { go } from '../router';
import { words } from '../words';
import { Acts, FieldTable, Json, Sentence, Tags } from './EventDetail';
import { Ancestry, Around, Exception, RuleText, Where } from './EventParts';

function Whole(props: { event: AlertEvent }) {
  createEffect(() => (document.title = words.title(visibleText(props.event.rule))));
  return (
    <article class="event">
      <header class="dh">
        <div class="row1">
          <span class={`badge p-${slugOf(props.event.priority)}`}>
            <PriorityGlyph priority={props.event.priority} /> {words.priorities[props.event.priority]}
          </span>
          <span class="mono">{eventMoment(props.event.time, scope().zone)}</span>
        </div>
        <h1>
          <Value text={props.event.rule} field="rule" />
        </h1>
        <Sentence event={props.event} />
        <Acts event={props.event} isPage />
      </header>
      <div class="db">
        <section aria-labelledby="d-output">
          <h2 id="d-output">{words.event.output}</h2>
          <p class="output">
            <Value text={props.event.output} limit={4096} />
          </p>
          <Tags event={props.event} />
        </section>
        <div class="two">
          <Ancestry event={props.event} />
          <Where event={props.event} />
        </div>
        <section aria-labelledby="d-fields">
          <h2 id="d-fields">
            {words.event.fields} <small>{props.event.fields.length}</small>
          </h2>
          <FieldTable event={props.event} />
        </section>
        <Around event={props.event} />
        <RuleText event={props.event} />
        <Exception event={props.event} />
        <section aria-labelledby="d-json">
          <h2 id="d-json">
            {words.event.json} <small>{words.event.stored}</small>
          </h2>
          <Json uuid={props.event.uuid} />
        </section>
      </div>
    </article>
  );
}

export function EventPage(props: { uuid: string }) {
  const uuid = () => {
    try {
      return decodeURIComponent(props.uuid);
    } catch {
      return props.uuid;
    }
  };
  const event = useQuery(uuid, api.event);
  const back = () => linkTo('/events', {});
  createEffect(() => (document.title = words.title(words.nav.event)));
  useKeys({ Escape: () => go(back()) });

  const isMissing = () => event.error() instanceof ApiError && event.error()?.status === 404;
  return (
    <main id="main" tabindex="-1">
      <a class="back" href={back()}>
        <Icon name="left" size={14} /> {words.event.back}
      </a>
      <Switch
        fallback={
          <section class="card" aria-busy="true" aria-label={words.nav.event}>
            <h1 class="sr">{words.nav.event}</h1>
            <Skeleton rows={6} />
          </section>
        }
      >
        <Match when={isMissing()}>
          <section class="card">
            <h1 class="sr">{words.nav.event}</h1>
            <Nothing title={words.event.noEvent} more={words.event.noEventMore} />
          </section>
        </Match>
        <Match when={event.error()}>
          {(error) => (
            <section class="card">
              <h1 class="sr">{words.nav.event}</h1>
              <Failure what={words.nav.event} error={error()} onRetry={event.refresh} />
            </section>
          )}
        </Match>
        <Match when={event.data()}>{(data) => <Whole event={data()} />}</Match>
      </Switch>
    </main>
  );
}
