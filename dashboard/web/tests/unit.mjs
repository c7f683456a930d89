/* Vitest as TAP for meson, or a skip with its reason. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');

if (!fs.existsSync(vitest)) {
  console.log('1..0 # SKIP npm packages are not installed; make setup installs them');
  process.exit(0);
}
const { status } = spawnSync(process.execPath, [vitest, 'run', '--reporter=tap-flat'], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
