// Node's own fetch, which knows no proxy, from an ES module; its checks run in a worker thread
// of a child process, so that the way to the mock is inherited all along.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const here = fileURLToPath(import.meta.url);

const send = async ({ url, ...request }) => {
  const answer = await fetch(url, request);
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
};

const { run, roots } = require('./scenario.cjs');
const { rest } = require('./rest.cjs');
const box = rest(send, roots('hard-coded'));

if (!isMainThread) {
  await run('fetch in a worker of a child process', box);
} else if (process.argv[2] === 'child') {
  new Worker(here).on('exit', (code) => process.exit(code));
} else {
  await run('fetch', box);
  const child = spawnSync(process.execPath, [here, 'child'], { stdio: 'inherit' });
  process.exit(child.status);
}
