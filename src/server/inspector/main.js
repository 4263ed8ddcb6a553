// The page: what the user does, and what is drawn of the model.

import { AdminError, follow, get, setAdminToken } from "./admin.js";
import { fire, openFaults, reset, upload } from "./actions.js";
import { preview, showDetails } from "./call.js";
import { Cards } from "./cards.js";
import { VirtualList } from "./list.js";
import { Model, OTHER } from "./model.js";
import { Waterfall, duration } from "./waterfall.js";

const EVENT_HEIGHT = 52;
/** The page is drawn at most this often, however many notices come. */
const DRAW_INTERVAL_MS = 100;
const NO_SKILL =
  "This mock sends no events. Start it with --skill URL, or with --files and a skill, to send them from here.";

const find = (id) => document.getElementById(id);
const model = new Model();
let selected = null;
let sendsEvents = false;
let isDrawing = false;

const cards = new Cards({ box: find("cards"), slider: find("slider"), input: find("write"), output: find("write-name") });

const fail = (error) => {
  const message = find("message");
  message.textContent = error.message;
  message.hidden = false;
};

/** Runs an action, and shows why it failed. */
const attempt = async (action) => {
  find("message").hidden = true;
  try {
    await action();
  } catch (error) {
    fail(error);
  }
};

const part = (row, name) => {
  row.parts ??= {};
  if (!row.parts[name]) {
    row.parts[name] = document.createElement("span");
    row.parts[name].className = name;
    row.append(row.parts[name]);
  }
  return row.parts[name];
};

const drawEvent = (group, row) => {
  const name = part(row, "name");
  name.dir = "auto";
  name.textContent = group.name ?? (group.fileId ? `file ${group.fileId}` : group.id);
  const status = part(row, "status");
  status.textContent = group.status ?? (group.id === OTHER ? "" : "no status");
  status.classList.toggle("good", group.status === "success");
  status.classList.toggle("bad", group.status?.endsWith("failure") ?? false);
  const facts = [
    group.type ?? "",
    group.cardsMs === null ? "" : `cards in ${duration(group.cardsMs)}`,
    `${group.rows.length} ${group.rows.length === 1 ? "row" : "rows"}`,
    group.refused > 0 ? `${group.refused} refused` : "",
    group.faults > 0 ? `${group.faults} by faults` : "",
  ];
  part(row, "facts").textContent = facts.filter(Boolean).join(" · ");
};

const closeDetails = () => {
  find("call").hidden = true;
  find("call").replaceChildren();
};

const waterfall = new Waterfall(find("rows"), {
  onSelect: () => {},
  onOpen: (row) => attempt(async () => {
    await showDetails(find("call"), row);
    find("call").focus();
  }),
});

const events = new VirtualList(find("events"), {
  label: "Events, newest first",
  empty: "No event yet. Calls and events appear here as they happen.",
  rowHeight: EVENT_HEIGHT,
  keyOf: (group) => group.id,
  draw: drawEvent,
  onSelect: (group) => selectGroup(group),
  onOpen: () => find("rows").focus(),
});

const selectGroup = (group) => {
  if (selected !== group) closeDetails();
  selected = group;
  drawSelected();
  find("rows").scrollTop = 0;
};

const drawSelected = () => {
  const group = selected;
  find("event-name").textContent = group ? (group.name ?? group.id) : "No event is selected";
  const facts = group ? [group.id && `event ${group.id}`, group.fileId && `file ${group.fileId}`, group.type, group.status] : [];
  find("event-facts").textContent = facts.filter(Boolean).join(" · ");
  find("event-tools").hidden = !group;
  const canFire = Boolean(group?.fileId) && sendsEvents;
  for (const button of document.querySelectorAll(".fire")) button.disabled = !canFire;
  find("fire-hint").textContent = NO_SKILL;
  find("fire-hint").hidden = !group || sendsEvents;
  waterfall.show(group, find("filter-kind").value);
  cards.show(group);
};

const drawHosts = () => {
  const select = find("filter-host");
  if (select.options.length === model.hosts.size + 1) return;
  const chosen = select.value;
  const options = Array.from(model.hosts).toSorted().map((host) => new Option(host, host));
  select.replaceChildren(select.options[0], ...options);
  select.value = chosen;
};

const draw = () => {
  isDrawing = false;
  drawnAt = performance.now();
  drawHosts();
  find("gap").hidden = !model.hasGap;
  events.set(model.select({
    text: find("search").value,
    status: find("filter-status").value,
    host: find("filter-host").value,
  }));
  if (selected && model.groups.get(selected.id) !== selected) selected = model.groups.get(selected.id) ?? null;
  if (!selected && events.items.length > 0) {
    events.select(0, { scroll: false });
    return;
  }
  drawSelected();
};

let drawnAt = 0;
const redraw = () => {
  if (isDrawing) return;
  isDrawing = true;
  const wait = Math.max(0, drawnAt + DRAW_INTERVAL_MS - performance.now());
  setTimeout(() => requestAnimationFrame(draw), wait);
};

const refresh = async () => {
  const overview = await get("inspector/overview");
  sendsEvents = overview.sends_events;
  find("version").textContent = overview.version;
  model.setEvents(overview.events);
  redraw();
};

/** Events are registered without a notice: their names are asked for when one is new. */
let unknown = false;
const learnNames = () => {
  if (unknown || !Array.from(model.groups.values()).some((group) => group.id && !group.name && !group.isAsked)) return;
  for (const group of model.groups.values()) group.isAsked = true;
  unknown = true;
  setTimeout(() => {
    unknown = false;
    refresh().catch(() => {});
  }, 100);
};

const askForToken = () => new Promise((resolve) => {
  const dialog = find("login");
  find("login-form").onsubmit = async (event) => {
    event.preventDefault();
    setAdminToken(find("login-token").value);
    try {
      await get("health");
    } catch (error) {
      const isWrong = error instanceof AdminError && error.status === 401;
      find("login-error").textContent = isWrong ? "The mock refused this token." : error.message;
      return;
    }
    find("login-token").value = "";
    dialog.close();
    resolve();
  };
  dialog.oncancel = (event) => event.preventDefault();
  if (!dialog.open) dialog.showModal();
});

const start = () => follow({
  take: (notices) => {
    model.take(notices);
    learnNames();
    redraw();
  },
  state: (state) => {
    find("state").textContent = state;
    find("state").dataset.state = state;
    if (state === "live") refresh().catch(() => {});
  },
  restart: () => {
    model.reset();
    cards.clear();
    closeDetails();
    selected = null;
    redraw();
  },
  refused: askForToken,
});

const resend = (trigger) => attempt(async () => {
  if (!sendsEvents) throw new Error(NO_SKILL);
  if (!selected?.fileId) throw new Error("Select an event with a file first.");
  await fire(selected.fileId, trigger);
  find("said").textContent = "The event is sent.";
});

const uploadAll = (files) => attempt(async () => {
  for (const file of files) await upload(file, sendsEvents);
  find("said").textContent = `${files.length} uploaded`;
  if (!sendsEvents) throw new Error(`The file is uploaded. ${NO_SKILL}`);
});

for (const id of ["search", "filter-status", "filter-host", "filter-kind"]) find(id).addEventListener("input", redraw);
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll(".fire")) {
  button.addEventListener("click", () => resend(button.dataset.trigger));
}
find("upload").addEventListener("change", (event) => {
  uploadAll(Array.from(event.target.files));
  event.target.value = "";
});
find("faults-open").addEventListener("click", () => attempt(() => openFaults(find("faults"), redraw)));
find("reset-open").addEventListener("click", () => find("reset").showModal());
find("reset").addEventListener("close", (event) => {
  if (event.target.returnValue !== "reset") return;
  event.target.returnValue = "";
  attempt(async () => {
    await reset();
    model.reset();
    cards.clear();
    closeDetails();
    selected = null;
    await refresh();
  });
});
find("help-open").addEventListener("click", () => find("help").showModal());

for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (name === "drop") uploadAll(Array.from(event.dataTransfer.files));
  });
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches?.("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && !find("call").hidden) {
    closeDetails();
    find("rows").focus();
  } else if (!isTyping && event.key === "/") {
    event.preventDefault();
    find("search").focus();
  } else if (!isTyping && event.key === "?") find("help").showModal();
  else if (!isTyping && event.key === "r") resend("upload");
  else if (!isTyping && ["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) && event.target === document.body) {
    find("events").focus();
    events.onKey(event);
  }
});

find("event-name").addEventListener("click", () => attempt(async () => {
  if (!selected?.fileId || !selected.name) return;
  const shown = await preview(selected.fileId, selected.name);
  if (!shown) return;
  find("call").replaceChildren(shown);
  find("call").hidden = false;
}));

redraw();
start();
