// Modals and confirmation dialogs.

import { entered, renderBlocks, textObject } from "./blocks.js";
import { el } from "./dom.js";

export function confirmed(confirm, names) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const answer = (yes) => { dialog.close(); resolve(yes); };
    dialog.oncancel = () => resolve(false);
    dialog.replaceChildren(
      el("h3", {}, textObject(confirm.title, names)),
      el("p", { className: "text" }, textObject(confirm.text, names)),
      el("div", { className: "buttons" },
        el("button", { type: "button", className: "button", onclick: () => answer(false) },
          textObject(confirm.deny, names)),
        el("button", { type: "button", className: `button ${confirm.style ?? "primary"}`, onclick: () => answer(true) },
          textObject(confirm.confirm, names))));
    dialog.showModal();
  });
}

// Shows the view that is open, or none. What was entered stays until the app shows something else.
export function showModal(view, { names, submit, close }) {
  const dialog = document.getElementById("modal");
  if (!view) {
    if (dialog.open) dialog.close();
    dialog.dataset.shown = "";
    return;
  }
  if (dialog.dataset.shown !== `${view.id} ${view.hash}`) {
    dialog.dataset.shown = `${view.id} ${view.hash}`;
    const onsubmit = (event) => { event.preventDefault(); submit(view, entered(dialog)); };
    const dismiss = (event) => { event.preventDefault(); close(view); };
    dialog.oncancel = dismiss;
    dialog.replaceChildren(el("form", { onsubmit },
      el("h3", {}, textObject(view.title, names)),
      renderBlocks(view.blocks, { names }),
      el("p", { className: "error", id: "modal-notice" }),
      el("div", { className: "buttons" },
        el("button", { type: "button", className: "button", onclick: dismiss }, view.close?.text ?? "Close"),
        view.submit ? el("button", { className: "button primary" }, view.submit.text) : null)));
  }
  showErrors(view.errors, view.notice);
  if (!dialog.open) dialog.showModal();
}

export function showErrors(errors, notice) {
  const dialog = document.getElementById("modal");
  for (const place of dialog.querySelectorAll("[data-error-of]")) {
    place.textContent = errors[place.dataset.errorOf] ?? "";
  }
  const line = document.getElementById("modal-notice");
  if (line) line.textContent = notice ?? "";
}
