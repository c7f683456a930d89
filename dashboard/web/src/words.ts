/*
 * Every word that a person reads, in one place; another language is another file of this shape.
 * A message is whole: parts that vary are parameters, never glued together by the pages.
 */
import { change, exact } from './logic/number';
import type { Facts } from './logic/event';
import type { Span } from './logic/time';
import type { Priority } from './types';

const plural = (count: number, one: string, many: string) => `${exact(count)} ${count === 1 ? one : many}`;

const SHORT_UNITS: Record<Span['unit'], string> = { second: 's', minute: 'min', hour: 'h', day: 'd' };

const span = ({ value, unit }: Span) => plural(value, unit, `${unit}s`);

/** "an hour" is "hour" after "the" or "last". */
const bareSpan = ({ value, unit }: Span) => (value === 1 ? unit : `${exact(value)} ${unit}s`);

/** The parts of a sentence: text, and the values of an event, which are drawn as such. */
export type SentencePart = string | { value: string };

/** What a system call does to its object, or alone when there is none. */
const VERBS: Record<string, [string, string]> = {
  open: ['opened', 'opened a file'], creat: ['made', 'made a file'], connect: ['connected', 'made a connection'], accept: ['accepted', 'accepted a connection'],
  bind: ['bound', 'bound a port'], listen: ['listened on', 'listened'], sendto: ['sent to', 'sent data'], sendmsg: ['sent to', 'sent data'],
  unlink: ['removed', 'removed a file'], rename: ['renamed', 'renamed a file'], mkdir: ['made', 'made a folder'], rmdir: ['removed', 'removed a folder'],
  link: ['linked', 'made a link'], symlink: ['linked', 'made a symbolic link'], chmod: ['changed the mode of', 'changed a mode'],
  fchmod: ['changed the mode of', 'changed a mode'], chown: ['changed the owner of', 'changed an owner'], mount: ['mounted', 'mounted something'],
  ptrace: ['traced', 'traced a process'], setuid: ['changed its user over', 'changed its user'], dup: ['redirected', 'redirected a stream'],
};
const NO_VERB: [string, string] = ['used', 'ran'];

function sentence(facts: Facts, moment: string): SentencePart[] {
  const verb = VERBS[facts.call] ?? NO_VERB;
  const isStart = facts.call === 'execve' && !facts.object;
  const parts: SentencePart[] = ['At ', { value: moment }, ', ', facts.program ? { value: facts.program } : 'something'];
  if (isStart) parts.push(' was started');
  else if (facts.object) parts.push(` ${verb[0]} `, { value: facts.object });
  else parts.push(` ${verb[1]}`);
  if (facts.container === 'host') parts.push(' on the host itself');
  else if (facts.container) parts.push(' in container ', { value: facts.container });
  if (facts.container && facts.container !== 'host' && facts.image) parts.push(' of image ', { value: facts.image });
  if (facts.user) parts.push(' as ', { value: facts.user });
  if (facts.parent) parts.push('. Its parent is ', { value: facts.parent });
  return [...parts, '.'];
}

export const words = {
  product: 'Tercel',
  title: (page: string) => `${page} · Tercel`,
  skip: 'Skip to content',
  close: 'Close',
  retry: 'Try again',
  none: 'none',

  priorities: {
    Emergency: 'Emergency', Alert: 'Alert', Critical: 'Critical', Error: 'Error',
    Warning: 'Warning', Notice: 'Notice', Informational: 'Informational', Debug: 'Debug',
  } satisfies Record<Priority, string>,

  span,
  bareSpan,
  shortSpan: ({ value, unit }: Span) => `${value} ${SHORT_UNITS[unit]}`,
  ago: (age: Span) => (age.unit === 'second' && age.value < 5 ? 'now' : `${age.value} ${SHORT_UNITS[age.unit]} ago`),

  nav: {
    label: 'Main', overview: 'Overview', events: 'Events', event: 'Event', home: 'Tercel, overview',
    delivery: 'Delivery', sensors: 'Sensors', responses: 'Responses', settings: 'Settings', help: 'Help and keys', theme: 'Theme', more: 'More', signOut: 'Sign out',
    signedIn: (user: string) => `Signed in as ${user}`, noLogin: 'No login is asked for',
    byProxy: 'Signed in by the proxy',
  },

  theme: {
    label: 'Theme', system: 'System', light: 'Light', dark: 'Dark',
    now: (choice: 'system' | 'light' | 'dark') => ({ system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' })[choice],
  },

  delivery: {
    title: 'Outputs', about: 'Where alerts go, and whether they arrive. An output that fails loses nothing: what waits is sent when it answers again.',
    columns: ['Output', 'State', 'Waiting', 'Oldest', 'Sent', 'Given up', 'Last complaint', 'Try it'],
    states: { ok: 'Delivers', retrying: 'Tries again', refused: 'Refused' } as Record<string, string>,
    nothing: '–', test: 'Test', testOf: (title: string) => `Send a test alert to ${title}`,
    onlyOperators: 'operators only',
    tested: (title: string) => `A test alert is on its way to ${title}`,
    silent: (url: string, why: string) => `${url} does not answer: ${why}`,
    noOutputs: 'This forwarder has no output.', noOutputsMore: 'Name one in its settings file, such as slack.webhookurl; tercel outputs lists them all.',
    noForwarder: 'The dashboard knows no forwarder.', noForwarderMore: 'Start it with --forwarder and its address to see its outputs and nodes here.',
  },

  sensors: {
    about: 'Nodes whose sensor beats, and the events that each saw in the time chosen above.',
    columns: ['Node', 'State', 'Last heard', 'Events', 'Known by'],
    watching: 'Watching', silent: 'Silent',
    known: { none: 'nothing', token: 'its token', socket: 'this host', mtls: 'its certificate' } as Record<string, string>,
    none: 'No sensor has been heard.', noneMore: 'A sensor beats at its forwarder every five seconds, where http_output is enabled.',
  },

  responses: {
    about: 'What the responder did about alerts, what it held back and why, and what waits for somebody to decide.',
    filter: 'Shown', all: 'All', allPods: 'Responses about all pods',
    states: {
      waiting: 'Waits for approval', pending: 'Due', running: 'Running', done: 'Done', failed: 'Failed', refused: 'Held back',
      expired: 'Expired', dry_run: 'Dry run', undoing: 'Being undone', undone: 'Undone', rejected: 'Rejected',
    } as Record<string, string>,
    actionStates: { running: 'running', again: 'tried again later', done: 'done', ignored: 'not needed', failed: 'failed', undone: 'undone' } as Record<string, string>,
    actions: 'Actions', on: 'on', toAlert: 'Alert:', took: (ms: number) => `took ${exact(ms)} ms`,
    decidedBy: (user: string) => `Decided by ${user}`,
    expires: (moment: string) => `Expires at ${moment}`,
    undoneAt: (moment: string) => `Undone by itself at ${moment}`,
    onlyOperators: 'An operator decides.',
    decisions: { approve: 'Approve', reject: 'Reject', undo: 'Undo' },
    decideOf: (decision: string, rule: string) => `${decision}: ${rule}`,
    confirm: {
      approve: 'The actions of this response are run now.', reject: 'Nothing is done about this alert.',
      undo: 'What its actions changed is changed back, as far as it can be.',
    },
    decided: { approve: 'Approved. It runs now.', reject: 'Rejected.', undo: 'It is being undone.' },
    cancel: 'Cancel', more: 'Show older responses', showAll: 'Show all responses',
    silent: (why: string) => `The responder does not answer: ${why}`,
    fromAlerts: 'These are from the alerts that the responder sent, of the last 30 days. Nothing can be decided here.',
    dryRun: 'The responder runs dry: it says what it would do, and does nothing. dry_run: false in its settings switches it on.',
    noResponder: 'The dashboard knows no responder.',
    noResponderMore: 'A responder labels, isolates or deletes a pod when an alert says so. Give its playbooks to tercel up with --playbook, or name a running one with --responder and its address.',
    none: 'Nothing was done yet.', noneMore: 'When an alert matches a playbook, what is done about it appears here.',
    noneSuch: 'No response is like that.',
  },

  settings: {
    about: 'Who you are here, what is kept, and what this dashboard runs with.',
    you: 'You', user: 'User', role: 'Role', roles: { viewer: 'Viewer', operator: 'Operator' }, knownBy: 'Known by',
    ways: { nothing: 'nothing, no login is asked for', login: 'a password', proxy: 'the proxy in front' },
    readOnly: 'A viewer looks, searches and exports. An operator also sends test alerts, decides of responses, and makes backups.',
    ignored: (count: number) => `${plural(count, 'request', 'requests')} named a user in X-Forwarded-User without coming from a trusted proxy. That means nothing, but somebody tries.`,
    sessions: 'Sessions', sessionColumns: ['User', 'From', 'Since', 'Last seen', 'End'], noSessions: 'Nobody is signed in with a password.',
    thisOne: 'this one', end: 'End', endOf: (user: string, peer: string) => `End the session of ${user} from ${peer}`,
    endOthers: 'End my other sessions', ended: (count: number) => `${plural(count, 'session', 'sessions')} ended`,
    users: 'Users', addUsers: 'Users are added, changed and removed on the host:', addCommand: 'tercel user set NAME --role viewer\ntercel user remove NAME',
    kept: 'What is kept', size: 'Size', oldest: 'Oldest', keptFor: 'Kept for', forEver: 'ever', atMost: 'At most', noLimit: 'no limit', folder: 'Folder',
    howToKeep: 'Start the dashboard with --ttl and --max-size to change how long and how much is kept.',
    backup: 'Download a backup', backupMore: 'Taken while it runs; docs/dashboard.md says how to restore it.',
    intake: 'Where alerts come in', intakeMore: 'A forwarder or Falcosidekick (webui.url) sends its alerts here, one or an array:',
    address: 'the address', copyAddress: 'Copy the address',
    needsToken: 'Senders need the token.', needsNone: 'No token is asked for: whoever reaches this port can send alerts.', socket: 'Also over the unix socket',
    running: 'What it runs with', version: 'Version', forwarders: 'Forwarders', responder: 'Responder', rules: 'Rules files', proxies: 'Trusted proxies',
    document: 'The API, as an OpenAPI document',
  },

  search: {
    label: 'Search events', placeholder: 'Search, or field:value', clear: 'Clear the search', region: 'Search',
    errorAt: (column: number) => `Column ${column}:`,
    error: 'This search cannot be read:',
    because: (message: string) => (/[.?!]$/.test(message) ? message : `${message}.`),
    kept: 'What you see is from your last search.',
    suggestions: 'Suggestions', fields: 'Fields', values: 'Values',
    choose: 'choose', complete: 'complete', go: 'search', out: 'leaves out', least: 'at least', phrase: 'words together',
    count: (count: number) => plural(count, 'event', 'events'),
  },

  fieldHelp: {
    priority: 'how grave, also priority>=warning', rule: 'name of the rule', hostname: 'node it happened on',
    source: 'where the event came from', tags: 'one tag of the rule', 'proc.name': 'name of the program',
    'proc.cmdline': 'command line, * matches anything', 'proc.pname': 'name of the parent',
    'proc.exepath': 'path of the program', 'user.name': 'name of the user', 'fd.name': 'file or connection',
    'container.id': 'container, 12 characters', 'container.name': 'name of the container',
    'container.image.repository': 'image without its tag', 'k8s.pod.name': 'pod', 'k8s.ns.name': 'namespace',
    'evt.type': 'system call', uuid: 'one event',
  } as Record<string, string>,

  time: {
    label: 'Time range:', heading: 'Time range', relative: 'Up to now', absolute: 'Between two times',
    last: (length: Span) => `Last ${bareSpan(length)}`,
    lastShort: (length: Span) => `${length.value} ${SHORT_UNITS[length.unit]}`,
    between: (from: string, to: string) => `${from} to ${to}`,
    since: (from: string) => `Since ${from}`,
    from: 'From', to: 'To', hint: '10:00, yesterday, now-3d or 2026-11-24 10:00', show: 'Show this range',
    unread: (field: string) => `${field} is no time. Write 10:00, yesterday, now-3d or 2026-11-24 10:00.`,
    backwards: 'From must be before To.',
    zone: 'Time zone', utc: 'UTC', local: (offset: string) => `Local, ${offset}`,
    earlier: 'Earlier', later: 'Later',
  },

  live: {
    label: 'Live', on: 'Live, on', off: 'Live, off', connecting: 'Live, connecting',
    cut: (seconds: number) => `Live is cut, trying again in ${seconds} s. Nothing is lost.`,
    paused: 'Live is off',
    waiting: (count: number) => plural(count, 'new event', 'new events'),
    since: (time: string) => `since ${time}`,
    show: 'Show them',
  },

  overview: {
    title: 'Overview',
    range: (length: string, to: string) => `${length} to ${to}, compared with the same time before`,
    figures: 'Key figures',
    events: 'Events', grave: 'Critical and above', errors: 'Errors and warnings', rules: 'Rules that fired', last: 'Last event',
    noLast: 'none yet', kept: (age: string, count: number, oldest: string) => `${age}, ${exact(count)} kept since ${oldest}`,
    keptNone: 'Nothing is kept yet',
    most: 'Most often:', noRule: 'No rule in this time',
    overTime: 'Events over time', stackBy: 'Stack by', byPriority: 'Priority', byRule: 'Rule',
    priorities: 'Priorities', prioritiesTable: 'Events by priority', priority: 'Priority', count: 'Events', change: 'Change',
    donut: 'Events by priority; the table beside it has the numbers', unit: (count: number) => (count === 1 ? 'event' : 'events'),
    ruleList: 'Rules', allRules: (count: number) => `The first of ${exact(count)}`,
    containerList: 'Containers', namespaces: 'Namespaces', pods: 'Pods', images: 'Images', nodes: 'Nodes', noValues: 'No event in this time names one.',
    where: 'Where', groupBy: 'Group by', containers: 'Container', hosts: 'Host', tags: 'Tags',
    noContainers: 'No event in this time came from a container.', noHosts: 'No event in this time names a host.',
    noTags: 'No event in this time has a tag.', noRules: 'No rule fired in this time.',
    inPart: 'Counting took too long and was stopped: there are at least this many. A shorter time or a search by rule or priority is exact.',
  },

  /** How a figure moved, in words: an arrow, an amount, and from what. */
  change: (count: number, before: number): { amount: string; rest: string } => {
    const moved = change(count, before);
    if (moved.direction === 'same') return { amount: '', rest: count === 0 ? 'none before either' : 'as many as before' };
    if (moved.direction === 'new') return { amount: `▲ ${moved.amount}`, rest: 'from none' };
    return { amount: `${moved.direction === 'up' ? '▲' : '▼'} ${moved.amount}`, rest: `from ${exact(before)}` };
  },
  shortChange: (count: number, before: number): string => {
    const moved = change(count, before);
    if (moved.direction === 'same') return count === 0 ? '–' : '=';
    if (moved.direction === 'new') return 'new';
    return `${moved.direction === 'up' ? '▲' : '▼'} ${moved.amount}`;
  },

  histogram: {
    label: (interval: string, total: number) => `Events per ${interval}, ${exact(total)} in all`,
    heading: (interval: string) => `Events per ${interval}`,
    keys: 'Arrow keys move, Shift and arrows select, Enter zooms, Escape clears.',
    bucket: (from: string, interval: string) => `${from}, ${interval}`,
    at: (from: string, count: number) => `${from}: ${plural(count, 'event', 'events')}`,
    total: 'All', time: 'Time', selected: (from: string, to: string) => `${from} to ${to} selected`,
    zoom: 'Zoom to selection', clear: 'Clear', out: 'Zoom out', other: 'Other',
    hide: (name: string) => `${name}, shown`, legend: 'Shown in the chart',
  },

  events: {
    title: 'Events', list: 'Events, newest first',
    total: (count: number) => plural(count, 'event', 'events'), atLeast: 'at least',
    took: (ms: number) => `${exact(ms)} ms`,
    time: 'Time', priority: 'Priority', what: 'Rule and process', where: 'Workload', open: 'Details',
    more: 'Show older events', loadingMore: 'Loading older events', end: 'These are all of them.',
    ceiling: (count: number) => `The page holds ${exact(count)} events. Narrow the search or the time to see older ones.`,
    hostProcess: 'host process', fold: 'Fold repeats', countAll: 'Count all',
    repeats: (count: number) => `${exact(count)} times`, unfold: (count: number) => `Show ${exact(count)} more like it`, refold: 'Fold them',
    foundIn: (field: string) => `${field}:`,
    output: 'output',
  },

  facets: {
    title: 'Filters', open: 'Filters', loading: 'Counting…', none: 'No event has one.',
    include: (value: string) => `Only ${value}`, exclude: (value: string) => `Without ${value}`, values: (name: string) => `Values of ${name}`,
    more: (count: number) => `${exact(count)} more`, fewer: 'Fewer',
    partial: 'Counting was stopped early: there are at least so many.', countAll: 'Count all',
    add: 'Another field', addHint: 'Another field, evt.type', addIt: 'Add',
    names: {
      priority: 'Priority', rule: 'Rule', 'k8s.ns.name': 'Namespace', 'k8s.pod.name': 'Pod', hostname: 'Node',
      'container.image.repository': 'Image', 'container.name': 'Container', 'proc.name': 'Process', 'proc.pname': 'Parent process',
      'user.name': 'User', 'fd.name': 'File or connection', tags: 'Tag', source: 'Source',
    } as Record<string, string>,
  },

  views: {
    title: 'Saved views', save: 'Save view', name: 'Name of the view', keep: 'Save', forget: (name: string) => `Forget ${name}`,
    none: 'A saved view keeps the search, the range and the filters of this page under a name, in this browser.',
    saved: (name: string) => `Saved: ${name}`,
  },

  exports: {
    open: 'Export', all: (count: string) => `All ${count} as`, forms: [['ndjson', 'NDJSON, a line each'], ['json', 'JSON, one array'], ['csv', 'CSV, for spreadsheets']] as [string, string][],
  },

  attack: {
    title: 'MITRE ATT&CK', none: 'No event in this time has a tag of ATT&CK.', other: 'Others',
    cell: (name: string, count: number) => `${name}: ${plural(count, 'event', 'events')}`,
  },

  event: {
    sentence,
    responses: 'Responses about this pod', ruleText: 'Rule', ruleAt: (file: string, line: number) => `${file}, line ${exact(line)}`,
    noRules: 'The dashboard was not given the rules files: start it with --rules and their folder to read the rule here.',
    noRuleText: 'None of the rules files has this rule.', ruleUnread: (why: string) => `A rules file was not read: ${why}`,
    previous: 'Previous event', nextOne: 'Next event', aroundIt: 'Around it', rule: 'Exception to this rule',
    aroundSame: 'within 5 minutes in the same container', aroundNone: 'Nothing else happened there within 5 minutes.',
    aroundNowhere: 'The event names no container.', thisOne: 'this event', aroundLoading: 'Looking',
    draft: 'A draft that fits this event. Narrow it, then put it into a rules file: nothing is changed from here.', copyDraft: 'Copy the draft', theDraft: 'the draft',
    find: 'Find a field', noFound: 'No field has that.', back: 'All events', page: 'Open as page', copyLink: 'Copy link', link: 'The link',
    around: 'This container, 5 minutes either side', noEvent: 'There is no such event.',
    noEventMore: 'It may have been older than the store keeps.',
    output: 'Output', ancestry: 'Process ancestry', oldest: 'oldest first', self: 'this event', where: 'Where', fields: 'Fields',
    tags: 'Tags', json: 'JSON', stored: 'as stored', indent: 'Line breaks', copyJson: 'Copy',
    fieldTable: 'Fields of the event', name: 'Name', value: 'Value', acts: 'Acts',
    copyField: (name: string) => `Copy ${name}`, filterFor: (name: string) => `Filter for ${name}`, filterOut: (name: string) => `Filter out ${name}`,
    showAll: (kilobytes: string) => `Show all ${kilobytes}`,
    labels: {
      host: 'Host', source: 'Source', namespace: 'Namespace', pod: 'Pod', container: 'Container', id: 'ID', image: 'Image',
      user: 'User', rule: 'Rule', uuid: 'UUID',
    },
    noFields: 'This event has no fields.',
  },

  copy: {
    done: (what: string) => `Copied: ${what}`,
    failed: 'The browser does not let this page copy. Mark the text and copy it by hand.',
  },

  empty: {
    firstRun: 'No events yet. Tercel is ready and listening.',
    firstRunMore: 'Make one to see the whole way work. Start a container, then read the file in it:',
    firstRunCommands: ['docker run -it --rm debian:12 sh', 'cat /etc/shadow'],
    command: 'Commands', copyCommand: 'Copy the first command', theCommand: 'the command',
    firstRunEnd: 'Both the shell and the file appear here within a second.',
    nothing: (range: string) => `No events match: ${range}.`,
    nothingAtAll: (range: string) => `No events: ${range}.`,
    newest: (age: string, moment: string) => `The newest event kept is from ${moment} (${age}).`,
    widen: (range: string) => `Widen to ${range}`,
    clear: 'Clear the search',
  },

  error: {
    status: (status: number) => `The dashboard answered ${status}.`,
    unreachable: 'The dashboard does not answer. Events are still taken in by the forwarder.',
    part: (name: string) => `${name} did not load.`,
    oldLink: (fields: string) => `This link names several values of: ${fields}. That filter was left out.`,
  },

  login: {
    title: 'Sign in', lead: 'Runtime security for your containers', user: 'User name', password: 'Password',
    show: 'Show password', hide: 'Hide password', submit: 'Sign in',
    foot: "First time? The administrator's password was printed once, when the dashboard first started.",
    motto: 'See what your containers do, while they do it.', about: 'About Tercel',
    failed: 'User name or password is wrong.',
    wait: (seconds: number) => `Too many tries. Wait ${exact(seconds)} s.`,
    expired: 'Your session has ended', expiredMore: 'Sign in again to go on where you were.',
  },

  help: {
    title: 'Help and keys', keys: 'Keys', language: 'Search',
    list: [
      ['/', 'Search'], ['j k', 'Next and previous event'], ['Enter', 'Open or close an event'], ['Esc', 'Close or clear'],
      ['l', 'Live on or off'], ['f', 'Fold repeats'], ['x', 'Export'], ['[ ]', 'Earlier and later'], ['z', 'Zoom out'], ['g o', 'Overview'], ['g e', 'Events'], ['g d', 'Delivery'], ['g s', 'Sensors'], ['g r', 'Responses'], ['g ,', 'Settings'],
      ['t', 'Light or dark'], ['?', 'This help'],
    ] as [string, string][],
    queries: [
      ['shell', 'the word, anywhere in an event'], ['"was spawned in"', 'these words together'],
      ['proc.name:cat', 'a field with this value'], ['proc.cmdline:*shadow*', '* matches anything'],
      ['-rule:"Write below etc"', 'leaves out'], ['priority>=warning', 'at least this grave'],
      ['user.name:(root OR mail)', 'one of several'], ['(a OR b) -c', 'either, and not c'], ['proc.pid>1000', 'compares numbers'],
    ] as [string, string][],
    languageNote: 'Blanks between terms mean "and".',
  },
};
