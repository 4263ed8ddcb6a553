'use strict';

// A Box Custom Skill as a Lambda function behind an API Gateway. Lambda freezes the process after
// the reply, so the work is done before it. Box expects the reply within 10 seconds: hand longer
// work to a queue.

const { isFromBox, run } = require('./skill');

exports.handler = async (request) => {
  const body = Buffer.from(request.body || '', request.isBase64Encoded ? 'base64' : 'utf8');
  const headers = Object.fromEntries(
    Object.entries(request.headers || {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  if (!isFromBox(headers, body)) return { statusCode: 403 };
  let event;
  try {
    event = JSON.parse(body);
  } catch {
    return { statusCode: 400 };
  }
  await run(event);
  return { statusCode: 200 };
};
