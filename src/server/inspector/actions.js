// What changes the mock: uploads, events, faults, reset.

import { get, send } from "./admin.js";

/** Box's ids are numbers; the files of the page begin well above those of fixtures. */
const newId = () => String(810_000_000_000 + Math.floor(Math.random() * 1_000_000_000));

/** Puts a file, and has its event sent if the mock sends events. */
export const upload = async (file, sendsEvents) => {
  const id = newId();
  await send("PUT", `files/${id}?name=${encodeURIComponent(file.name)}`, file);
  if (sendsEvents) await fire(id, "upload");
  return id;
};

export const fire = (fileId, trigger) => send("POST", `files/${fileId}/fire?trigger=${trigger}`);

export const reset = () => send("POST", "reset");

/** The dialog of the faults. */
export const openFaults = async (dialog, report) => {
  const list = dialog.querySelector("ul");
  const form = dialog.querySelector("form");
  const input = dialog.querySelector("input");
  const error = dialog.querySelector("#fault-error");
  const show = ({ faults }) => {
    list.replaceChildren(...faults.map((fault) => {
      const item = document.createElement("li");
      item.textContent = typeof fault === "string" ? fault : (fault.rule ?? fault.fault ?? JSON.stringify(fault));
      return item;
    }));
    if (faults.length === 0) list.replaceChildren(Object.assign(document.createElement("li"), { textContent: "none" }));
  };
  error.textContent = "";
  show(await get("faults"));
  form.onsubmit = async (event) => {
    const action = event.submitter?.value ?? "add";
    if (action === "close") return;
    event.preventDefault();
    try {
      error.textContent = "";
      if (action === "clear") show(await send("DELETE", "faults"));
      else {
        show(await send("POST", "faults", input.value));
        input.value = "";
      }
      report();
    } catch (failure) {
      error.textContent = failure.message;
      input.focus();
    }
  };
  dialog.showModal();
  input.focus();
};
