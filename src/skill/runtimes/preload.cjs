// Connects Node to a mock of Box: sockets for Box's hosts go to the mock, for clients that ignore
// HTTPS_PROXY too. Written by skillctl; loaded by NODE_OPTIONS=--require in the main thread, in workers
// and in child processes. It does nothing when the mock has ended.
'use strict';

const fs = require('fs');
const net = require('net');
const path = require('path');
const tls = require('tls');

const INSTALLED = Symbol.for('skillctl.interception');
const BOX_HOST = /^(?:[^/@]+\.)?(?:box|boxcloud)\.com\.?$/i;
const LOOPBACK = /^(?:(?:[^/@]+\.)?localhost\.?|127\.[\d.]+|0\.0\.0\.0|::|::1|::ffff:127\.[\d.]+)$/i;

const isBox = (host) => typeof host === 'string' && BOX_HOST.test(host);
const isLoopback = (host) => !host || LOOPBACK.test(host);

// The settings of the run, or null when it is over: the mock removes its folder at the end.
function settings() {
  try {
    const file = path.join(process.env.SKILLCTL_RUN_FOLDER, 'interception.conf');
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    return Object.fromEntries(
      lines.filter(Boolean).map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  } catch {
    return null;
  }
}

function install({ host, port, hosts, egress }) {
  const mock = { host, port: Number(port) };
  // In a run with cassettes the mock answers for all hosts that have a name.
  const isForMock = (name) =>
    isBox(name) || (hosts === 'all' && typeof name === 'string' && !isLoopback(name) && !net.isIP(name));
  const connect = net.Socket.prototype.connect;
  const connectTls = tls.connect;

  const isMock = (options) => options.host === mock.host && Number(options.port) === mock.port;

  // Only the destination of the socket changes, in a copy: the name in the TLS handshake and the check
  // of the certificate follow the client's own options.
  function redirected(options) {
    const copy = Object.assign({}, options, mock);
    for (const name of ['lookup', 'family', 'hints', 'localAddress', 'localPort']) delete copy[name];
    return copy;
  }

  // Asks the mock for the host, as a client of the proxy would, so that the refusal is in its log;
  // then fails as a connection that nobody accepts.
  function refuse(socket, options) {
    const target = `${net.isIPv6(options.host) ? `[${options.host}]` : options.host}:${options.port}`;
    const error = new Error(`connect ECONNREFUSED ${target}: refused by skillctl --no-egress`);
    Object.assign(error, { code: 'ECONNREFUSED', errno: -111, syscall: 'connect' });
    Object.assign(error, { address: options.host, port: Number(options.port) });
    const report = new net.Socket();
    report.on('error', () => {});
    report.once('data', () => report.destroy());
    report.once('close', () => socket.destroy(error));
    Reflect.apply(connect, report, [mock.port, mock.host]);
    report.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`);
    socket.connecting = true;
    return socket;
  }

  // Everything in Node that opens a TCP connection calls this: net, tls, http, https, http2 and the
  // built-in fetch. Its arguments are (options), (port, host), (path), or one list of the net module.
  net.Socket.prototype.connect = function (...args) {
    const list = Array.isArray(args[0]) ? args[0] : args;
    const isObject = list[0] !== null && typeof list[0] === 'object';
    const host = typeof list[1] === 'string' ? list[1] : undefined;
    const options = isObject ? list[0] : { host, port: list[0] };
    const isPath = isObject ? Boolean(options.path) : isNaN(options.port);
    if (!isPath && (isForMock(options.host) || isForMock(options.servername))) {
      if (isObject) list[0] = redirected(options);
      else list.splice(0, 2, mock.port, mock.host);
    } else if (!isPath && egress === 'off' && !isLoopback(options.host)) {
      return refuse(this, options);
    }
    return Reflect.apply(connect, this, args);
  };

  // Old clients (axios before 0.19) speak TLS to the proxy and name the target in the handshake, for
  // which the mock has no certificate. What they must be shown is the certificate of the proxy.
  tls.connect = function (options, ...rest) {
    const isProxyCall =
      options !== null && typeof options === 'object' && !options.socket && isMock(options);
    if (isProxyCall && !isForMock(options.servername)) {
      options = Object.assign({}, options, { servername: '' });
    }
    return Reflect.apply(connectTls, this, [options, ...rest]);
  };

  Object.defineProperty(net.Socket.prototype, INSTALLED, { value: true });
}

if (!net.Socket.prototype[INSTALLED]) {
  const run = settings();
  if (run) install(run);
}
