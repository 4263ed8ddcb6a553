// Node's HTTP clients: node clients.cjs NAME URL sends a GET and prints the status.
'use strict';

const [name, url] = process.argv.slice(2);
const { modules } = require('./modules.cjs');

const status = () => true;
const clients = {
  https: () =>
    new Promise((resolve, reject) => {
      const request = require('https').get(url, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', reject);
    }),
  fetch: async () => (await fetch(url)).status,
  'axios-0': async () => (await modules('axios-0').get(url, { validateStatus: status })).status,
  'axios-1': async () => (await modules('axios-1').get(url, { validateStatus: status })).status,
  worker: () =>
    new Promise((resolve, reject) => {
      const { Worker } = require('worker_threads');
      const code = `fetch(${JSON.stringify(url)}).then((answer) =>
        require('worker_threads').parentPort.postMessage(answer.status))`;
      new Worker(code, { eval: true }).on('message', resolve).on('error', reject);
    }),
};

clients[name]().then(console.log, (error) => {
  console.error(error.cause || error);
  process.exit(1);
});
