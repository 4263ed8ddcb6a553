// Bundles the SDK's own tests of the given modules: node bundle.mjs FOLDER MODULE…
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...modules] = process.argv.slice(2);
const package_ = join(import.meta.dirname, 'node_modules/box-node-sdk');
mkdirSync(folder, { recursive: true });

await build({
  entryPoints: modules.map((name) => join(package_, 'src/test', `${name}.test.ts`)),
  outdir: folder,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  // The SDK's sources import from its root as `@`.
  alias: { '@': join(package_, 'src') },
  logLevel: 'warning',
});
