// The admin API as the page calls it, and its stream of notices.

const PAGE_TOKEN = document.querySelector('meta[name="page-token"]').content;
const RETRY_MS = 1000;

let adminToken = "";

/** An answer that is an error, with the reason that the mock gives. */
export class AdminError extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export const setAdminToken = (token) => { adminToken = token; };

const request = async (path, options = {}) => {
  const headers = { "x-skillctl-page": PAGE_TOKEN, ...options.headers };
  if (adminToken) headers.authorization = `Bearer ${adminToken}`;
  const response = await fetch(`/_mock/${path}`, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const text = await response.text();
  let reason = text;
  try {
    reason = JSON.parse(text).error ?? text;
  } catch {
    // Not the admin API's own answer.
  }
  throw new AdminError(response.status, reason);
};

export const get = async (path) => (await request(path)).json();

export const send = async (method, path, body) => (await request(path, { method, body })).json();

export const blob = async (path) => (await request(path)).blob();

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The events of a chunk of `text/event-stream`, and the rest that is not complete. */
const parse = (text) => {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  const notices = [];
  for (const block of blocks) {
    const fields = {};
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
    }
    if (fields.event) notices.push({ number: Number(fields.id), kind: fields.event, data: JSON.parse(fields.data) });
  }
  return [notices, rest];
};

/**
 * Follows the stream for ever, from where it ended. `handlers.take` gets lists of notices,
 * `handlers.state` a word for the connection, `handlers.restart` is called when another mock answers,
 * and `handlers.refused` when the mock asks for its token; it resolves when there is one.
 */
export const follow = async (handlers) => {
  let after = 0;
  let pid = null;
  for (;;) {
    try {
      const health = await get("health");
      if (pid !== null && (health.pid !== pid || health.next < after)) {
        after = 0;
        handlers.restart();
      }
      pid = health.pid;
      const response = await request(`stream?after=${after}`);
      handlers.state("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const [notices, incomplete] = parse(rest + value);
        rest = incomplete;
        if (notices.length === 0) continue;
        after = notices.at(-1).number;
        handlers.take(notices);
      }
    } catch (error) {
      if (error instanceof AdminError && error.status === 401) {
        await handlers.refused();
        continue;
      }
    }
    handlers.state("reconnecting");
    await wait(RETRY_MS);
  }
};
