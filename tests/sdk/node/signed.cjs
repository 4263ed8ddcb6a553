// A skill that replies 200 to an event whose signature the SDK accepts, and 401 to any other:
// node signed.cjs PACKAGE raw|parsed. With `parsed`, the SDK gets the body as parsed JSON, as from a web
// framework, and serialises it again before it computes the hash.
const http = require('node:http');

const [name, form] = process.argv.slice(2);
const sdk = require(name);
const primary = 'the-primary-key';
const secondary = 'the-secondary-key';

function accepts(body, headers) {
  if (name === 'box-node-sdk-10') {
    const { WebhooksManager } = require(`${name}/managers/webhooks`);
    return WebhooksManager.validateMessage(body, headers, primary, { secondaryKey: secondary });
  }
  const given = form === 'parsed' ? JSON.parse(body) : body;
  return sdk.validateWebhookMessage(given, headers, primary, secondary);
}

http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const good = await accepts(Buffer.concat(chunks).toString('utf8'), request.headers);
      response.writeHead(good ? 200 : 401).end();
    });
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
