// box-node-sdk 1 and 3: node legacy-sdk.cjs PACKAGE hard-coded|configured
'use strict';

const { collect } = require('./collect.cjs');
const { run, roots } = require('./scenario.cjs');

const [, , name, mode] = process.argv;
const BoxSDK = require(name);

const settings = { clientID: 'any', clientSecret: 'any' };
const { api, upload, configured } = roots(mode);
if (configured) {
  // These SDKs refuse a plain http base; the mock speaks TLS on the same port.
  settings.apiRootURL = api.replace('http:', 'https:');
  settings.uploadAPIRootURL = upload.replace('http:', 'https:');
}
const sdk = new BoxSDK(settings);
const box = (token) => sdk.getBasicClient(token);
const CARDS = ['global', 'boxSkillsCards'];

run(`${name} ${mode}`, {
  info: (token, id) => box(token).files.get(id),
  download: async (token, id) => collect(await box(token).files.getReadStream(id, null)),
  create: async (token, id, cards) =>
    (await box(token).files.addMetadata(id, ...CARDS, { cards })).cards,
  update: async (token, id, patch) =>
    (await box(token).files.updateMetadata(id, ...CARDS, patch)).cards,
  read: async (token, id) => (await box(token).files.getMetadata(id, ...CARDS)).cards,
  remove: (token, id) => box(token).files.deleteMetadata(id, ...CARDS),
  invoke: async (token, skill, body) => {
    const answer = await box(token).put(`/skill_invocations/${skill}`, { body });
    if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode}`);
  },
  upload: async (token, file, content, parent) =>
    (await box(token).files.uploadFile(parent, file, content)).entries[0],
  representation: async (token, id) => {
    const client = box(token);
    const { EXTRACTED_TEXT } = client.files.representation;
    return collect(await client.files.getRepresentationContent(id, EXTRACTED_TEXT));
  },
});
