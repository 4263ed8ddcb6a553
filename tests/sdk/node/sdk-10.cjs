// box-node-sdk 10: node sdk-10.cjs hard-coded|configured
'use strict';

const { Readable } = require('stream');

const { BoxClient, BoxDeveloperTokenAuth } = require('box-node-sdk-10');
const { collect } = require('./collect.cjs');
const { run, roots } = require('./scenario.cjs');

const mode = process.argv[2];
const { api, upload, configured } = roots(mode);

function box(token) {
  const client = new BoxClient({ auth: new BoxDeveloperTokenAuth({ token }) });
  if (!configured) return client;
  const oauth2Url = 'https://account.box.com/api/oauth2';
  return client.withCustomBaseUrls({ baseUrl: api, uploadUrl: upload, oauth2Url });
}

const raw = (one) => (one.rawData ? one.rawData : one);

// This SDK requires its own names of members, and its own type for times. The cards have no times.
function own(value) {
  if (Array.isArray(value)) return value.map(own);
  if (value === null || typeof value !== 'object') return value;
  const style = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const fields = Object.entries(value).filter(([name]) => name !== 'created_at');
  return Object.fromEntries(fields.map(([name, one]) => [style(name), own(one)]));
}

run(`box-node-sdk-10 ${mode}`, {
  info: (token, id) => box(token).files.getFileById(id),
  download: async (token, id) => collect(await box(token).downloads.downloadFile(id)),
  create: async (token, id, cards) =>
    raw(await box(token).skills.createBoxSkillCardsOnFile(id, { cards: own(cards) })).cards,
  update: async (token, id, patch) =>
    raw(await box(token).skills.updateBoxSkillCardsOnFile(id, own(patch))).cards,
  read: async (token, id) => raw(await box(token).skills.getBoxSkillCardsOnFile(id)).cards,
  remove: (token, id) => box(token).skills.deleteBoxSkillCardsFromFile(id),
  invoke: (token, skill, body) => box(token).skills.updateAllSkillCardsOnFile(skill, own(body)),
  upload: async (token, name, content, parent) => {
    const answer = await box(token).uploads.uploadFile({
      attributes: { name, parent: { id: parent } },
      file: Readable.from(content),
    });
    return answer.entries[0];
  },
  representation: async (token, id) => {
    const client = box(token);
    const file = await client.files.getFileById(id, {
      queryParams: { fields: ['representations'] },
      headers: { xRepHints: '[extracted_text]' },
    });
    const url = file.representations.entries[0].content.urlTemplate.replace('{+asset_path}', '');
    const answer = await client.makeRequest({ url, method: 'GET', responseFormat: 'binary' });
    return collect(answer.content);
  },
});
