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

export interface Session {
  user: string;
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
