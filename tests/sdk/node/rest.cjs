// The calls to Box for a plain HTTP client. `send` takes {method, url, headers, body}, follows
// redirects, and returns {status, headers, bytes}.
'use strict';

exports.rest = (send, { api, upload }) => {
  const cards = (id) => `${api}/2.0/files/${id}/metadata/global/boxSkillsCards`;
  const call = async (method, url, token, type, body, headers) => {
    const answer = await send({
      method,
      url,
      headers: Object.assign(
        { authorization: `Bearer ${token}` },
        type ? { 'content-type': type } : {},
        headers,
      ),
      body,
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    const error = new Error(`${method} ${url} answered ${answer.status}: ${answer.bytes}`);
    error.status = answer.status;
    throw error;
  };
  const json = async (...parts) => JSON.parse((await call(...parts)).bytes);
  const JSON_TYPE = 'application/json';
  return {
    info: (token, id) => json('GET', `${api}/2.0/files/${id}`, token),
    download: async (token, id) =>
      (await call('GET', `${api}/2.0/files/${id}/content`, token)).bytes,
    create: async (token, id, list) => {
      const body = JSON.stringify({ cards: list });
      return (await json('POST', cards(id), token, JSON_TYPE, body)).cards;
    },
    update: async (token, id, patch) => {
      const type = 'application/json-patch+json';
      return (await json('PUT', cards(id), token, type, JSON.stringify(patch))).cards;
    },
    read: async (token, id) => (await json('GET', cards(id), token)).cards,
    remove: (token, id) => call('DELETE', cards(id), token),
    invoke: (token, skill, body) => {
      const url = `${api}/2.0/skill_invocations/${skill}`;
      return call('PUT', url, token, JSON_TYPE, JSON.stringify(body));
    },
    upload: async (token, name, content, parent) => {
      const boundary = 'one-of-a-kind';
      const attributes = JSON.stringify({ name, parent: { id: parent } });
      const body = Buffer.concat([
        Buffer.from(
          `--${boundary}\r\ncontent-disposition: form-data; name="attributes"\r\n\r\n` +
            `${attributes}\r\n--${boundary}\r\n` +
            `content-disposition: form-data; name="file"; filename="unused"\r\n` +
            'content-type: application/octet-stream\r\n\r\n',
        ),
        content,
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]);
      const type = `multipart/form-data; boundary=${boundary}`;
      return (await json('POST', `${upload}/2.0/files/content`, token, type, body)).entries[0];
    },
    representation: async (token, id) => {
      const hints = { 'x-rep-hints': '[extracted_text]' };
      const url = `${api}/2.0/files/${id}?fields=representations`;
      const file = await json('GET', url, token, null, undefined, hints);
      const template = file.representations.entries[0].content.url_template;
      return (await call('GET', template.replace('{+asset_path}', ''), token)).bytes;
    },
  };
};
