/* Events as sensors send them: the rules and fields are Falco's, the workloads are made up. */
import { createHash } from 'node:crypto';

/** A small generator of the same numbers each time. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const WORKLOADS = [
  { host: 'worker-1', id: '4f1c9e0a7b32', name: 'api', image: 'registry.example.com/payments/api', tag: '2.14.1', ns: 'payments', pod: 'api-7d9c6f5b8-x2kqp' },
  { host: 'worker-1', id: '6c9b72f1c563', name: 'weblogic-operator', image: 'ghcr.io/oracle/weblogic-kubernetes-operator', tag: '4.2.1', ns: 'wls-opt-ns-0dtm', pod: 'weblogic-operator-76c9cfd7d-rk2bx' },
  { host: 'worker-2', id: 'a70d1b94cc01', name: 'dns', image: 'openshift/origin-cli', tag: '4.19', ns: 'openshift-dns', pod: 'dns-default-4w7m2' },
  { host: 'worker-3', id: '0be51f7a22d9', name: 'runner', image: 'registry.example.com/ci/runner', tag: 'latest', ns: 'ci-runners', pod: 'runner-zk4f2' },
  { host: 'worker-2', id: 'd31f08c4a5be', name: 'eloquent_bell', image: 'debian', tag: '12', ns: null, pod: null },
  { host: 'worker-3', id: 'host', name: 'host', image: '', tag: '', ns: null, pod: null },
];

const number = (value) => ({ number: String(value) });

const KINDS = [
  { weight: 60, rule: 'Contact K8S API Server From Container', priority: 'Notice', tags: ['T1565', 'container', 'k8s', 'maturity_stable', 'mitre_discovery', 'network'],
    text: 'Unexpected connection to K8s API Server from container', fields: { 'evt.type': 'connect', 'fd.name': '172.30.87.79:51530->172.21.0.1:443', 'proc.name': 'engine-operator', 'proc.cmdline': 'engine-operator --cert-dir=/etc/certs', 'proc.pname': 'java' } },
  { weight: 14, rule: 'Launch Suspicious Network Tool in Container', priority: 'Notice', tags: ['T1595', 'container', 'maturity_sandbox', 'mitre_execution', 'network', 'process'],
    text: 'Network tool launched in container', fields: { 'evt.type': 'execve', 'proc.name': 'dig', 'proc.cmdline': 'dig -t A @172.21.0.10 +short api.example.com', 'proc.pname': 'bash', 'proc.aname[2]': 'runc' } },
  { weight: 9, rule: 'Read sensitive file untrusted', priority: 'Warning', tags: ['T1555', 'container', 'filesystem', 'host', 'maturity_stable', 'mitre_credential_access'],
    text: 'Sensitive file opened for reading by non-trusted program', fields: { 'evt.type': 'openat', 'fd.name': '/etc/shadow', 'proc.name': 'cat', 'proc.cmdline': 'cat /etc/shadow', 'proc.exepath': '/usr/bin/cat', 'proc.pname': 'sh', 'proc.aname[2]': 'runc' } },
  { weight: 6, rule: 'System user interactive', priority: 'Informational', tags: ['T1059', 'host', 'maturity_stable', 'mitre_execution', 'users'],
    text: 'System user ran an interactive command', fields: { 'evt.type': 'execve', 'proc.name': 'login', 'proc.cmdline': 'login -p --', 'proc.pname': 'systemd' } },
  { weight: 5, rule: 'Write below etc', priority: 'Error', tags: ['T1098', 'container', 'filesystem', 'host', 'maturity_sandbox', 'mitre_persistence'],
    text: 'File below /etc opened for writing', fields: { 'evt.type': 'openat', 'fd.name': '/etc/hosts', 'proc.name': 'cp', 'proc.cmdline': 'cp -f /tmp/hosts.tmp /etc/hosts', 'proc.pname': 'bash', 'proc.pcmdline': 'bash /usr/bin/openshift-node-resolver' } },
  { weight: 4, rule: 'Terminal shell in container', priority: 'Notice', tags: ['T1059', 'container', 'maturity_stable', 'mitre_execution', 'shell'],
    text: 'A shell was spawned in a container with an attached terminal', fields: { 'evt.type': 'execve', 'proc.name': 'sh', 'proc.cmdline': 'sh', 'proc.pname': 'runc', 'proc.aname[2]': 'containerd-shim', 'proc.tty': number(34816) } },
  { weight: 1, rule: 'Drop and execute new binary in container', priority: 'Critical', tags: ['PCI_DSS_11.5.1', 'TA0003', 'container', 'maturity_stable', 'mitre_persistence', 'process'],
    text: 'Executing binary not part of base image', fields: { 'evt.type': 'execve', 'proc.name': 'kworkerd', 'proc.cmdline': '/tmp/.cache/kworkerd -c /tmp/.cache/c.json', 'proc.exepath': '/tmp/.cache/kworkerd', 'proc.pname': 'sh', 'proc.aname[2]': 'node', 'proc.aname[3]': 'containerd-shim' } },
];

const uuidOf = (text) => createHash('sha256').update(text).digest('hex').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');

const isoOf = (atMs, nanos) => `${new Date(atMs).toISOString().slice(0, 19)}.${String(atMs % 1000).padStart(3, '0')}${String(nanos).padStart(6, '0')}Z`;

export function makeEvent(kind, workload, atMs, nanos, name = '') {
  const timeNs = `${atMs}${String(nanos).padStart(6, '0')}`;
  const values = {
    'container.id': workload.id, 'container.image.repository': workload.image, 'container.image.tag': workload.tag, 'container.name': workload.name,
    'evt.time': number(timeNs), 'k8s.ns.name': workload.ns, 'k8s.pod.name': workload.pod,
    'user.name': 'root', 'user.uid': number(0), 'user.loginuid': number(-1), 'proc.tty': number(0), ...kind.fields,
  };
  const fields = Object.keys(values).sort().map((key) => ({ name: key, value: values[key] }));
  const shown = (key) => (values[key] == null ? '<NA>' : values[key].number ?? values[key]);
  const output = `${kind.text} | evt_type=${shown('evt.type')} user=root process=${shown('proc.name')} parent=${shown('proc.pname')} command=${shown('proc.cmdline')} file=${shown('fd.name')} container_id=${workload.id} container_name=${workload.name}`;
  return {
    uuid: uuidOf(`${timeNs} ${kind.rule} ${workload.id} ${name}`), time: isoOf(atMs, nanos), time_ns: timeNs, priority: kind.priority, rule: kind.rule,
    source: 'syscall', hostname: workload.host, output: kind.output ?? output, tags: kind.tags, fields,
  };
}

export const kindOf = (rule) => KINDS.find((kind) => kind.rule === rule);
export const WORKLOAD = WORKLOADS[4];

/** What an attacker would put into a name: each of these must come out as text. */
export const HOSTILE = {
  weight: 0, rule: '<b>Bold</b> "rule" \u202egnissecorp', priority: 'Error', tags: ['T1059', '<script>alert(1)</script>'],
  text: '', output: 'Hostile <img src=x onerror=alert(1)> \u001b[31mred\u001b[0m \u200bzero {{7*7}} ${7*7} отчёт 🦅 javascript:alert(1)',
  fields: {
    'evt.type': 'execve', 'fd.name': '/tmp/\u202egpj.exe', 'proc.name': '\u001b[31mred', 'proc.cmdline': `<img src=x onerror=alert(1)> ${'A'.repeat(64 * 1024)}`,
    'proc.pname': 'a\nb\tc', 'proc.args': 'отчёт.sh =HYPERLINK("x") https://evil.example/?a=1',
  },
};

/** A day and a half of events up to now, with a burst at the end. */
export function makeDay(count, now, seed = 7) {
  const random = seeded(seed);
  const total = KINDS.reduce((sum, kind) => sum + kind.weight, 0);
  const pick = () => {
    let at = random() * total;
    return KINDS.find((kind) => (at -= kind.weight) < 0) ?? KINDS[0];
  };
  const events = [];
  for (let i = 0; i < count; i++) {
    const isBurst = i < 7;
    const age = isBurst ? random() * 20 * 60_000 : random() ** 1.15 * 36 * 3600_000;
    const at = Math.floor(now - age - 5000);
    const kind = isBurst ? KINDS.at(-1) : pick();
    const workload = WORKLOADS[Math.floor(random() ** 1.4 * WORKLOADS.length)];
    events.push(makeEvent(kind, workload, at, Math.floor(random() * 1e6), String(i)));
  }
  events.push(makeEvent(HOSTILE, WORKLOAD, now - 60_000, 372817, 'hostile'));
  return events;
}
