import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';
import solid from 'vite-plugin-solid';

/** What is served to a browser carries the licences of what it is made from. */
const shipped = ['solid-js', '@fontsource-variable/ibm-plex-sans', '@fontsource/ibm-plex-mono'];

const licence = (name, file) => `${name}\n\n${readFileSync(new URL(file, import.meta.url), 'utf8').trim()}\n`;

const licences = () => ({
  name: 'licences',
  apply: 'build',
  generateBundle() {
    const parts = shipped.map((name) => licence(name, `node_modules/${name}/LICENSE`));
    parts.push(licence('Line icons: Lucide', 'src/ui/icons.license'));
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: parts.join('\n----\n\n') });
  },
});

export default defineConfig({
  // Relative addresses: the same files work under any path of a proxy.
  base: './',
  plugins: [solid(), licences()],
  build: {
    target: 'es2022',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ['tests/unit/*.test.ts'], environment: 'node' },
});
