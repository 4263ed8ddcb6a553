// Plays AWS Lambda behind an API Gateway proxy for one Node handler, so that a Skill that is a
// function needs no server code: node lambda.cjs index.handler, listening on 127.0.0.1:$PORT.
// Uses nothing but Node itself. Every request is handed on at once, also while others run.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { pathToFileURL } = require('url');

// API Gateway's own limit.
const LARGEST_BODY = 10 * 1024 * 1024;
// Lambda's longest run, for getRemainingTimeInMillis.
const MAX_RUN_MS = 15 * 60 * 1000;

const name = process.argv[2] || '';
const functionName = path.basename(process.cwd()) || 'function';

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
  if (dot < 1 || dot === base.length - 1) fail(`the handler must read FILE.EXPORT: ${name}`);
  const stem = path.resolve(path.dirname(name), base.slice(0, dot));
  const names = base.slice(dot + 1).split('.');
  const isFile = (candidate) => fs.existsSync(candidate) && fs.statSync(candidate).isFile();
  const file = ['.js', '.mjs', '.cjs', ''].map((ending) => stem + ending).find(isFile);
  if (!file) fail(`there is no ${stem}.js, .mjs or .cjs`);
  let module;
  try {
    // import() takes both kinds of module.
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    fail(`${file} cannot be loaded: ${(error && error.stack) || error}`);
  }
  const found = (root) => names.reduce((value, key) => (value == null ? value : value[key]), root);
  const handler = [module, module.default].map(found).find((it) => typeof it === 'function');
  if (!handler) fail(`${file} exports no function ${names.join('.')}`);
  return handler;
}

function proxyEvent(request, body) {
  const headers = {};
  const multiValueHeaders = {};
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const key = request.rawHeaders[i];
    headers[key] = request.rawHeaders[i + 1];
    (multiValueHeaders[key] = multiValueHeaders[key] || []).push(request.rawHeaders[i + 1]);
  }
  const url = new URL(request.url, 'http://skill');
  const query = {};
  const multiQuery = {};
  for (const [key, value] of url.searchParams) {
    query[key] = value;
    (multiQuery[key] = multiQuery[key] || []).push(value);
  }
  const hasQuery = Object.keys(query).length > 0;
  const text = body.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(body);
  return {
    resource: '/{proxy+}',
    path: url.pathname,
    httpMethod: request.method,
    headers,
    multiValueHeaders,
    queryStringParameters: hasQuery ? query : null,
    multiValueQueryStringParameters: hasQuery ? multiQuery : null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      httpMethod: request.method,
      identity: {
        sourceIp: request.socket.remoteAddress || '127.0.0.1',
        userAgent: request.headers['user-agent'] || null,
      },
      path: url.pathname,
      protocol: 'HTTP/1.1',
      requestId: crypto.randomBytes(16).toString('hex'),
      requestTimeEpoch: Date.now(),
      resourcePath: '/{proxy+}',
      stage: 'local',
    },
    body: body.length === 0 ? null : isText ? text : body.toString('base64'),
    isBase64Encoded: !isText,
  };
}

function makeContext(settle) {
  const end = Date.now() + MAX_RUN_MS;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: crypto.randomBytes(16).toString('hex'),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
    done: (error, result) => settle(error, result),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error || new Error('context.fail was called')),
  };
}

// One answer by callback, promise, return value or the old context functions: the first counts.
function invoke(handler, event) {
  return new Promise((resolve, reject) => {
    const settle = (error, result) => (error ? reject(error) : resolve(result));
    let returned;
    try {
      returned = handler(event, makeContext(settle), settle);
    } catch (error) {
      reject(error);
      return;
    }
    if (returned && typeof returned.then === 'function') {
      returned.then(resolve, reject);
    } else if (returned !== undefined && handler.length < 3) {
      // A function that takes a callback may give back anything, such as a timer.
      resolve(returned);
    }
  });
}

// Why API Gateway makes a 502 of an answer, or nothing.
function malformed(result) {
  if (result === null || typeof result !== 'object') {
    return `the handler answered ${JSON.stringify(result)}, not an object with statusCode`;
  }
  const status = Number(result.statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    return `the handler's statusCode is ${JSON.stringify(result.statusCode)}`;
  }
  if (result.body != null && typeof result.body !== 'string') {
    return 'the body of the handler\'s answer is no string: it needs JSON.stringify';
  }
  return null;
}

function answer(response, status, headers, body) {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, 'Content-Length': body.length });
  response.end(body);
}

function answerError(response, message) {
  console.error(message);
  const body = Buffer.from(JSON.stringify({ message: 'Internal server error', reason: message }));
  answer(response, 502, { 'Content-Type': 'application/json' }, body);
}

function answerResult(response, result) {
  const wrong = malformed(result);
  if (wrong) {
    answerError(response, `${wrong}; API Gateway makes a 502 of it`);
    return;
  }
  const body = Buffer.from(result.body || '', result.isBase64Encoded ? 'base64' : 'utf8');
  const headers = { ...result.headers, ...result.multiValueHeaders };
  for (const key of Object.keys(headers)) {
    const isLength = /^(content-length|transfer-encoding|connection)$/i.test(key);
    if (isLength || headers[key] == null) delete headers[key];
    else if (!Array.isArray(headers[key])) headers[key] = String(headers[key]);
  }
  if (!Object.keys(headers).some((key) => key.toLowerCase() === 'content-type')) {
    headers['Content-Type'] = 'application/json';
  }
  try {
    answer(response, Number(result.statusCode), headers, body);
  } catch (error) {
    answerError(response, `the handler's headers cannot be sent: ${error.message}`);
  }
}

function read(request, response, then) {
  const pieces = [];
  let size = 0;
  request.on('data', (piece) => {
    size += piece.length;
    if (size <= LARGEST_BODY) pieces.push(piece);
  });
  request.on('error', () => {});
  request.on('end', () => {
    if (size <= LARGEST_BODY) {
      then(Buffer.concat(pieces));
    } else {
      answer(response, 413, {}, Buffer.from('the body is too large for API Gateway'));
    }
  });
}

load().then((handler) => {
  const server = http.createServer((request, response) => {
    read(request, response, (body) => {
      invoke(handler, proxyEvent(request, body)).then(
        (result) => answerResult(response, result === undefined ? null : result),
        (error) => answerError(response, `the handler failed: ${(error && error.stack) || error}`),
      );
    });
  });
  server.on('error', (error) => fail(`cannot listen on port ${process.env.PORT}: ${error.message}`));
  server.listen(Number(process.env.PORT || 0), '127.0.0.1', () => {
    console.log(`${name} listening on http://127.0.0.1:${server.address().port}`);
  });
});
