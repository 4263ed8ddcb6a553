"use strict";
{
  const said = document.getElementById("said");
  const controlled = (button) => document.getElementById(button.getAttribute("aria-controls"));
  const isOpen = (button) => button.getAttribute("aria-expanded") === "true";

  const setOpen = (button, open) => {
    button.setAttribute("aria-expanded", String(open));
    controlled(button).hidden = !open;
  };

  /* A pill or a face shows its timeline. At most one timeline of a card is open. */
  const toggleTimeline = (button) => {
    const open = !isOpen(button);
    for (const other of button.closest(".body").querySelectorAll('.opens[aria-expanded="true"]')) {
      setOpen(other, false);
    }
    if (open) setOpen(button, true);
  };

  const choose = (chosen) => {
    for (const other of document.querySelectorAll('[aria-current="true"]')) other.removeAttribute("aria-current");
    chosen.setAttribute("aria-current", "true");
    const time = chosen.querySelector("time")?.textContent ?? chosen.getAttribute("aria-label");
    said.textContent = time ? `At ${time}` : "";
  };

  /* The buttons that the arrow keys move through; in a collapsed transcript only the visible lines. */
  const items = (list) => {
    const all = Array.from(list.querySelectorAll("button"));
    return list.matches(".folded") ? all.slice(0, 5) : all;
  };

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
    if (!open) {
      const reached = list.querySelector('button[tabindex="0"]');
      if (!items(list).includes(reached)) makeReachable(list.querySelector("button"));
    }
  };

  /* A transcript in the form in which the preview copies it. */
  const written = (list) =>
    Array.from(list.querySelectorAll("button"), (line) => {
      const time = line.querySelector("time")?.textContent;
      const text = line.querySelector("span").textContent;
      return time ? `${time}: ${text}` : text;
    }).join("\n");

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
    else if (button.matches(".opens")) toggleTimeline(button);
    else if (button.matches(".more")) toggleLines(button);
    else if (button.matches(".copy")) copy(button);
    else if (button.matches(".slice")) choose(button);
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
    const opener = from.closest(".body")?.querySelector('.opens[aria-expanded="true"]');
    if (!opener) return;
    toggleTimeline(opener);
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
