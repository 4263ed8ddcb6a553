// The cards of an event as Box's preview shows them, a slider over the writes, and the findings.

import { get } from "./admin.js";

/** Writes whose cards are kept, so that the slider is fast. */
const MAX_CACHED = 50;

/**
 * The nodes of a fragment that the mock has rendered. The content policy permits no style attributes:
 * `data-style` takes their place, and is applied by script, which it permits.
 */
const nodes = (html) => {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  fragment.append(...Array.from(parsed.body.childNodes, (node) => document.importNode(node, true)));
  for (const styled of fragment.querySelectorAll("[data-style]")) {
    styled.style.cssText = styled.dataset.style;
    delete styled.dataset.style;
  }
  return fragment;
};

const finding = ({ severity, code, message, pointer, help }) => {
  const item = document.createElement("li");
  item.className = severity === "error" ? "bad" : "warn";
  const name = document.createElement("b");
  name.textContent = `${severity}[${code}] `;
  const text = document.createElement("bdi");
  text.textContent = message;
  const place = document.createElement("bdi");
  place.className = "quiet";
  place.textContent = ` ${pointer}${help ? ` – ${help}` : ""}`;
  item.append(name, text, place);
  return item;
};

/** Puts each finding below the card that it is about, or above all cards. */
const place = (box, findings) => {
  const lists = new Map();
  for (const found of findings) {
    const index = found.pointer.split("/")[1] ?? "";
    const card = box.querySelector(`#title-${CSS.escape(index)}`)?.closest("section");
    const key = card ?? box;
    if (!lists.has(key)) {
      const list = document.createElement("ul");
      list.className = "findings";
      if (card) card.append(list);
      else box.prepend(list);
      lists.set(key, list);
    }
    lists.get(key).append(finding(found));
  }
};

export class Cards {
  constructor({ box, slider, input, output, onShown }) {
    Object.assign(this, { box, slider, input, output, onShown });
    this.group = null;
    this.shownSeq = null;
    this.cache = new Map();
    input.addEventListener("input", () => this.render());
  }

  /** Shows the last write of a group; with `follow`, only if the last one was shown before. */
  show(group) {
    const isNew = group !== this.group;
    const wasLast = Number(this.input.value) === Number(this.input.max);
    this.group = group;
    const count = group?.writes.length ?? 0;
    this.slider.hidden = count < 2;
    this.input.max = String(Math.max(1, count));
    if (isNew || wasLast) this.input.value = this.input.max;
    this.render();
  }

  clear() {
    this.cache.clear();
    this.shownSeq = null;
    this.show(null);
  }

  async render() {
    const writes = this.group?.writes ?? [];
    const nth = Number(this.input.value);
    const write = writes[nth - 1];
    if (!write) {
      this.shownSeq = null;
      const nothing = document.createElement("p");
      nothing.className = "quiet";
      nothing.textContent = "No cards were written.";
      this.box.replaceChildren(nothing);
      return;
    }
    const name = `write ${nth} of ${writes.length}: ${write.op} ${write.status ?? ""}`;
    this.output.textContent = name;
    this.input.setAttribute("aria-valuetext", name);
    if (this.shownSeq === write.seq) return;
    this.shownSeq = write.seq;
    const shown = await this.load(write.seq);
    // Another write may have been chosen in the meantime.
    if (this.shownSeq !== write.seq) return;
    this.box.replaceChildren(nodes(shown.html || "<p class=quiet>This write leaves no cards.</p>"));
    place(this.box, shown.findings);
    this.onShown?.(shown);
  }

  async load(seq) {
    if (!this.cache.has(seq)) {
      if (this.cache.size >= MAX_CACHED) this.cache.delete(this.cache.keys().next().value);
      const empty = { html: "", findings: [], cards: 0 };
      this.cache.set(seq, await get(`inspector/cards/${seq}`).catch(() => empty));
    }
    return this.cache.get(seq);
  }
}
