// The catalog's pages work without this; it keeps drafts while typing, drags rows, and puts the focus where it belongs.
"use strict";

(() => {
  const waiting = new WeakMap();
  const keepDraft = async (form) => {
    const data = new FormData(form);
    data.set("action", "draft");
    const status = form.querySelector("[data-draft-status]");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, headers: { "HX-Request": "true" } });
      if (answer.ok && status && form.isConnected) status.textContent = "Draft kept.";
    } catch {
      if (status) status.textContent = "The draft could not be kept; save before you leave.";
    }
  };
  const touch = (form) => {
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => { if (form.isConnected) keepDraft(form); }, 800));
  };
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-block-form]");
    if (form) touch(form);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-block-form]")) clearTimeout(waiting.get(event.target));
  }, true);
  document.addEventListener("htmx:beforeRequest", (event) => clearTimeout(waiting.get(event.target)));

  // Rows are dragged by a handle; their order is the order of the fields in the form.
  let dragged = null;
  const addHandles = (root) => {
    for (const row of root.querySelectorAll("[data-item]")) {
      const tools = row.querySelector(".item-tools");
      if (!tools || tools.querySelector(".handle")) continue;
      const handle = document.createElement("span");
      handle.className = "handle muted";
      handle.textContent = "⠿ drag";
      handle.setAttribute("aria-hidden", "true");
      handle.addEventListener("pointerdown", () => { row.draggable = true; });
      tools.prepend(handle);
    }
  };
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-item]");
    dragged?.classList.add("dragging");
  });
  document.addEventListener("dragover", (event) => {
    const over = event.target.closest?.("[data-item]");
    if (!dragged || !over || over.form !== dragged.form) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("dragging");
    dragged.draggable = false;
    touch(dragged.closest("form"));
    dragged = null;
  });

  // After a swap the focus stays in the block: on its first field, its error, or the block itself.
  document.addEventListener("htmx:afterSettle", (event) => {
    addHandles(document);
    const swapped = event.detail.elt?.isConnected ? event.detail.elt : null;
    const block = swapped?.closest?.("section.card");
    if (!block || block.contains(document.activeElement)) return;
    const first = block.querySelector("[role=alert], [autofocus]");
    (first || block).focus?.();
  });
  document.addEventListener("DOMContentLoaded", () => addHandles(document));
})();
