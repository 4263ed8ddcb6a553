// One sandbox of a Lambda function in Node, as AWS runs it: takes one invocation at a time from
// skillctl and answers it. Started as: node lambda.cjs FILE.EXPORT, with a socket as file
// descriptor 3. Uses nothing but Node itself.
//
// A message is a length of four bytes (big-endian) and that many bytes of JSON. It is written and
// read synchronously: from an answer to the next invocation the event loop does not run, so nothing
// of the handler runs in between, whenever skillctl stops the process.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const CHANNEL = 3;
// From this version on AWS's runtime awaits whatever a handler returns, and has no callbacks.
const FIRST_WITHOUT_CALLBACKS = 24;

const name = process.argv[2] || '';
const functionName = path.basename(process.cwd()) || 'function';
const hasCallbacks = Number.parseInt(process.versions.node, 10) < FIRST_WITHOUT_CALLBACKS;

function setUnset(variable, value) {
  if (process.env[variable] === undefined) process.env[variable] = value;
}
setUnset('AWS_LAMBDA_FUNCTION_NAME', functionName);
setUnset('AWS_LAMBDA_FUNCTION_VERSION', '$LATEST');
setUnset('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '1024');
setUnset('AWS_REGION', 'us-east-1');
setUnset('LAMBDA_TASK_ROOT', process.cwd());
setUnset('_HANDLER', name);

function fail(message) {
  console.error(message);
  process.exit(1);
}

// `src/index.handler` is the export `handler` of src/index.js; `index.a.b` its `a.b`.
async function load() {
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 1 || dot === base.length - 1) fail(`not FILE.EXPORT: ${name}`);
  const stem = path.resolve(path.dirname(name), base.slice(0, dot));
  const names = base.slice(dot + 1).split('.');
  const isFile = (candidate) => fs.existsSync(candidate) && fs.statSync(candidate).isFile();
  const file = ['.js', '.mjs', '.cjs', ''].map((ending) => stem + ending).find(isFile);
  if (!file) fail(`there is no ${stem}.js, .mjs or .cjs`);
  let module;
  try {
    // import() loads both kinds of module.
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    fail(`${file} cannot be loaded: ${(error && error.stack) || error}`);
  }
  const find = (root) => names.reduce((value, key) => (value == null ? value : value[key]), root);
  const handler = [module, module.default].map(find).find((it) => typeof it === 'function');
  if (!handler) fail(`${file} exports no function ${names.join('.')}`);
  if (!hasCallbacks && handler.length > 2) {
    fail(`${name} takes a callback, which AWS's runtime for Node ${FIRST_WITHOUT_CALLBACKS} and later refuses`);
  }
  return handler;
}

function send(message) {
  const body = Buffer.from(JSON.stringify(message));
  const bytes = Buffer.alloc(4 + body.length);
  bytes.writeUInt32BE(body.length);
  body.copy(bytes, 4);
  for (let sent = 0; sent < bytes.length;) sent += fs.writeSync(CHANNEL, bytes, sent);
}

function readExactly(length) {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length;) {
    try {
      const count = fs.readSync(CHANNEL, bytes, read, length - read, null);
      // skillctl is gone.
      if (count === 0) process.exit(0);
      read += count;
    } catch (error) {
      if (error.code !== 'EINTR') throw error;
    }
  }
  return bytes;
}

function receive() {
  return JSON.parse(readExactly(readExactly(4).readUInt32BE()).toString('utf8'));
}

// What keeps the event loop alive, by Node's names for it: Timeout, TCPSocketWrap.
function openHandles() {
  const standard = ['PipeWrap', 'TTYWrap', 'Immediate', 'FSReqCallback', 'CloseReq'];
  const names = process.getActiveResourcesInfo ? process.getActiveResourcesInfo() : [];
  return names.filter((it) => !standard.includes(it));
}

// The invocation that is being worked on, if any.
let current = null;

// Answers, and starts the next invocation when it arrives. Code that runs at the moment is run to
// its end first; I/O of the handler that is still open is not.
function answer(invocation, message) {
  if (current !== invocation) return;
  current = null;
  process.nextTick(() => {
    let text;
    try {
      text = { ...message, open: openHandles() };
      JSON.stringify(text);
    } catch (error) {
      text = { error: `the result cannot be written as JSON: ${error.message}` };
    }
    send(text);
    start(receive());
  });
}

function answerError(invocation, error) {
  const text = String((error && error.stack) || error);
  console.error(text);
  answer(invocation, { error: text });
}

function makeContext(invocation, done) {
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: invocation.id,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => invocation.deadline_ms - Date.now(),
  };
  if (!hasCallbacks) return context;
  return Object.assign(context, {
    callbackWaitsForEmptyEventLoop: true,
    done,
    succeed: (result) => done(null, result),
    fail: (error) => done(error == null ? 'handled' : error),
  });
}

// Node up to 22: the first of these answers. A promise or one of the old context functions: at
// once; a callback: when the event loop is empty, unless the context says otherwise at that moment;
// another return value: never.
function invokeWithCallback(handler, invocation) {
  let isSettled = false;
  const once = (settle) => (...values) => {
    if (isSettled) return;
    isSettled = true;
    settle(...values);
  };
  const done = once((error, result) => {
    if (error == null) answer(invocation, { result });
    else answerError(invocation, error);
  });
  const context = makeContext(invocation, done);
  const callback = once((error, result) => {
    if (error != null) answerError(invocation, error);
    else if (context.callbackWaitsForEmptyEventLoop) invocation.whenIdle = () => answer(invocation, { result });
    else answer(invocation, { result });
  });
  const isAsync = handler.constructor && handler.constructor.name === 'AsyncFunction';
  invocation.whenIdle = () => {
    isSettled = true;
    if (isAsync) answerError(invocation, 'the event loop is empty, and the promise of the handler is not settled');
    else answer(invocation, { result: null });
  };
  try {
    const returned = handler(invocation.event, context, callback);
    if (returned && typeof returned.then === 'function') returned.then(context.succeed, context.fail);
  } catch (error) {
    callback(error == null ? 'handled' : error);
  }
}

// Node 24 and later: whatever is returned is awaited.
async function invokeWithoutCallback(handler, invocation) {
  invocation.whenIdle = () => answerError(invocation, 'the event loop is empty, and the promise of the handler is not settled');
  try {
    const result = await handler(invocation.event, makeContext(invocation));
    answer(invocation, { result });
  } catch (error) {
    answerError(invocation, error);
  }
}

let start;

// An uncaught error ends the invocation, and the sandbox.
function endWith(code, error) {
  const text = String((error && error.stack) || error);
  console.error(text);
  if (current) send({ error: text, exits: true });
  process.exit(code);
}

load().then((handler) => {
  process.on('uncaughtException', (error) => endWith(129, error));
  process.on('unhandledRejection', (error) => endWith(128, error));
  process.on('beforeExit', () => {
    if (current) current.whenIdle();
  });
  start = (invocation) => {
    current = invocation;
    setImmediate(() => {
      if (hasCallbacks) invokeWithCallback(handler, invocation);
      else invokeWithoutCallback(handler, invocation);
    });
  };
  send({ ready: true });
  start(receive());
});
