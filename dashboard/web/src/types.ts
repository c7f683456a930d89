/* The answers of /api/v2, and nothing else. Times are milliseconds since 1970 unless named _ns. */

export const PRIORITIES = [
  'Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Informational', 'Debug',
] as const;

/** Worst first, as everywhere on the pages. */
export type Priority = (typeof PRIORITIES)[number];

/** Numbers come as text, so that no digit of a 64-bit value is lost on the way. */
export type FieldValue = string | boolean | null | { number: string } | FieldValue[];

export interface Field {
  name: string;
  value: FieldValue;
}

export interface AlertEvent {
  uuid: string;
  /** RFC 3339 with nine digits. */
  time: string;
  time_ns: string;
  priority: Priority;
  rule: string;
  source: string;
  hostname: string;
  output: string;
  tags: string[];
  fields: Field[];
}

export interface Histogram {
  interval_ms: number;
  by: 'priority' | 'rule';
  keys: string[];
  buckets: { at: number; counts: number[] }[];
}

export interface Counted {
  value: string;
  count: number;
}

export interface PriorityCount {
  priority: Priority;
  count: number;
  before: number;
}

export interface RuleCount {
  rule: string;
  priority: Priority;
  count: number;
  before: number;
}

/** `before` is the same length of time just before `from`. */
export interface Overview {
  from: number;
  to: number;
  total: number;
  before: number;
  /** False when counting was stopped after its time: the counts are then at least these. */
  is_exact?: boolean;
  priorities: PriorityCount[];
  rules: RuleCount[];
  rule_count: number;
  histogram: Histogram;
  hosts: Counted[];
  containers: Counted[];
  tags: Counted[];
}

export interface EventList {
  events: AlertEvent[];
  /** Null where it was not asked for. */
  total: number | null;
  is_exact: boolean;
  scanned: number;
  took_ms: number;
  next: string | null;
}

export interface Facet {
  field: string;
  values: Counted[];
  /** How many values there are; those beyond the ones listed have `others` events. */
  distinct: number;
  others: number;
  is_exact: boolean;
}

export interface FacetList {
  facets: Facet[];
  is_exact: boolean;
}

/** What happened next to an event: newest first on both sides. */
export interface Around {
  field: string;
  value: string | null;
  after: AlertEvent[];
  before: AlertEvent[];
  is_exact: boolean;
}

/** An output of a forwarder, as it says itself. */
export interface Output {
  /** "slack", or "slack.shop" where there are several. */
  name: string;
  output: string;
  title: string;
  state: string;
  queued: number;
  oldest_ms: number;
  sent: number;
  dead_letters: number;
  cut: number;
  last_error: string | null;
  last_error_time: string | null;
}

export interface Node {
  hostname: string;
  /** How it was known: "none", "token", "socket" or "mtls". */
  verified: string;
  silent_ms: number;
  is_silent: boolean;
}

/** What a forwarder says; nulls and an error where it does not answer. */
export interface Forwarder {
  url: string;
  outputs: Output[] | null;
  nodes: Node[] | null;
  error: string | null;
}

export const RESPONSE_STATES = [
  'waiting', 'pending', 'running', 'done', 'failed', 'refused', 'expired', 'dry_run', 'undoing', 'undone', 'rejected',
] as const;
export type ResponseState = (typeof RESPONSE_STATES)[number];
export type Decision = 'approve' | 'reject' | 'undo';

export interface ResponseAction {
  action: string;
  actionner: string;
  state: string;
  result: string | null;
  took_ms: number;
}

/** One rule's answer to one alert. */
export interface Response {
  id: number;
  rule: string;
  state: ResponseState;
  why: string | null;
  decisions: Decision[];
  decided_by: string | null;
  namespace: string | null;
  pod: string | null;
  node: string | null;
  alert_uuid: string | null;
  /** Cut to what a row shows. */
  alert: { rule: string | null; priority: string | null; output: string } | null;
  created_ms: number;
  finished_ms: number;
  took_ms: number;
  deadline_ms: number;
  undo_ms: number;
  actions: ResponseAction[] | null;
}

export interface ResponseList {
  is_configured: boolean;
  /** Why the responder did not say anything. */
  error: string | null;
  leads: boolean;
  dry_run: boolean;
  responses: Response[];
}

export type Role = 'viewer' | 'operator';

export interface SessionOfUser {
  id: string;
  user: string;
  peer: string;
  since_ms: number;
  seen_ms: number;
  is_own: boolean;
}

/** An operator sees everybody's sessions, and the users. */
export interface Access {
  user: string;
  sessions: SessionOfUser[];
  users: { name: string; role: Role }[] | null;
  ignored_headers: number;
}

export interface Settings {
  version: string;
  store: { events: number; bytes: number; oldest_ms: number; newest_ms: number; ttl_ms: number; max_bytes: number; folder: string };
  ingest: { port: number; socket: string | null; has_token: boolean };
  forwarders: string[];
  responder: string | null;
  rules: string[];
  trusted_proxies: string[];
}

export interface RuleTexts {
  is_configured: boolean;
  texts: { file: string; line: number; text: string }[];
  error: string | null;
}

export interface Session {
  user: string;
  role: Role;
  known_by: 'nothing' | 'login' | 'proxy';
  /** False when the dashboard runs without a login. */
  login: boolean;
}

export interface Status {
  version: string;
  events: number;
  oldest_ms: number | null;
  newest_ms: number | null;
  store_bytes: number;
  outputs: string[];
}
