'use strict';

// The work of the skill: download the file of an event, make cards of it, write them.

const crypto = require('node:crypto');

const BOX = process.env.BOX_API_BASE_URL || 'https://api.box.com';
const MAX_AGE_MS = 10 * 60 * 1000;

// Says whether Box sent this body. `headers` have lower-case names. Box signs with two keys, so
// that one can be replaced at a time. Without a key, nothing is verified.
function isFromBox(headers, body) {
  const keys = { primary: process.env.BOX_PRIMARY_KEY, secondary: process.env.BOX_SECONDARY_KEY };
  if (!keys.primary && !keys.secondary) return true;
  const timestamp = headers['box-delivery-timestamp'] || '';
  const age = Date.now() - Date.parse(timestamp);
  if (!(Math.abs(age) <= MAX_AGE_MS)) return false;
  return Object.entries(keys).some(([name, key]) => {
    if (!key) return false;
    const expected = crypto.createHmac('sha256', key).update(body).update(timestamp).digest();
    const found = Buffer.from(headers[`box-signature-${name}`] || '', 'base64');
    return found.length === expected.length && crypto.timingSafeEqual(found, expected);
  });
}

// Downloads the file and writes its cards. An error ends as a card that the user can see.
async function run(event) {
  try {
    await report(event, 'processing', [statusCard(event, 'skills_pending_status')]);
    const text = await download(event);
    await report(event, 'success', [transcript(event, text)]);
  } catch (error) {
    console.error(error);
    await report(event, 'permanent_failure', [statusCard(event, 'skills_unknown_error')]);
  }
}

// Only the read token may download.
async function download(event) {
  const response = await fetch(`${BOX}/2.0/files/${event.source.id}/content`, {
    headers: { authorization: `Bearer ${event.token.read.access_token}` },
  });
  if (!response.ok) throw new Error(`download: Box answered ${response.status}`);
  return response.text();
}

// Only the write token may write cards. This call replaces all cards of the file.
async function report(event, status, cards) {
  const response = await fetch(`${BOX}/2.0/skill_invocations/${event.skill.id}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${event.token.write.access_token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      status,
      file: { type: 'file', id: String(event.source.id) },
      metadata: { cards },
    }),
  });
  if (!response.ok) throw new Error(`write cards: Box answered ${response.status}`);
}

function transcript(event, text) {
  const lines = text.split('\n').filter((line) => line.trim());
  return card(event, 'transcript', 'skills_transcript', 'Transcript', {
    entries: lines.map((line) => ({ type: 'text', text: line })),
  });
}

function statusCard(event, code) {
  return card(event, 'status', 'skills_status', 'Status', { status: { code } });
}

// Box accepts ids only as strings; a test event of the developer console has numbers.
function card(event, type, code, message, members) {
  return {
    type: 'skill_card',
    skill_card_type: type,
    skill_card_title: { code, message },
    skill: { type: 'service', id: String(event.skill.id) },
    invocation: { type: 'skill_invocation', id: String(event.id) },
    created_at: new Date().toISOString(),
    ...members,
  };
}

module.exports = { isFromBox, run };
