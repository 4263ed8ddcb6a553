'use strict';

// A Box Custom Skill as an HTTP server. Box expects the reply within 10 seconds, so the skill
// replies first and works afterwards.

const http = require('node:http');
const { isFromBox, run } = require('./skill');

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.method !== 'POST') return response.writeHead(405).end();
  if (!isFromBox(request.headers, body)) return response.writeHead(403).end();
  let event;
  try {
    event = JSON.parse(body);
  } catch {
    return response.writeHead(400).end();
  }
  response.writeHead(200).end();
  run(event).catch((error) => console.error(error));
});

server.listen(process.env.PORT || 8080);
