// However Node opens a connection to one of Box's hosts, it reaches the mock. Other hosts are unaffected.
'use strict';

const assert = require('assert');
const http2 = require('http2');
const https = require('https');
const net = require('net');
const tls = require('tls');

const { collect } = require('./collect.cjs');

const PATH = '/2.0/no-such-call';
const HEAD = `GET ${PATH} HTTP/1.1\r\nhost: api.box.com\r\nconnection: close\r\n\r\n`;

// Every answer of Box, and so of the mock, has this header.
const isTheMock = (answer) => assert.match(answer, /^HTTP\/1\.1 4.*^box-request-id: /ims);

const ended = async (socket) => {
  socket.write(HEAD);
  isTheMock((await collect(socket)).toString());
};

const ways = {
  'net.connect(port, host)': () => ended(net.connect(80, 'api.box.com')),
  'net.connect({host})': () => ended(net.connect({ host: 'upload.box.com', port: 80, family: 6 })),
  'new net.Socket().connect': () => ended(new net.Socket().connect(443, 'dl.boxcloud.com')),
  'tls.connect(port, host)': () => ended(tls.connect(443, 'API.box.com')),
  'tls.connect({servername})': () =>
    ended(tls.connect({ host: 'api.box.com', port: 443, servername: 'api.box.com' })),
  'https.get': () =>
    new Promise((resolve, reject) => {
      const lookup = () => reject(new Error('it looked the name up'));
      https
        .get({ host: 'api.box.com', path: PATH, lookup }, (answer) => {
          assert.ok(answer.headers['box-request-id']);
          resolve(answer.resume());
        })
        .on('error', reject);
    }),
  'https.get through an agent of its own': () =>
    new Promise((resolve, reject) => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      https
        .get(`https://account.box.com${PATH}`, { agent }, (answer) => {
          assert.ok(answer.headers['box-request-id']);
          answer.resume().on('end', () => resolve(agent.destroy()));
        })
        .on('error', reject);
    }),
  'http2, which the mock does not speak, fails and does not hang': () =>
    new Promise((resolve) => http2.connect('https://api.box.com').on('error', resolve)),
  'a lookalike is not led': () =>
    new Promise((resolve, reject) => {
      const lookup = (name, options, done) => done(new Error(`${name} is asked for`));
      https
        .get({ host: 'api.box.com.invalid', path: PATH, lookup }, reject)
        .on('error', (error) => resolve(assert.match(error.message, /box\.com\.invalid is asked/)));
    }),
  'this machine is not led': () =>
    new Promise((resolve, reject) => {
      const own = net.createServer((socket) => socket.end('own')).listen(0, 'localhost', () => {
        const { port } = own.address();
        collect(net.connect(port, 'localhost')).then((bytes) => {
          assert.strictEqual(bytes.toString(), 'own');
          own.close(resolve);
        }, reject);
      });
    }),
};

(async () => {
  for (const [name, way] of Object.entries(ways)) {
    try {
      await way();
    } catch (error) {
      console.error(`sockets: ${name}: ${error.stack}`);
      process.exit(1);
    }
  }
  console.log(`sockets: ${Object.keys(ways).join('; ')}`);
})();
