// A list of which only the rows in view are in the page, as a listbox with one tab stop.

/** Rows above and below the view that are drawn too. */
const MARGIN = 8;

export class VirtualList {
  /**
   * `draw(item, row)` fills the element of a row, `onSelect(item)` follows the selection, and
   * `onOpen(item)` Enter and clicks. `keyOf(item)` keeps the selection when the list changes.
   */
  constructor(box, { label, empty, rowHeight, draw, keyOf, onSelect, onOpen }) {
    Object.assign(this, { box, empty, rowHeight, draw, keyOf, onSelect, onOpen });
    this.items = [];
    this.selected = null;
    this.rows = new Map();
    this.label = label;
    this.space = document.createElement("div");
    this.space.className = "space";
    this.space.setAttribute("role", "presentation");
    this.nothing = document.createElement("p");
    this.nothing.className = "quiet nothing";
    this.nothing.textContent = empty;
    box.append(this.nothing, this.space);
    box.addEventListener("scroll", () => this.render(), { passive: true });
    box.addEventListener("keydown", (event) => this.onKey(event));
    box.addEventListener("click", (event) => this.onClick(event));
    new ResizeObserver(() => this.render()).observe(box);
  }

  set(items) {
    this.items = items;
    this.nothing.hidden = items.length > 0;
    this.space.style.height = `${items.length * this.rowHeight}px`;
    if (items.length > 0) {
      this.box.setAttribute("role", "listbox");
      this.box.setAttribute("aria-label", this.label);
      this.box.tabIndex = 0;
    } else {
      for (const name of ["role", "aria-label", "tabindex", "aria-activedescendant"]) this.box.removeAttribute(name);
    }
    this.render();
  }

  get index() {
    return this.selected === null ? -1 : this.items.findIndex((item) => this.keyOf(item) === this.selected);
  }

  select(index, { scroll = true } = {}) {
    const item = this.items[index];
    if (item === undefined) return;
    this.selected = this.keyOf(item);
    if (scroll) this.show(index);
    this.render();
    this.onSelect(item);
  }

  /** Scrolls as little as possible until a row is in view. */
  show(index) {
    const top = index * this.rowHeight;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.rowHeight > scrollTop + clientHeight) this.box.scrollTop = top + this.rowHeight - clientHeight;
  }

  render() {
    const { scrollTop, clientHeight } = this.box;
    const from = Math.max(0, Math.floor(scrollTop / this.rowHeight) - MARGIN);
    const to = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / this.rowHeight) + MARGIN);
    const seen = new Set();
    let active = null;
    let place = this.space.firstElementChild;
    for (let index = from; index < to; index += 1) {
      const item = this.items[index];
      const key = this.keyOf(item);
      seen.add(key);
      const row = this.rows.get(key) ?? this.makeRow(key);
      // The order in the page is that on the screen.
      if (row === place) place = place.nextElementSibling;
      else this.space.insertBefore(row, place);
      row.style.transform = `translateY(${index * this.rowHeight}px)`;
      row.setAttribute("aria-posinset", String(index + 1));
      row.setAttribute("aria-setsize", String(this.items.length));
      row.setAttribute("aria-selected", String(key === this.selected));
      row.dataset.index = String(index);
      if (key === this.selected) active = row.id;
      this.draw(item, row);
    }
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    if (active) this.box.setAttribute("aria-activedescendant", active);
    else this.box.removeAttribute("aria-activedescendant");
  }

  makeRow(key) {
    const row = document.createElement("div");
    VirtualList.count = (VirtualList.count ?? 0) + 1;
    row.id = `row-${VirtualList.count}`;
    row.className = "item";
    row.setAttribute("role", "option");
    row.style.height = `${this.rowHeight}px`;
    this.rows.set(key, row);
    return row;
  }

  onClick(event) {
    const row = event.target.closest(".item");
    if (!row) return;
    const index = Number(row.dataset.index);
    this.select(index, { scroll: false });
    this.onOpen(this.items[index]);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      event.preventDefault();
      const next = this.index + moves[event.key];
      this.select(Math.min(this.items.length - 1, Math.max(0, next)));
    } else if (event.key === "Enter" && this.index >= 0) {
      event.preventDefault();
      this.onOpen(this.items[this.index]);
    }
  }
}
