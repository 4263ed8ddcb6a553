// The rows of an event, with a bar from the beginning to the end of each.

import { VirtualList } from "./list.js";

const ROW_HEIGHT = 44;

export const duration = (ms) => {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
};

/** What a row says: title, result, note, and whether it went wrong. */
export const describe = ({ kind, data }) => {
  switch (kind) {
    case "call": {
      const host = isLoopback(data.host) ? "" : data.host;
      return {
        title: `${data.method} ${host}${data.target}`,
        result: data.status === 0 ? "connection broken" : String(data.status),
        note: [data.note ?? data.code ?? "", data.fault ? `fault ${data.fault}` : ""].filter(Boolean).join(" · "),
        isBad: data.status >= 400 || data.status === 0,
      };
    }
    case "attempt":
      return {
        title: `event ${data.event_type} sent`,
        result: data.status ? String(data.status) : "no reply",
        note: [data.number > 1 ? `attempt ${data.number} of ${data.of}` : "", data.error ?? ""].filter(Boolean).join(" · "),
        isBad: data.result !== "delivered",
      };
    case "write": {
      const { record } = data;
      const count = record.instance?.cards?.length;
      return {
        title: `write ${record.seq}: ${record.op}`,
        result: record.status ?? "",
        note: count === undefined ? (record.template ?? "") : `${count} ${count === 1 ? "card" : "cards"}`,
        isBad: record.status?.endsWith("failure") ?? false,
      };
    }
    case "placed":
      return { title: `${data.how} of ${data.name}`, result: "", note: `file ${data.file_id}`, isBad: false };
    case "connection":
      if (data.provider) return describeProvider(data.provider, data.text);
    // falls through
    default:
      return { title: data.text, result: "", note: data.host ?? data.path ?? "", isBad: true };
  }
};

/** A call to another service, in a run with cassettes. */
const describeProvider = ({ method, url, status, from }, text) => ({
  title: `${method} ${url}`,
  result: status === 0 ? "no answer" : String(status),
  note: from ? `answered ${from === "cassette" ? "from the cassette" : "by the provider"}` : text,
  isBad: status === 0 || status >= 400,
});

const isLoopback = (host) => /^(localhost|127\.|\[::1\])/.test(host);

const span = (className) => {
  const element = document.createElement("span");
  element.className = className;
  return element;
};

/** The elements of a row, made once. */
const parts = (row) => {
  if (!row.parts) {
    const names = ["at", "what", "result", "ms", "note", "bar"];
    row.parts = Object.fromEntries(names.map((name) => [name, span(name)]));
    row.parts.what.dir = "auto";
    row.parts.fill = span("fill");
    row.parts.bar.append(row.parts.fill);
    row.append(...names.map((name) => row.parts[name]));
  }
  return row.parts;
};

export class Waterfall {
  constructor(box, { onSelect, onOpen }) {
    this.group = null;
    this.kind = "";
    this.list = new VirtualList(box, {
      label: "Calls, deliveries and writes",
      empty: "Nothing has happened yet.",
      rowHeight: ROW_HEIGHT,
      keyOf: (row) => row,
      draw: (row, element) => this.draw(row, element),
      onSelect,
      onOpen,
    });
  }

  show(group, kind) {
    this.group = group;
    this.kind = kind;
    const rows = group?.rows ?? [];
    this.list.set(kind ? rows.filter((row) => row.kind === kind) : rows);
  }

  draw(row, element) {
    const { at, what, result, ms, note, bar, fill } = parts(element);
    const { title, result: word, note: remark, isBad } = describe(row);
    element.dataset.kind = row.kind;
    element.classList.toggle("wrong", isBad);
    at.textContent = `+${duration(row.at - this.group.start)}`;
    what.textContent = title;
    what.title = title;
    result.textContent = word;
    ms.textContent = row.ms > 0 ? duration(row.ms) : "";
    note.textContent = remark;
    const total = Math.max(1, this.group.end - this.group.start);
    bar.setAttribute("aria-hidden", "true");
    fill.style.left = `${((row.at - this.group.start) / total) * 99}%`;
    fill.style.width = `${Math.max(1, (row.ms / total) * 100)}%`;
  }
}
