"use strict";
{
  const said = document.getElementById("said");
  const controlled = (button) => document.getElementById(button.getAttribute("aria-controls"));
  const isOpen = (button) => button.getAttribute("aria-expanded") === "true";
  const isSelected = (button) => isOpen(button) || button.getAttribute("aria-pressed") === "true";

  const setOpen = (button, open) => {
    button.setAttribute("aria-expanded", String(open));
    controlled(button).hidden = !open;
  };

  const setSelected = (button, selected) => {
    if (!button.hasAttribute("aria-controls")) {
      button.setAttribute("aria-pressed", String(selected));
      return;
    }
    setOpen(button, selected);
    controlled(button).dataset.at = "-1";
  };

  /* A pill or a face is selected, and shows its timeline if it has one. At most one of a card is. */
  const toggle = (button) => {
    const selected = !isSelected(button);
    for (const other of button.closest(".body").querySelectorAll(".toggle")) setSelected(other, false);
    setSelected(button, selected);
  };

  /* Moves to the previous or next segment of a timeline, as the preview does: a segment without a start
     is not passed. */
  const step = (button) => {
    const timeline = button.closest(".timeline");
    const starts = timeline.dataset.starts.split(" ");
    const next = Math.min(starts.length - 1, Math.max(0, Number(timeline.dataset.at) + Number(button.dataset.step)));
    if (!starts[next]) return;
    const slice = timeline.querySelector(`.slice[data-index="${next}"]`);
    if (slice) choose(slice);
    else said.textContent = `At ${starts[next]}`;
    timeline.dataset.at = String(next);
  };

  const chooseSlice = (slice) => {
    slice.closest(".timeline").dataset.at = slice.dataset.index;
    choose(slice);
  };

  const choose = (chosen) => {
    for (const other of document.querySelectorAll('[aria-current="true"]')) other.removeAttribute("aria-current");
    chosen.setAttribute("aria-current", "true");
    const time = chosen.querySelector("time")?.textContent ?? chosen.getAttribute("aria-label");
    said.textContent = time ? `At ${time}` : "";
  };

  /* The buttons that the arrow keys move through. */
  const items = (list) => Array.from(list.querySelectorAll("button"));

  /* The tab key reaches one line of a transcript: the one that had the focus last. */
  const makeReachable = (line) => {
    const list = line.closest(".lines");
    list.querySelector('button[tabindex="0"]')?.setAttribute("tabindex", "-1");
    line.setAttribute("tabindex", "0");
  };

  const toggleLines = (button) => {
    const open = !isOpen(button);
    const list = controlled(button);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Collapse" : "Expand";
    list.classList.toggle("folded", !open);
  };

  /* A transcript in the form in which the preview copies it. */
  const written = (list) =>
    Array.from(list.querySelectorAll("button"), (line) => {
      const time = line.querySelector("time")?.textContent ?? line.dataset.time;
      const text = line.dataset.text ?? line.querySelector("span").textContent;
      return `${time ? `${time}:` : ""} ${text}\r\n`;
    }).join("");

  const copyByHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };

  const copy = async (button) => {
    const text = written(document.getElementById(button.dataset.lines));
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = copyByHand(text);
      button.focus();
    }
    button.textContent = done ? "Copied" : "Not copied";
    said.textContent = done ? "Transcript copied" : "The transcript could not be copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".fold")) setOpen(button, !isOpen(button));
    else if (button.matches(".toggle")) toggle(button);
    else if (button.matches(".segment")) step(button);
    else if (button.matches(".more")) toggleLines(button);
    else if (button.matches(".copy")) copy(button);
    else if (button.matches(".slice")) chooseSlice(button);
    else if (button.closest(".lines")) { makeReachable(button); choose(button); }
  });

  /* The arrow keys move to the next button of a row or column, Home and End to its ends. Escape closes
     a timeline. */
  const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  const keys = {
    lines: ["ArrowUp", "ArrowDown", "Home", "End"],
    pills: ["ArrowLeft", "ArrowRight", "Home", "End"],
    faces: ["ArrowLeft", "ArrowRight", "Home", "End"],
    track: ["ArrowLeft", "ArrowRight", "Home", "End"],
  };

  const closeTimeline = (from) => {
    const opener = from.closest(".body")?.querySelector('.toggle[aria-expanded="true"]');
    if (!opener) return;
    toggle(opener);
    opener.focus();
  };

  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.("button");
    if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") closeTimeline(here);
    const list = here.closest(".lines, .pills, .faces, .track");
    if (!list || !keys[list.classList[0]].includes(event.key)) return;
    event.preventDefault();
    const all = items(list);
    const ends = { Home: 0, End: all.length - 1 };
    const next = all[ends[event.key] ?? all.indexOf(here) + steps[event.key]];
    if (!next) return;
    if (list.matches(".lines")) makeReachable(next);
    next.focus();
  });
}
