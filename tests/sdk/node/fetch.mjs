// Node's own fetch, which ignores proxies, from an ES module. The checks run in a worker thread of a
// child process, to test that both inherit the redirection to the mock.
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
