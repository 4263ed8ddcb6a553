// The calls of a skill to Box, as one sequence of checks that runs with every Node client.
// A client has the functions info, download, create, update, read, remove, invoke, upload, representation.
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');

const folder = process.env.EVENTS_DIR;
const event = JSON.parse(fs.readFileSync(path.join(folder, fs.readdirSync(folder).sort()[0])));
const content = fs.readFileSync(process.env.CONTENT);

const token = {
  read: event.token.read.access_token,
  write: event.token.write.access_token,
  user: process.env.USER_TOKEN,
};

function card(text) {
  return {
    created_at: new Date().toISOString(),
    type: 'skill_card',
    skill_card_type: 'keyword',
    skill_card_title: { code: 'skills_topics', message: 'Topics' },
    skill: { type: 'service', id: String(event.skill.id) },
    invocation: { type: 'skill_invocation', id: String(event.id) },
    entries: [{ type: 'text', text }],
  };
}

const text = (cards) => cards.map((one) => one.entries[0].text);

async function statusOf(failing) {
  try {
    await failing;
  } catch (error) {
    const response = error.response || error.responseInfo || {};
    return error.status || error.statusCode || response.statusCode || response.status;
  }
  return assert.fail('it was to be refused');
}

// Each step has a new client, so that no step depends on the state of another.
const steps = {
  async info(box) {
    const file = await box.info(token.write, event.source.id);
    assert.strictEqual(String(file.id), String(event.source.id));
    assert.strictEqual(file.name, event.source.name);
    assert.strictEqual(file.size, content.length);
  },
  async download(box) {
    const bytes = await box.download(token.read, event.source.id);
    assert.ok(Buffer.compare(bytes, content) === 0, `${bytes.length} other bytes came`);
  },
  async create(box) {
    const cards = await box.create(token.write, event.source.id, [card('created')]);
    assert.deepStrictEqual(text(cards), ['created']);
  },
  async 'conflict, then update'(box) {
    const again = box.create(token.write, event.source.id, [card('again')]);
    assert.strictEqual(await statusOf(again), 409);
    const patch = [{ op: 'replace', path: '/cards/0', value: card('updated') }];
    const cards = await box.update(token.write, event.source.id, patch);
    assert.deepStrictEqual(text(cards), ['updated']);
  },
  async invocation(box) {
    await box.invoke(token.write, event.skill.id, {
      status: 'success',
      file: { type: 'file', id: String(event.source.id) },
      metadata: { cards: [card('one'), card('two')] },
      usage: { unit: 'files', value: 1 },
    });
    const cards = await box.read(token.read, event.source.id);
    assert.deepStrictEqual(text(cards), ['one', 'two']);
  },
  async delete(box) {
    await box.remove(token.write, event.source.id);
    assert.strictEqual(await statusOf(box.read(token.read, event.source.id)), 404);
  },
  async upload(box, name) {
    const file = await box.upload(token.user, `${name}-${process.pid}.txt`, content, '0');
    assert.strictEqual(file.size, content.length);
    const bytes = await box.download(token.user, file.id);
    assert.ok(Buffer.compare(bytes, content) === 0);
  },
  async representation(box) {
    const bytes = await box.representation(token.read, event.source.id);
    assert.strictEqual(bytes.toString().trim(), content.toString().trim());
  },
};

exports.run = async (name, box) => {
  for (const [step, check] of Object.entries(steps)) {
    try {
      await check(box, name);
    } catch (error) {
      console.error(`${name}: ${step}: ${error.stack || error}`);
      process.exit(1);
    }
  }
  console.log(`${name}: ${Object.keys(steps).join(', ')}`);
};

// The roots that a client hard-codes, or the configured ones.
exports.roots = (mode) => {
  if (mode === 'hard-coded') {
    return { api: 'https://api.box.com', upload: 'https://upload.box.com/api', configured: false };
  }
  return {
    api: process.env.BOX_API_BASE_URL,
    upload: process.env.BOX_UPLOAD_BASE_URL,
    configured: true,
  };
};
