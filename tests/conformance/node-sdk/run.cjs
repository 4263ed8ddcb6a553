// Runs bundled tests of the SDK, and compares the failures with those that are known:
// node run.cjs FOLDER MODULE…
'use strict';

const { generateKeyPairSync } = require('node:crypto');
const { join, resolve } = require('node:path');
const known = require('./known-failures.json');

const [folder, ...modules] = process.argv.slice(2);

// What the tests read of their environment. The mock accepts every client id, secret and key.
const passphrase = 'a passphrase';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const clientID = 'client-id';
const clientSecret = 'client-secret';
const enterpriseID = process.env.ENTERPRISE_ID ?? '801234';
const config = {
  boxAppSettings: {
    clientID,
    clientSecret,
    appAuth: { publicKeyID: 'key-id', privateKey, passphrase },
  },
  enterpriseID,
};
Object.assign(process.env, {
  CLIENT_ID: clientID,
  CLIENT_SECRET: clientSecret,
  ENTERPRISE_ID: enterpriseID,
  USER_ID: '30001',
  JWT_CONFIG_BASE_64: Buffer.from(JSON.stringify(config)).toString('base64'),
});

// The tests call the globals of a test runner.
const tests = [];
let module_;
globalThis.test = (name, body) => tests.push({ name: `${module_}: ${name}`, body });
globalThis.expect = require('expect').expect;

// Long enough for a busy machine; no test waits for it to pass. A call that an SDK repeats takes longer.
const TIMEOUT = 20_000;

async function failure({ body }) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${TIMEOUT / 1000} s`)), TIMEOUT);
  });
  try {
    await Promise.race([body(), late]);
    return undefined;
  } catch (error) {
    const answer = error?.responseInfo;
    return answer ? `${answer.statusCode} ${answer.code}: ${error.message}` : `${error?.message ?? error}`;
  } finally {
    clearTimeout(timer);
  }
}

(async () => {
  for (module_ of modules) require(resolve(join(folder, `${module_}.test.cjs`)));
  const wrong = [];
  let passed = 0;
  for (const test of tests) {
    const reason = await failure(test);
    const expected = known[test.name];
    if (reason === undefined) passed += 1;
    if (reason !== undefined && expected === undefined) wrong.push(`${test.name}: ${reason}`);
    if (reason === undefined && expected !== undefined) wrong.push(`${test.name} passes; it is listed as failing`);
    if (reason !== undefined && expected !== undefined) console.log(`known failure: ${test.name}: ${expected}`);
    if (process.env.VERBOSE) console.log(`${reason === undefined ? 'pass' : 'FAIL'} ${test.name} ${reason ?? ''}`);
  }
  console.log(`box-node-sdk: ${passed} of ${tests.length} tests pass`);
  if (passed < 0.9 * tests.length) wrong.push('fewer than nine tests in ten pass');
  for (const line of wrong) console.error(line);
  process.exit(wrong.length > 0 ? 1 : 0);
})();
