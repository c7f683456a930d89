/*
 * A stand-in for the dashboard's program: serves the built pages and /api/v2 from memory, under
 * the same headers. For developing the pages and for testing them alone; the whole system is
 * tested against the real program.
 */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const PRIORITIES = ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Informational', 'Debug'];
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', woff2: 'font/woff2', txt: 'text/plain' };
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEADERS = { 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

const anOutput = (name, title, more) => ({
  name, output: name.split('.')[0], title, state: 'ok', queued: 0, oldest_ms: 0, sent: 1284, dead_letters: 0, cut: 0, last_error: null, last_error_time: null, ...more,
});

/* Two forwarders: one with something to tell, one that does not answer. */
export const FORWARDERS = [
  {
    url: 'http://one:2801', error: null,
    outputs: [
      anOutput('webui', 'Dashboard'),
      anOutput('slack.shop', 'Slack', {
        state: 'retrying', queued: 41, oldest_ms: 754_000, sent: 90, dead_letters: 2,
        last_error: 'HTTP status 403: invalid_token <b>', last_error_time: new Date(Date.now() - 12_000).toISOString(),
      }),
    ],
    nodes: [
      { hostname: 'node-a', verified: 'token', silent_ms: 1200, is_silent: false },
      { hostname: 'node-b', verified: 'none', silent_ms: 95_000, is_silent: true },
    ],
  },
  { url: 'http://two:2801', error: 'Connection refused', outputs: null, nodes: null },
];

const HOSTILE = '<img src=x onerror=alert(1)> \u202egnp.exe \u001b[31m';

const aResponse = (id, more) => ({
  id, rule: 'Isolate a shell', state: 'done', why: null, decisions: [], decided_by: null, namespace: 'payments', pod: 'web-1', node: 'node-a',
  alert_uuid: '00000000-0000-4000-8000-000000000001', alert: { rule: 'Terminal shell in container', priority: 'Notice', output: 'a shell' },
  created_ms: Date.now() - id * 60_000, finished_ms: 0, took_ms: 0, deadline_ms: 0, undo_ms: 0, actions: [], ...more,
});

/* One of each kind that looks different, newest first. */
export const RESPONSES = [
  aResponse(9, { state: 'waiting', decisions: ['approve', 'reject'], why: 'the rule asks for approval', deadline_ms: Date.now() + 3600_000 }),
  aResponse(8, {
    took_ms: 141, decided_by: 'bob', decisions: ['undo'], undo_ms: Date.now() + 7200_000,
    actions: [
      { action: 'Label it', actionner: 'kubernetes:label', state: 'done', result: 'suspicious=true was set', took_ms: 12 },
      { action: 'Isolate it', actionner: 'kubernetes:networkpolicy', state: 'failed', result: 'HTTP status 403: forbidden', took_ms: 129 },
    ],
  }),
  aResponse(7, { state: 'refused', why: 'the namespace kube-system is protected', namespace: 'kube-system', pod: 'coredns-1' }),
  aResponse(6, { state: 'failed', rule: HOSTILE, why: HOSTILE + 'x'.repeat(3000), pod: HOSTILE, decided_by: HOSTILE, alert: { rule: HOSTILE, priority: 'Error', output: HOSTILE },
    actions: [{ action: HOSTILE, actionner: HOSTILE, state: 'failed', result: HOSTILE, took_ms: 1 }] }),
  aResponse(5, { state: 'dry_run', why: 'would run kubernetes:terminate' }),
  aResponse(4, { state: 'undone', actions: [{ action: 'Label it', actionner: 'kubernetes:label', state: 'undone', result: 'the label is gone', took_ms: 9 }] }),
];

const SESSIONS = [
  { id: 'aaaaaaaaaaaaaaaa', user: 'admin', peer: '10.0.0.1', since_ms: Date.now() - 3600_000, seen_ms: Date.now() - 2000, is_own: true },
  { id: 'bbbbbbbbbbbbbbbb', user: 'admin', peer: '10.0.0.2', since_ms: Date.now() - 86_400_000, seen_ms: Date.now() - 7200_000, is_own: false },
  { id: 'cccccccccccccccc', user: HOSTILE, peer: '10.0.0.3', since_ms: Date.now() - 60_000, seen_ms: Date.now() - 60_000, is_own: false },
];

class Refusal extends Error {
  constructor(status, message, column) {
    super(message);
    Object.assign(this, { status, column });
  }
}

function momentOf(text, now, usual) {
  const word = text || usual;
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(word);
  if (relative) return now - (relative[1] ? relative[1] * UNITS[relative[2]] : 0);
  const at = /^\d+$/.test(word) ? Number(word) : Date.parse(word);
  if (Number.isNaN(at)) throw new Refusal(400, `"${word}" is no time`);
  return at;
}

/* The query language of the contract, as a tree of all, any and terms. \u0001 stands for a wildcard. */
const WILDCARD = '\u0001';

function parse(q) {
  let at = 0;
  let depth = 0;
  const blanks = () => { while (/\s/.test(q[at] ?? '')) at++; };
  const isEnd = () => (blanks(), at >= q.length || (depth > 0 && q[at] === ')'));
  const keyword = (word) => new RegExp(`^${word}(?=[\\s()]|$)`).test(q.slice(at));
  const take = (word) => keyword(word) && ((at += word.length), blanks(), true);
  const readValue = () => {
    if (q[at] !== '"') {
      const start = at;
      for (let inner = 0; at < q.length && !/\s/.test(q[at]); at++) {
        if (q[at] === ')' && !inner && depth) break;
        inner += q[at] === '(' ? 1 : q[at] === ')' && inner ? -1 : 0;
      }
      return q.slice(start, at).replaceAll('*', WILDCARD);
    }
    const start = at++;
    let value = '';
    for (; at < q.length && q[at] !== '"'; at++) {
      const isEscape = q[at] === '\\' && /["\\*]/.test(q[at + 1] ?? '');
      value += isEscape ? q[++at] : q[at] === '*' ? WILDCARD : q[at];
    }
    if (at >= q.length) throw new Refusal(400, 'the quote that opens here is not closed', start + 1);
    at++;
    return value;
  };
  const one = (outer) => {
    const negated = q[at] === '-' && at + 1 < q.length && !/\s/.test(q[at + 1]) ? (at++, true) : take('NOT');
    if (negated && (q[at] === '-' || keyword('NOT'))) return { not: one(outer) };
    const field = outer ? null : /^([A-Za-z][\w.[\]-]*)(>=|<=|[:=<>](?!\/\/))/.exec(q.slice(at));
    if (field) at += field[0].length;
    const named = outer ?? (field ? { field: field[1], operator: field[2] } : {});
    if (q[at] === '(') {
      const start = at++;
      depth++;
      const inside = any(named.field ? named : null);
      depth--;
      if (q[at] !== ')') throw new Refusal(400, 'the parenthesis that opens here is not closed', start + 1);
      at++;
      return negated ? { not: inside } : inside;
    }
    const start = at;
    const value = readValue();
    if (value === '') throw new Refusal(400, 'a value is missing here', start + 1);
    return { ...named, value, negated };
  };
  const all = (outer) => {
    const list = [];
    do {
      if (isEnd()) throw new Refusal(400, 'a term is missing here', at + 1);
      list.push(one(outer));
    } while (!isEnd() && (take('AND') || !keyword('OR')));
    return { all: list };
  };
  const any = (outer) => {
    const list = [all(outer)];
    while (!isEnd() && take('OR')) list.push(all(outer));
    return { any: list };
  };
  return isEnd() ? { all: [] } : any(null);
}

function holds(event, node) {
  if (node.not) return !holds(event, node.not);
  if (node.all) return node.all.every((one) => holds(event, one));
  if (node.any) return node.any.some((one) => holds(event, one));
  return matches(event, node) !== node.negated;
}

const textOf = (value) => (value === null ? '' : Array.isArray(value) ? value.map(textOf).join(', ') : typeof value === 'object' ? value.number : String(value));

function fits(pattern, text, isWithin = false) {
  if (!pattern.includes(WILDCARD)) return isWithin ? text.includes(pattern) : pattern === text;
  const parts = pattern.split(WILDCARD).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^]*');
  return new RegExp(isWithin ? parts : `^${parts}$`).test(text);
}

function matches(event, term) {
  const { field, operator, value } = term;
  if (!field) {
    const all = [event.output, event.rule, event.priority, event.hostname, event.source, ...event.tags, ...event.fields.map((one) => textOf(one.value))];
    return all.some((text) => fits(value.toLowerCase(), text.toLowerCase(), true));
  }
  if (field === 'priority') {
    const wanted = PRIORITIES.findIndex((name) => name.toLowerCase() === value.toLowerCase());
    const has = PRIORITIES.indexOf(event.priority);
    return operator === '>=' ? has <= wanted : has === wanted;
  }
  if (field === 'tags') return event.tags.some((tag) => fits(value, tag));
  if (['rule', 'source', 'hostname', 'uuid'].includes(field)) return fits(value, event[field]);
  const found = event.fields.find((one) => one.name === field);
  return found !== undefined && fits(value, textOf(found.value));
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800].map((s) => s * 1000);

function histogramOf(events, from, to, by, wanted = 80) {
  const interval = STEPS.find((step) => (to - from) / step <= wanted * 1.25) ?? STEPS.at(-1);
  const start = Math.floor(from / interval) * interval;
  const counted = countBy(events, (event) => [event.rule]);
  const keys = by === 'priority' ? PRIORITIES : counted.slice(0, 8).map((one) => one.value);
  const buckets = Array.from({ length: Math.ceil((to - start) / interval) }, (_, i) => ({ at: start + i * interval, counts: keys.map(() => 0) }));
  for (const event of events) {
    const key = keys.indexOf(event[by]);
    const bucket = buckets[Math.floor((event.at - start) / interval)];
    if (key >= 0 && bucket) bucket.counts[key]++;
  }
  return { interval_ms: interval, by, keys, buckets };
}

function countBy(events, valuesOf) {
  const counts = new Map();
  for (const event of events) for (const value of valuesOf(event)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

const fieldOf = (event, name) => textOf(event.fields.find((one) => one.name === name)?.value ?? null);

function overviewOf(events, before, from, to) {
  const was = (valueOf, value) => before.filter((event) => valueOf(event) === value).length;
  const rules = countBy(events, (event) => [event.rule]);
  return {
    from, to, total: events.length, before: before.length,
    priorities: PRIORITIES.map((priority) => ({ priority, count: events.filter((event) => event.priority === priority).length, before: was((event) => event.priority, priority) })),
    rules: rules.slice(0, 20).map(({ value, count }) => ({ rule: value, priority: events.find((event) => event.rule === value).priority, count, before: was((event) => event.rule, value) })),
    rule_count: rules.length, histogram: histogramOf(events, from, to, 'priority'),
    hosts: countBy(events, (event) => [event.hostname]).slice(0, 10),
    containers: countBy(events, (event) => [fieldOf(event, 'container.id')]).slice(0, 10),
    tags: countBy(events, (event) => event.tags).slice(0, 10),
  };
}

/** As the sensor would have sent it: numbers bare, with all their digits. */
export function storedText(event) {
  const json = (value) => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value.number : JSON.stringify(value));
  const fields = event.fields.map((field) => `${JSON.stringify(field.name)}:${json(field.value)}`).join(',');
  const { uuid, priority, rule, time, source, hostname, output, tags } = event;
  const head = Object.entries({ uuid, output, priority, rule, time, source, hostname, tags }).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
  return `{${head},"output_fields":{${fields}}}`;
}

/** Starts on a free port of the loopback. */
export async function startFakeApi({ dist, events = [], port = 0, login = true, user = 'admin', password = 'secret', forwarders = FORWARDERS, role = 'operator', knownBy = login ? 'login' : 'nothing', responses = RESPONSES, responder = {}, rules = ['/etc/tercel/rules.d'] }) {
  let sequence = 0;
  const store = [];
  const streams = new Set();
  const sessions = new Set();
  const failing = new Map();
  const state = { delayMs: 0, isExact: true, isCut: false, loginTries: 0, requests: [], tested: [], decided: [], ended: [], told: responses.map((one) => ({ ...one })), open: SESSIONS.map((one) => ({ ...one })) };

  const keep = (event) => {
    const kept = { ...event, at: Date.parse(event.time), seq: ++sequence };
    store.push(kept);
    return kept;
  };
  events.forEach(keep);
  const bare = ({ at, seq, ...event }) => event;
  const newest = (a, b) => (BigInt(b.time_ns) > BigInt(a.time_ns) ? 1 : BigInt(b.time_ns) < BigInt(a.time_ns) ? -1 : a.uuid < b.uuid ? 1 : -1);
  const select = (terms, from, to) => store.filter((event) => event.at >= from && event.at <= to && holds(event, terms));

  const scopeOf = (params) => {
    const now = Date.now();
    return { from: momentOf(params.get('from'), now, 'now-24h'), to: momentOf(params.get('to'), now, 'now'), terms: parse(params.get('q') ?? '') };
  };

  const routes = {
    overview: (params) => {
      const { from, to, terms } = scopeOf(params);
      return { ...overviewOf(select(terms, from, to), select(terms, from - (to - from), from - 1), from, to), is_exact: state.isExact };
    },
    histogram: (params) => {
      const { from, to, terms } = scopeOf(params);
      return histogramOf(select(terms, from, to), from, to, params.get('by') ?? 'priority', Number(params.get('buckets') ?? 80));
    },
    events: (params) => {
      const { from, to, terms } = scopeOf(params);
      const found = select(terms, from, to).sort(newest);
      const limit = Math.min(500, Number(params.get('limit') ?? 100));
      const start = params.get('cursor') ? found.findIndex((event) => `${event.time_ns}.${event.uuid}` === params.get('cursor')) + 1 : 0;
      const page = found.slice(start, start + limit);
      const last = page.at(-1);
      return { events: page.map(bare), total: found.length, is_exact: state.isExact, scanned: store.length, took_ms: 3, next: last && start + limit < found.length ? `${last.time_ns}.${last.uuid}` : null };
    },
    facets: (params) => {
      const { from, to, terms } = scopeOf(params);
      const found = select(terms, from, to);
      const valuesOf = (event, field) => (field === 'tags' ? event.tags : ['rule', 'priority', 'hostname', 'source'].includes(field) ? [event[field]] : [fieldOf(event, field)]);
      const facets = params.get('fields').split(',').map((field) => {
        const all = countBy(found, (event) => valuesOf(event, field));
        const contains = (params.get('contains') ?? '').toLowerCase();
        const values = all.filter((one) => one.value.toLowerCase().includes(contains)).slice(0, Number(params.get('limit') ?? 10));
        return { field, values, distinct: all.length, others: all.slice(values.length).reduce((sum, one) => sum + one.count, 0), is_exact: state.isExact || params.get('exact') === '1' };
      });
      return { facets, is_exact: facets.every((one) => one.is_exact), scanned: store.length, took_ms: 2 };
    },
    forwarders: () => ({ forwarders }),
    responses: (params) => {
      const fit = (one) => ['state', 'namespace', 'pod'].every((name) => !params.get(name) || one[name] === params.get(name));
      const before = Number(params.get('before') || Infinity);
      const said = { is_configured: true, error: null, leads: true, dry_run: false, ...responder };
      return { ...said, responses: said.is_configured && !said.error ? state.told.filter((one) => fit(one) && one.id < before).slice(0, Number(params.get('limit'))) : [] };
    },
    rule: (params) => ({
      is_configured: rules.length > 0, error: null,
      texts: rules.length > 0 ? [{ file: 'tercel_rules.yaml', line: 12, text: `- rule: ${params.get('rule')}\n  condition: >\n    spawned_process and proc.name = "cat" # ${HOSTILE}\n  priority: WARNING\n` }] : [],
    }),
    access: () => ({
      user, role, known_by: knownBy, login, ignored_headers: 3,
      sessions: state.open.filter((one) => role === 'operator' || one.user === user),
      users: role === 'operator' ? [{ name: 'admin', role: 'operator' }, { name: HOSTILE, role: 'viewer' }] : null,
    }),
    settings: () => ({
      version: '0.1.0', forwarders: forwarders.map((one) => one.url), responder: 'http://localhost:2803', rules, trusted_proxies: ['127.0.0.1'],
      store: { events: store.length, bytes: 48_000_000, oldest_ms: store[0]?.at ?? 0, newest_ms: store.at(-1)?.at ?? 0, ttl_ms: 30 * 86_400_000, max_bytes: 8e9, folder: '/var/lib/tercel/dashboard' },
      ingest: { port: 2802, socket: '/run/tercel/dashboard/socket', has_token: true },
    }),
    status: () => {
      const at = store.map((event) => event.at);
      return { version: '0.1.0', events: store.length, oldest_ms: at.length ? Math.min(...at) : null, newest_ms: at.length ? Math.max(...at) : null, store_bytes: 4096, outputs: ['WebUI'] };
    },
  };

  const cookieOf = (request) => /tercel_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
  const isIn = (request) => !login || sessions.has(cookieOf(request));

  const send = (response, status, body, headers = {}) => {
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...HEADERS, ...headers });
    response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  };

  const readBody = async (request) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    return JSON.parse(text);
  };

  const logIn = async (request, response) => {
    const given = await readBody(request);
    if (given.user === user && given.password === password) {
      state.loginTries = 0;
      const token = `t${Math.random().toString(36).slice(2)}`;
      sessions.add(token);
      return send(response, 204, undefined, { 'Set-Cookie': `tercel_session=${token}; HttpOnly; SameSite=Strict; Path=/` });
    }
    if (++state.loginTries > 3) return send(response, 429, { error: 'too many tries' }, { 'Retry-After': '7' });
    send(response, 401, { error: 'user name or password is wrong' });
  };

  const push = (stream, event) => {
    if (holds(event, stream.terms))
      stream.response.write(`event: alert\nid: ${event.seq}\ndata: ${JSON.stringify(bare(event))}\n\n`);
  };

  const openStream = (request, response, params) => {
    if (state.isCut) return request.socket.destroy();
    const stream = { response, terms: parse(params.get('q') ?? '') };
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', ...HEADERS });
    response.write(': hello\n\n');
    const last = Number(request.headers['last-event-id'] ?? NaN);
    if (!Number.isNaN(last)) store.filter((event) => event.seq > last).forEach((event) => push(stream, event));
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
  };

  const answerApi = async (request, response, url) => {
    const name = url.pathname.slice('/api/v2/'.length);
    const failure = failing.get(name);
    if (failure) return send(response, failure, { error: 'the store is busy; events are still taken in' });
    if (name === 'login') return logIn(request, response);
    if (!isIn(request)) return send(response, 401, { error: 'sign in first' });
    if (name === 'logout') {
      sessions.delete(cookieOf(request));
      return send(response, 204, undefined, { 'Set-Cookie': 'tercel_session=; Max-Age=0; Path=/' });
    }
    if (name === 'session') return send(response, 200, { user: login ? user : 'anonymous', role, known_by: knownBy, login });
    if (['test', 'decide'].includes(name) && role !== 'operator') return send(response, 403, { error: 'only an operator may do this; you may look (viewer)' });
    if (name === 'decide') {
      const asked = Object.fromEntries(url.searchParams);
      const one = state.told.find((told) => String(told.id) === asked.response);
      if (!one?.decisions.includes(asked.decision)) return send(response, 409, { error: `response ${asked.response} is ${one?.state}` });
      state.decided.push(asked);
      Object.assign(one, { state: { approve: 'done', reject: 'rejected', undo: 'undone' }[asked.decision], decisions: asked.decision === 'approve' ? ['undo'] : [], decided_by: user });
      return send(response, 204);
    }
    if (name === 'sessions/end') {
      const id = url.searchParams.get('session');
      const gone = state.open.filter((one) => !one.is_own && (id ? one.id === id : one.user === user));
      state.open = state.open.filter((one) => !gone.includes(one));
      state.ended.push(id);
      return send(response, 200, { ended: gone.length });
    }
    if (name === 'backup') return send(response, 200, 'a tar', { 'Content-Type': 'application/x-tar', 'Content-Disposition': 'attachment; filename="tercel-backup.tar"' });
    if (name === 'test') {
      state.tested.push(Object.fromEntries(url.searchParams));
      return send(response, 204);
    }
    if (name === 'stream') return openStream(request, response, url.searchParams);
    const one = /^events\/([^/]+)(\/json)?$/.exec(name);
    if (one) {
      const event = store.find((kept) => kept.uuid === decodeURIComponent(one[1]));
      if (!event) return send(response, 404, { error: 'there is no such event' });
      return send(response, 200, one[2] ? storedText(event) : { event: bare(event) });
    }
    const near = /^around\/([^/]+)$/.exec(name);
    if (near) {
      const event = store.find((kept) => kept.uuid === decodeURIComponent(near[1]));
      const value = event && fieldOf(event, 'container.id');
      const others = store.filter((kept) => kept !== event && fieldOf(kept, 'container.id') === value && Math.abs(kept.at - event.at) < 300_000).sort(newest);
      return send(response, 200, { field: 'container.id', value: value || null, after: others.filter((kept) => newest(kept, event) < 0).slice(-10).map(bare), before: others.filter((kept) => newest(kept, event) > 0).slice(0, 10).map(bare), is_exact: true });
    }
    if (!routes[name]) return send(response, 404, { error: 'no such route' });
    if (state.delayMs) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    send(response, 200, routes[name](url.searchParams));
  };

  const answerFile = (response, url) => {
    const name = url.pathname === '/' ? 'index.html' : path.normalize(url.pathname).slice(1);
    const file = path.join(dist, name);
    if (!file.startsWith(path.resolve(dist)) || !fs.existsSync(file)) return send(response, 404, { error: 'no such file' });
    response.writeHead(200, { 'Content-Type': TYPES[file.split('.').at(-1)] ?? 'application/octet-stream', ...HEADERS }).end(fs.readFileSync(file));
  };

  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    state.requests.push(`${request.method} ${request.url}`);
    const answer = url.pathname.startsWith('/api/v2/') ? answerApi(request, response, url) : Promise.resolve(answerFile(response, url));
    answer.catch((error) => send(response, error.status ?? 500, { error: error.message, column: error.column }));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    state,
    store,
    add(event) {
      const kept = keep(event);
      streams.forEach((stream) => push(stream, kept));
    },
    empty: () => store.splice(0),
    endSessions: () => sessions.clear(),
    /** Breaks all streams, and refuses new ones until it is called with false. */
    cut(isCut) {
      state.isCut = isCut;
      if (isCut) streams.forEach((stream) => stream.response.destroy());
    },
    fail: (name, status) => (status ? failing.set(name, status) : failing.delete(name)),
    streamCount: () => streams.size,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
