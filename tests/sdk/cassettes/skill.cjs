// A skill that asks a service about its file, by the client that its argument names:
// skill.cjs axios|fetch|aws|google. All names and all secrets are made up.
'use strict';

const http = require('http');

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const clients = {
  // The file is handed over by its URL, with the token of the event.
  async axios({ url, id }) {
    const { data } = await require('axios').post(
      'https://labels.widget.test/v1/label',
      { url, reference: id, at: new Date().toISOString() },
      { headers: { 'Ocp-Apim-Subscription-Key': 'planted-subscription-key' } },
    );
    if (data.reference !== id) throw new Error(`an answer about ${data.reference}, not ${id}`);
    return data.labels;
  },

  // A picture is sent with the id and a token of the event, and a boundary that is new each time.
  async fetch({ id, read }) {
    const form = new FormData();
    form.append('reference', id);
    form.append('token', read);
    form.append('image', new Blob([PNG]), 'image.png');
    const answer = await fetch('https://ocr.widget.test/v1/read?sig=planted-signature&se=2026-01-01', {
      method: 'POST',
      headers: { authorization: 'Bearer planted-bearer-token' },
      body: form,
    });
    return (await answer.json()).lines;
  },

  async aws() {
    const { RekognitionClient, DetectLabelsCommand } = require('@aws-sdk/client-rekognition');
    const client = new RekognitionClient({
      region: 'eu-west-1',
      endpoint: 'https://rekognition.widget.test',
      credentials: { accessKeyId: 'AKIAPLANTEDACCESSKEY', secretAccessKey: 'planted-secret-access-key' },
      maxAttempts: 1,
    });
    const { Labels } = await client.send(new DetectLabelsCommand({ Image: { Bytes: PNG } }));
    return Labels.map(({ Name }) => Name);
  },

  async google() {
    const { vision_v1, auth } = require('@googleapis/vision');
    const client = new auth.OAuth2({
      clientId: 'client',
      clientSecret: 'planted-client-secret',
      endpoints: { oauth2TokenUrl: 'https://oauth.widget.test/token' },
    });
    client.setCredentials({ refresh_token: 'planted-refresh-token' });
    const vision = new vision_v1.Vision({ auth: client, rootUrl: 'https://vision.widget.test/' });
    const { data } = await vision.images.annotate({
      requestBody: {
        requests: [{ image: { content: PNG.toString('base64') }, features: [{ type: 'LABEL_DETECTION' }] }],
      },
    });
    return data.responses[0].labelAnnotations.map(({ description }) => description);
  },
};

const work = clients[process.argv[2]];

async function box(path, token, options = {}) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`https://api.box.com/2.0${path}`, { headers, ...options });
  if (!answer.ok) throw new Error(`Box answered ${answer.status} to ${path}`);
  return answer;
}

async function handle(event) {
  const { id } = event.source;
  const read = event.token.read.access_token;
  const url = `https://api.box.com/2.0/files/${id}/content?access_token=${read}`;
  await (await box(`/files/${id}/content`, read)).arrayBuffer();
  const entries = (await work({ url, id, read })).map((text) => ({ text }));
  const card = {
    type: 'skill_card',
    skill_card_type: 'keyword',
    skill: { type: 'service', id: 'widget' },
    invocation: { type: 'skill_invocation', id: event.id },
    skill_card_title: { code: 'skills_topics', message: 'Topics' },
    entries,
  };
  await box(`/skill_invocations/${event.skill.id}`, event.token.write.access_token, {
    method: 'PUT',
    body: JSON.stringify({
      status: 'success',
      file: { type: 'file', id },
      metadata: { cards: [card] },
    }),
  });
}

http
  .createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      response.end();
      handle(JSON.parse(Buffer.concat(parts))).catch((error) => console.error(error));
    });
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
