// The details of a row: heads and bodies of a call, the error of a delivery, the record of a write.

import { get, blob } from "./admin.js";
import { describe, duration } from "./waterfall.js";

/** Children of a JSON value that are shown at once. */
const MAX_CHILDREN = 200;
/** Levels that are open from the start. */
const OPEN_LEVELS = 2;

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const isContainer = (value) => value !== null && typeof value === "object";

const leaf = (value) => {
  const type = value === null ? "null" : typeof value;
  const shown = element("bdi", `json-${type}`, typeof value === "string" ? JSON.stringify(value) : String(value));
  return shown;
};

/** A JSON value as a tree whose branches are made when they are opened. */
export const tree = (value, name, level = 0) => {
  const label = element("bdi", "json-key", name);
  if (!isContainer(value)) {
    const line = element("div", "json-line");
    line.append(label, ": ", leaf(value));
    return line;
  }
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const branch = element("details", "json-branch");
  const summary = element("summary");
  summary.append(label, ` ${isList ? `[${entries.length}]` : `{${entries.length}}`}`);
  branch.append(summary);
  const fill = (from) => {
    for (const [key, child] of entries.slice(from, from + MAX_CHILDREN)) branch.append(tree(child, key, level + 1));
    const left = entries.length - from - MAX_CHILDREN;
    if (left <= 0) return;
    const more = element("button", "button", `${left} more`);
    more.type = "button";
    more.addEventListener("click", () => { more.remove(); fill(from + MAX_CHILDREN); });
    branch.append(more);
  };
  branch.addEventListener("toggle", () => { if (branch.open && branch.children.length === 1) fill(0); });
  if (level < OPEN_LEVELS) {
    fill(0);
    branch.open = true;
  }
  return branch;
};

const headers = (all) => {
  const table = element("table", "headers");
  for (const [name, value] of Object.entries(all)) {
    const row = element("tr");
    const key = element("th", "", name);
    key.scope = "row";
    row.append(key, element("td", "", value));
    table.append(row);
  }
  return table;
};

const picture = (type, base64) => {
  const source = `data:${type};base64,${base64}`;
  if (type.startsWith("image/")) {
    const image = element("img", "picture");
    image.src = source;
    image.alt = `a picture (${type})`;
    return image;
  }
  return null;
};

const body = ({ headers: head, body: text, body_base64: base64, bytes, truncated }) => {
  const type = (head["content-type"] ?? "").split(";")[0];
  const parts = [];
  if (base64 !== undefined) {
    parts.push((truncated ? null : picture(type, base64)) ?? element("p", "quiet", `${bytes} bytes that are not text`));
  } else if (text !== undefined) {
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (isContainer(value)) parts.push(tree(value, "body"));
    else {
      const plain = element("pre", "text");
      plain.append(element("bdi", "", text));
      plain.tabIndex = 0;
      parts.push(plain);
    }
  }
  if (truncated) parts.push(element("p", "quiet", `The first 64 KiB of ${bytes} bytes are kept.`));
  return parts;
};

const side = (title, captured) => {
  const section = element("section", "side");
  section.append(element("h4", "", title), headers(captured.headers), ...body(captured));
  return section;
};

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call as a command. Tokens are redacted in what the mock keeps: `$TOKEN` takes their place. */
export const curl = (call) => {
  const target = call.target.replace(/\[redacted[^\]]*\]/g, "$TOKEN");
  const words = ["curl", "-X", call.method, `"${location.origin}${target.replaceAll('"', "%22")}"`];
  const skipped = ["host", "content-length", "connection", "accept-encoding", "transfer-encoding"];
  for (const [name, value] of Object.entries(call.request.headers)) {
    if (skipped.includes(name)) continue;
    if (name === "authorization") words.push("-H", `"Authorization: Bearer $TOKEN"`);
    else words.push("-H", quoted(`${name}: ${value}`));
  }
  if (call.request.body !== undefined) words.push("--data-binary", quoted(call.request.body));
  return words.join(" ");
};

const copyButton = (call) => {
  const button = element("button", "button", "Copy as curl");
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(curl(call));
      button.textContent = "Copied";
    } catch {
      const text = element("pre", "text", curl(call));
      text.tabIndex = 0;
      button.replaceWith(text);
      text.focus();
    }
  });
  return button;
};

/** Fills `box` with the details of a row. */
export const showDetails = async (box, row) => {
  const { title, result, note } = describe(row);
  const heading = element("h3", "", `${title} ${result}`);
  heading.dir = "auto";
  const facts = [new Date(row.at).toLocaleTimeString(), row.ms > 0 ? duration(row.ms) : "", note];
  box.replaceChildren(heading, element("p", "quiet", facts.filter(Boolean).join(" · ")));
  box.hidden = false;
  const { data, kind } = row;
  if (kind === "call") {
    if (data.message) box.append(element("p", "bad", data.message));
    const { calls } = await get(`calls?call=${data.call}`);
    const call = calls[0];
    if (!call) {
      box.append(element("p", "quiet", "The mock no longer keeps the heads and bodies of this call."));
      return;
    }
    box.append(copyButton(call), side("Request", call.request), side("Answer", call.answer));
  } else {
    box.append(tree(kind === "write" ? data.record : data, kind));
  }
};

/** The content of a file as a picture or a sound, where its name says that it is one. */
export const preview = async (fileId, name) => {
  const kinds = { png: "img", jpg: "img", jpeg: "img", gif: "img", mp3: "audio", wav: "audio", mp4: "video" };
  const kind = kinds[name.split(".").at(-1).toLowerCase()];
  if (!kind) return null;
  const shown = element(kind, "picture");
  shown.src = URL.createObjectURL(await blob(`files/${fileId}`));
  if (kind === "img") shown.alt = name;
  else shown.controls = true;
  return shown;
};
