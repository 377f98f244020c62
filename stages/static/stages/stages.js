// The catalog's pages work without this; it keeps drafts while typing, drags rows, puts the focus where it belongs,
// remembers which blocks are folded, and says in the contents where one is.
"use strict";

(() => {
  // A draft is kept a moment after the last key, and at once when the page is left. Saving stops what is under way,
  // so that no draft comes in after what was saved.
  const waiting = new Map();
  const underway = new WeakMap();
  const keepDraft = async (form, leaving = false) => {
    waiting.delete(form);
    const data = new FormData(form);
    data.set("action", "draft");
    const status = form.querySelector("[data-draft-status]");
    const stop = new AbortController();
    underway.set(form, stop);
    try {
      const answer = await fetch(form.getAttribute("action"), {
        method: "POST", body: data, headers: { "HX-Request": "true" }, signal: stop.signal, keepalive: leaving,
      });
      if (answer.ok && status && form.isConnected) status.textContent = await answer.text();
    } catch (error) {
      if (error.name !== "AbortError" && status) status.textContent = "The draft could not be kept; save before you leave.";
    }
  };
  const touch = (form) => {
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => { if (form.isConnected) keepDraft(form); else waiting.delete(form); }, 800));
  };
  const settle = (form) => {
    clearTimeout(waiting.get(form));
    waiting.delete(form);
    underway.get(form)?.abort();
  };
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-draft-form]");
    if (form) touch(form);
  });
  document.addEventListener("submit", (event) => settle(event.target), true);
  document.addEventListener("htmx:beforeRequest", (event) => settle(event.target));
  window.addEventListener("pagehide", () => {
    for (const [form, timer] of [...waiting]) {
      clearTimeout(timer);
      if (form.isConnected) keepDraft(form, true);
    }
  });

  // Rows are dragged by a handle; their order is the order of the fields in the form.
  let dragged = null;
  const addHandles = (root) => {
    for (const row of root.querySelectorAll("[data-item]")) {
      const tools = row.querySelector(".item-tools");
      if (!tools || tools.querySelector(".handle") || row.form.querySelectorAll("[data-item]").length < 2) continue;
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

  // Which blocks a reader folded is remembered per page in this browser; printing unfolds all.
  const key = `folds:${location.pathname}`;
  const folded = () => {
    try { return new Set(JSON.parse(localStorage.getItem(key) || "[]")); } catch { return new Set(); }
  };
  const folds = (root) => [...root.querySelectorAll("details[data-fold]")];
  const remember = () => {
    const closed = folds(document).filter((one) => !one.open).map((one) => one.dataset.fold);
    try { closed.length ? localStorage.setItem(key, JSON.stringify(closed)) : localStorage.removeItem(key); } catch { /* A private window. */ }
    for (const button of document.querySelectorAll("[data-fold-all]")) {
      button.textContent = closed.length ? "Unfold all" : "Fold all";
    }
  };
  const restoreFolds = (wanted = "") => {
    const closed = folded();
    for (const one of folds(document)) one.open = !closed.has(one.dataset.fold) || one.dataset.fold === wanted;
    remember();
  };
  let printing = false;
  document.addEventListener("toggle", (event) => {
    if (!printing && event.target.matches?.("details[data-fold]")) remember();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const all = event.target.closest("[data-fold-all]");
    if (all) {
      const open = folds(document).some((one) => !one.open);
      for (const one of folds(document)) one.open = open;
    }
    // A link of the contents unfolds what it leads to.
    const to = event.target.closest("a[href^='#']");
    const fold = to && document.querySelector(`details[data-fold="${CSS.escape(to.hash.slice(1))}"]`);
    if (fold) fold.open = true;
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    for (const one of folds(document)) one.open = true;
  });
  window.addEventListener("afterprint", () => { restoreFolds(); setTimeout(() => { printing = false; }); });

  // The contents say which part is on the screen.
  const spy = () => {
    const links = new Map([...document.querySelectorAll("[data-spy] a[href^='#']")].map((one) => [one.hash.slice(1), one]));
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const one of entries) one.isIntersecting ? seen.add(one.target.id) : seen.delete(one.target.id);
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    }, { rootMargin: "-72px 0px -55% 0px" });
    for (const id of links.keys()) { const part = document.getElementById(id); if (part) watch.observe(part); }
  };

  // A form that a link elsewhere opens takes the focus from it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const block = event.detail.target?.closest?.(".stage-blocks > section");
    if (block && !block.contains(document.activeElement)) document.activeElement?.blur?.();
  });

  // After a swap the focus stays in the block: on its first field, its error, or the block itself.
  document.addEventListener("htmx:afterSettle", (event) => {
    addHandles(document);
    restoreFolds();
    const swapped = event.detail.elt?.isConnected ? event.detail.elt : null;
    const block = swapped?.closest?.("section.card");
    if (!block) return;
    // What went wrong stands at the top of a form that may be longer than the screen.
    const wrong = block.querySelector("[role=alert]");
    if (!wrong && block.contains(document.activeElement)) return;
    (wrong || block.querySelector("[autofocus]") || block).focus?.();
  });
  document.addEventListener("DOMContentLoaded", () => {
    addHandles(document);
    for (const one of document.querySelectorAll("[data-print], [data-fold-all]")) one.hidden = false;
    const sought = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    restoreFolds((sought?.closest(".stage-block") || sought)?.id);
    sought?.scrollIntoView();
    spy();
  });
})();
