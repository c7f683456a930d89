/*
 * MITRE ATT&CK as tags of rules name it: mitre_<tactic> and T1059. Which tactics a technique serves
 * is ATT&CK's; of several the one is taken that the events have most of.
 */
import type { Counted } from '../types';

export interface Technique {
  id: string;
  name: string;
  count: number;
}

export interface Tactic {
  tag: string;
  name: string;
  count: number;
  techniques: Technique[];
}

/** In ATT&CK's order, with the letter that the table below has for each. */
const TACTICS: [string, string, string][] = [
  ['R', 'mitre_reconnaissance', 'Reconnaissance'],
  ['I', 'mitre_initial_access', 'Initial access'],
  ['X', 'mitre_execution', 'Execution'],
  ['P', 'mitre_persistence', 'Persistence'],
  ['E', 'mitre_privilege_escalation', 'Privilege escalation'],
  ['D', 'mitre_defense_evasion', 'Defense evasion'],
  ['C', 'mitre_credential_access', 'Credential access'],
  ['S', 'mitre_discovery', 'Discovery'],
  ['L', 'mitre_lateral_movement', 'Lateral movement'],
  ['O', 'mitre_collection', 'Collection'],
  ['K', 'mitre_command_and_control', 'Command and control'],
  ['F', 'mitre_exfiltration', 'Exfiltration'],
  ['M', 'mitre_impact', 'Impact'],
];

/** Techniques that rules for containers and Linux name, and the tactics they serve. */
const TECHNIQUES: Record<string, [string, string]> = {
  T1005: ['O', 'Data from local system'], T1014: ['D', 'Rootkit'], T1020: ['F', 'Automated exfiltration'],
  T1021: ['L', 'Remote services'], T1027: ['D', 'Obfuscated files'], T1036: ['D', 'Masquerading'],
  T1037: ['PE', 'Boot or logon scripts'], T1040: ['CS', 'Network sniffing'], T1041: ['F', 'Exfiltration over C2'],
  T1046: ['S', 'Network service discovery'], T1048: ['F', 'Exfiltration over other protocol'],
  T1053: ['XPE', 'Scheduled task'], T1055: ['DE', 'Process injection'], T1057: ['S', 'Process discovery'],
  T1059: ['X', 'Command and scripting interpreter'], T1068: ['E', 'Exploitation for escalation'],
  T1070: ['D', 'Indicator removal'], T1071: ['K', 'Application layer protocol'], T1074: ['O', 'Data staged'],
  T1078: ['IPED', 'Valid accounts'], T1082: ['S', 'System information discovery'], T1083: ['S', 'File discovery'],
  T1090: ['K', 'Proxy'], T1095: ['K', 'Non-application protocol'], T1098: ['PE', 'Account manipulation'],
  T1105: ['K', 'Ingress tool transfer'], T1110: ['C', 'Brute force'], T1136: ['P', 'Create account'],
  T1190: ['I', 'Exploit public application'], T1203: ['X', 'Exploitation for client execution'],
  T1204: ['X', 'User execution'], T1485: ['M', 'Data destruction'], T1486: ['M', 'Data encrypted'],
  T1496: ['M', 'Resource hijacking'], T1505: ['P', 'Server software component'], T1525: ['P', 'Implant internal image'],
  T1528: ['C', 'Steal application token'], T1543: ['PE', 'System process'], T1546: ['PE', 'Event triggered execution'],
  T1547: ['PE', 'Boot or logon autostart'], T1548: ['ED', 'Abuse elevation control'], T1552: ['C', 'Unsecured credentials'],
  T1555: ['C', 'Credentials from stores'], T1556: ['CDP', 'Modify authentication'], T1562: ['D', 'Impair defenses'],
  T1564: ['D', 'Hide artifacts'], T1565: ['M', 'Data manipulation'], T1567: ['F', 'Exfiltration over web service'],
  T1570: ['L', 'Lateral tool transfer'], T1574: ['PED', 'Hijack execution flow'], T1595: ['R', 'Active scanning'],
  T1609: ['X', 'Container administration command'], T1610: ['XD', 'Deploy container'], T1611: ['E', 'Escape to host'],
  T1613: ['S', 'Container discovery'], T1620: ['D', 'Reflective code loading'],
};

export const techniqueName = (id: string): string => TECHNIQUES[id.split('.', 1)[0] ?? '']?.[1] ?? '';

/** Tactics that were seen, by their tag or by a technique of theirs. */
export function attackMatrix(tags: Counted[]): Tactic[] {
  const counts = new Map(tags.map(({ value, count }) => [value, count]));
  const tactics = TACTICS.map(([letter, tag, name]) => ({ letter, tag, name, count: counts.get(tag) ?? 0, techniques: [] as Technique[] }));
  for (const { value: id, count } of tags) {
    if (!/^T\d{4}(\.\d{3})?$/.test(id)) continue;
    const letters = TECHNIQUES[id.split('.', 1)[0] ?? '']?.[0] ?? '';
    const home = tactics.filter((one) => letters.includes(one.letter)).sort((a, b) => b.count - a.count)[0];
    home?.techniques.push({ id, name: techniqueName(id), count });
  }
  return tactics
    .filter((one) => one.count > 0 || one.techniques.length > 0)
    .map(({ tag, name, count, techniques }) => ({ tag, name, count, techniques: techniques.sort((a, b) => b.count - a.count) }));
}

/** Techniques that no table here knows; they are shown all the same. */
export function unknownTechniques(tags: Counted[]): Technique[] {
  return tags
    .filter(({ value }) => /^T\d{4}(\.\d{3})?$/.test(value) && techniqueName(value) === '')
    .map(({ value, count }) => ({ id: value, name: '', count }));
}

/** 0 to 5: by orders of magnitude between one and the most. */
export function heatOf(count: number, most: number): number {
  if (count === 0) return 0;
  return 1 + Math.round((Math.log1p(count) / Math.log1p(Math.max(1, most))) * 4);
}
