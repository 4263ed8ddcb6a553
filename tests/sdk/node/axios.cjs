// axios without extra configuration: node axios.cjs axios-0|axios-1
'use strict';

const { run, roots } = require('./scenario.cjs');
const { rest } = require('./rest.cjs');

const name = process.argv[2];
const required = require(name);
const axios = required.default || required;

const send = async ({ method, url, headers, body }) => {
  const answer = await axios({
    method,
    url,
    headers,
    data: body,
    responseType: 'arraybuffer',
    validateStatus: () => true,
  });
  return { status: answer.status, bytes: Buffer.from(answer.data) };
};

run(name, rest(send, roots('hard-coded')));
