// Leads connections for Box's hosts to a mock of Box, for Node clients that ignore HTTPS_PROXY.
// Written by skillctl for one run; loaded by NODE_OPTIONS=--require in the main thread, in workers
// and in child processes. Other hosts, and clients that do use the proxy, are left alone.
'use strict';

const MOCK = { host: '127.0.0.1', port: 7269 };

const net = require('net');

const LED = Symbol.for('skillctl.led-to-the-mock');
const BOX_HOST = /^(?:[^/@]+\.)?(?:box|boxcloud)\.com\.?$/i;

const isBox = (host) => typeof host === 'string' && BOX_HOST.test(host);

// The name in the TLS handshake and the check of the certificate go by the client's own options,
// which stay as they are: only where the socket leads is changed, in a copy.
function led(options) {
  if (options === null || typeof options !== 'object' || options.path) return options;
  if (!isBox(options.host)) return options;
  const copy = Object.assign({}, options, MOCK);
  for (const name of ['lookup', 'family', 'hints', 'localAddress', 'localPort']) delete copy[name];
  return copy;
}

if (!net.Socket.prototype[LED]) {
  const connect = net.Socket.prototype.connect;

  // Everything in Node that opens a TCP connection comes by here: net, tls, http, https, http2,
  // and the built-in fetch.
  net.Socket.prototype.connect = function (...args) {
    if (Array.isArray(args[0])) {
      // net.connect hands its arguments on as one list, which is its own.
      args[0][0] = led(args[0][0]);
    } else if (typeof args[0] === 'object') {
      args[0] = led(args[0]);
    } else if (isBox(args[1])) {
      args[0] = MOCK.port;
      args[1] = MOCK.host;
    }
    return Reflect.apply(connect, this, args);
  };

  Object.defineProperty(net.Socket.prototype, LED, { value: true });
}
