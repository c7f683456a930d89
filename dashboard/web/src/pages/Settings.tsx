/* Who one is here and who else, what is kept and for how long, and what the dashboard runs with. */
import { For, Match, Show, Switch, type JSX } from 'solid-js';
import { api, type ApiError } from '../api';
import { useQuery } from '../load';
import { bytes, exact } from '../logic/number';
import { ageOf, eventMoment, rfc3339, spanOf } from '../logic/time';
import { visibleText } from '../logic/visible';
import { scope } from '../scope';
import { canSignOut, isOperator, session, signOut } from '../session';
import { copy, say } from '../toast';
import type { Access, SessionOfUser, Settings as Running } from '../types';
import { Icon } from '../ui/Icon';
import { Failure, Skeleton } from '../ui/States';
import { ThemeChoice } from '../ui/ThemeChoice';
import { Value } from '../ui/Value';
import { words } from '../words';

const text = words.settings;
const moment = (ms: number) => eventMoment(rfc3339(ms), scope().zone);

function Card(props: { title: string; children: JSX.Element }) {
  return (
    <section class="card">
      <header>
        <h2>{props.title}</h2>
      </header>
      <div class="body">{props.children}</div>
    </section>
  );
}

function Facts(props: { list: [string, JSX.Element][] }) {
  return (
    <dl class="kv">
      <For each={props.list}>
        {([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        )}
      </For>
    </dl>
  );
}

function You(props: { ignored: number }) {
  return (
    <Card title={text.you}>
      <Facts
        list={[
          [text.user, <Value text={session()?.user ?? ''} isPlain />],
          [text.role, text.roles[session()?.role ?? 'viewer']],
          [text.knownBy, text.ways[session()?.known_by ?? 'nothing']],
          [
            words.nav.theme,
            <ThemeChoice />,
          ],
        ]}
      />
      <Show when={!isOperator()}>
        <p class="muted note">{text.readOnly}</p>
      </Show>
      <Show when={props.ignored > 0}>
        <p class="muted note">{text.ignored(props.ignored)}</p>
      </Show>
      <Show when={canSignOut()}>
        <div class="acts note">
          <button class="btn sm" type="button" onClick={() => void signOut().catch((error: ApiError) => say(error.message, true))}>
            <Icon name="leave" size={14} /> {words.nav.signOut}
          </button>
        </div>
      </Show>
    </Card>
  );
}

function SessionRow(props: { session: SessionOfUser; onEnd: () => void }) {
  const name = () => visibleText(props.session.user);
  return (
    <tr>
      <th scope="row">
        <Value text={props.session.user} isPlain />
      </th>
      <td>
        <Value text={props.session.peer} isPlain />
      </td>
      <td class="num">{moment(props.session.since_ms).slice(0, 16)}</td>
      <td class="num">{words.ago(ageOf(Date.now() - props.session.seen_ms))}</td>
      <td>
        <Show when={!props.session.is_own} fallback={<span class="muted">{text.thisOne}</span>}>
          <button class="btn sm" type="button" aria-label={text.endOf(name(), visibleText(props.session.peer))} onClick={() => props.onEnd()}>
            {text.end}
          </button>
        </Show>
      </td>
    </tr>
  );
}

function Sessions(props: { access: Access; onChange: () => void }) {
  const end = (id: string) =>
    api
      .endSessions(id)
      .then((count) => (say(text.ended(count)), props.onChange()))
      .catch((error: ApiError) => say(error.message, true));
  const others = () => props.access.sessions.filter((one) => one.user === props.access.user && !one.is_own);
  return (
    <Card title={text.sessions}>
      <Show when={props.access.sessions.length > 0} fallback={<p class="muted">{text.noSessions}</p>}>
        <div class="scroll" tabindex="0" role="region" aria-label={text.sessions}>
          <table class="works">
            <thead>
              <tr>
                <For each={text.sessionColumns}>{(title, i) => <th scope="col" classList={{ num: i() === 2 || i() === 3 }}>{title}</th>}</For>
              </tr>
            </thead>
            <tbody>
              <For each={props.access.sessions}>{(one) => <SessionRow session={one} onEnd={() => void end(one.id)} />}</For>
            </tbody>
          </table>
        </div>
        <Show when={others().length > 0}>
          <div class="acts note">
            <button class="btn sm" type="button" onClick={() => void end('')}>
              {text.endOthers}
            </button>
          </div>
        </Show>
      </Show>
    </Card>
  );
}

function Users(props: { access: Access }) {
  return (
    <Show when={props.access.users}>
      {(users) => (
        <Card title={text.users}>
          <Show when={users().length > 0}>
            <ul class="users">
              <For each={users()}>
                {(user) => (
                  <li>
                    <Value text={user.name} isPlain /> <span class="muted">{text.roles[user.role]}</span>
                  </li>
                )}
              </For>
            </ul>
          </Show>
          <p class="muted note">{text.addUsers}</p>
          <div class="code" tabindex="0" role="region" aria-label={text.addUsers}>
            <pre>{text.addCommand}</pre>
          </div>
        </Card>
      )}
    </Show>
  );
}

function Kept(props: { running: Running }) {
  const store = () => props.running.store;
  return (
    <Card title={text.kept}>
      <Facts
        list={[
          [words.nav.events, exact(store().events)],
          [text.size, bytes(store().bytes)],
          [text.oldest, store().events > 0 ? `${moment(store().oldest_ms).slice(0, 19)} (${words.ago(ageOf(Date.now() - store().oldest_ms))})` : words.none],
          [text.keptFor, store().ttl_ms > 0 ? words.span(spanOf(store().ttl_ms)) : text.forEver],
          [text.atMost, store().max_bytes > 0 ? bytes(store().max_bytes) : text.noLimit],
          [text.folder, <code>{visibleText(store().folder)}</code>],
        ]}
      />
      <p class="muted note">{text.howToKeep}</p>
      <Show when={isOperator()}>
        <div class="acts note">
          <a class="btn sm" href={api.backupLink} download="">
            <Icon name="download" size={14} /> {text.backup}
          </a>
          <span class="muted">{text.backupMore}</span>
        </div>
      </Show>
    </Card>
  );
}

function Intake(props: { running: Running }) {
  const address = () => new URL('./', location.href).href.replace(/#.*/, '');
  return (
    <Card title={text.intake}>
      <p class="muted">{text.intakeMore}</p>
      <div class="code" tabindex="0" role="region" aria-label={text.intake}>
        <pre>{`POST ${address()}`}</pre>
      </div>
      <div class="acts note">
        <button class="btn sm" type="button" onClick={() => void copy(address(), text.address)}>
          <Icon name="copy" size={14} /> {text.copyAddress}
        </button>
        <span class="muted">{props.running.ingest.has_token || props.running.ingest.socket ? text.needsToken : text.needsNone}</span>
      </div>
      <Show when={props.running.ingest.socket}>
        {(socket) => (
          <p class="muted note place">
            {text.socket} <code>{visibleText(socket())}</code>
          </p>
        )}
      </Show>
    </Card>
  );
}

function Running(props: { running: Running }) {
  const listed = (items: string[]) => (items.length > 0 ? items.map(visibleText).join(', ') : words.none);
  return (
    <Card title={text.running}>
      <Facts
        list={[
          [text.version, `${words.product} ${props.running.version}`],
          [text.forwarders, listed(props.running.forwarders)],
          [text.responder, listed(props.running.responder ? [props.running.responder] : [])],
          [text.rules, listed(props.running.rules)],
          [text.proxies, listed(props.running.trusted_proxies)],
        ]}
      />
      <p class="note">
        <a href={api.documentLink}>{text.document}</a>
      </p>
    </Card>
  );
}

export function Settings() {
  document.title = words.title(words.nav.settings);
  const access = useQuery(() => 'access', (_, signal) => api.access(signal));
  const running = useQuery(() => 'settings', (_, signal) => api.settings(signal));
  return (
    <main id="main" tabindex="-1" class="plain">
      <h1>{words.nav.settings}</h1>
      <p class="muted">{text.about}</p>
      <div class="twocards">
        <div>
          <You ignored={access.data()?.ignored_headers ?? 0} />
          <Switch fallback={<Skeleton rows={3} />}>
            <Match when={access.error()}>
              {(error) => <Failure what={text.sessions} error={error()} onRetry={access.refresh} />}
            </Match>
            <Match when={access.data()}>
              {(data) => (
                <>
                  <Sessions access={data()} onChange={access.refresh} />
                  <Users access={data()} />
                </>
              )}
            </Match>
          </Switch>
        </div>
        <div>
          <Switch fallback={<Skeleton rows={4} />}>
            <Match when={running.error()}>
              {(error) => <Failure what={words.nav.settings} error={error()} onRetry={running.refresh} />}
            </Match>
            <Match when={running.data()}>
              {(data) => (
                <>
                  <Kept running={data()} />
                  <Intake running={data()} />
                  <Running running={data()} />
                </>
              )}
            </Match>
          </Switch>
        </div>
      </div>
    </main>
  );
}
