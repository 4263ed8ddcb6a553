// What the stream has reported, in groups: one for each event, and one for what belongs to none.

/** Rows that are kept. Older groups are dropped, so that the page can stay open for days. */
const MAX_ROWS = 20000;

/** The id of the group of rows without an event. */
export const OTHER = "";

class Group {
  constructor(id) {
    this.id = id;
    this.fileId = null;
    this.name = id ? null : "Calls without an event";
    this.type = null;
    this.status = null;
    this.rows = [];
    this.writes = [];
    this.hosts = new Set();
    this.start = Infinity;
    this.end = 0;
    this.cardsAt = null;
    this.refused = 0;
    this.faults = 0;
  }

  /** Rows are kept in the order of their beginnings. A call is reported at its end. */
  add(row) {
    let at = this.rows.length;
    while (at > 0 && this.rows[at - 1].at > row.at) at -= 1;
    this.rows.splice(at, 0, row);
    this.start = Math.min(this.start, row.at);
    this.end = Math.max(this.end, row.at + row.ms);
  }

  /** Milliseconds from the first row to the last write of cards. */
  get cardsMs() {
    return this.cardsAt === null ? null : this.cardsAt - this.start;
  }
}

export class Model {
  constructor() {
    this.reset();
  }

  reset() {
    this.groups = new Map();
    this.names = new Map();
    this.hosts = new Set();
    this.size = 0;
    this.hasGap = false;
  }

  /** The names of registered events. */
  setEvents(events) {
    for (const { id, file_id: fileId, name } of events) {
      this.names.set(id, { fileId, name });
      const group = this.groups.get(id);
      if (group) this.describe(group);
    }
  }

  take(notices) {
    for (const { kind, data } of notices) {
      if (kind === "gap") this.hasGap = true;
      else if (kind !== "open") this.add(kind, data);
    }
    while (this.size > MAX_ROWS && this.groups.size > 1) this.dropOldest();
  }

  group(id) {
    let group = this.groups.get(id);
    if (!group) {
      group = new Group(id);
      this.groups.set(id, group);
      this.describe(group);
    }
    return group;
  }

  describe(group) {
    const known = this.names.get(group.id);
    if (!known) return;
    group.fileId ??= known.fileId;
    group.name ??= known.name;
  }

  dropOldest() {
    for (const [id, group] of this.groups) {
      this.size -= group.rows.length;
      this.groups.delete(id);
      return;
    }
  }

  add(kind, data) {
    const record = kind === "write" ? data.record : data;
    // A call to a provider is reported at its end.
    const providerMs = data.provider?.ms ?? 0;
    const ms = data.ms ?? providerMs;
    const row = { kind, at: Date.parse(record.at) - providerMs, ms, data };
    const ids = kind === "attempt" ? [data.event_id] : (data.events ?? []);
    for (const id of ids.length > 0 ? ids : [OTHER]) {
      const group = this.group(id);
      group.add(row);
      this.size += 1;
      this.note(group, kind, data, row);
    }
  }

  note(group, kind, data, row) {
    if (kind === "call") this.noteCall(group, data);
    else if (kind === "write") this.noteWrite(group, data.record, row);
    else if (kind === "attempt") {
      group.name = data.name;
      group.type = data.event_type;
      group.fileId = data.file_id;
    } else if (data.host) {
      group.hosts.add(data.host);
      this.hosts.add(data.host);
    }
  }

  noteCall(group, call) {
    group.hosts.add(call.host);
    this.hosts.add(call.host);
    if (group.id && call.file_id) group.fileId ??= call.file_id;
    if (call.fault) group.faults += 1;
    else if (call.status >= 400 || call.status === 0) group.refused += 1;
  }

  noteWrite(group, record, row) {
    group.fileId ??= record.file_id;
    const isCards = record.op === "invocation" || record.template === "boxSkillsCards";
    if (!isCards) return;
    group.writes.push(record);
    if (record.instance?.cards?.length > 0) group.cardsAt = row.at;
    if (record.status) group.status = record.status;
  }

  /** The groups that match, newest first. */
  select({ text, status, host }) {
    const words = text.toLowerCase();
    const found = [];
    for (const group of this.groups.values()) {
      if (host && !group.hosts.has(host)) continue;
      if (status && !hasStatus(group, status)) continue;
      if (words && !searched(group).includes(words)) continue;
      found.push(group);
    }
    return found.reverse();
  }
}

const searched = (group) =>
  [group.name, group.id, group.fileId, group.type, ...group.hosts].join(" ").toLowerCase();

const hasStatus = (group, status) => {
  switch (status) {
    case "none": return group.status === null;
    case "failure": return group.status?.endsWith("failure") ?? false;
    case "refused": return group.refused > 0;
    case "fault": return group.faults > 0;
    default: return group.status === status;
  }
};
