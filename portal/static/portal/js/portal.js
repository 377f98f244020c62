// Small conveniences on top of pages that work without them. No framework, no inline code (the content policy forbids it).
"use strict";

(() => {
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const csrf = () => document.body.dataset.csrf || cookie("csrftoken") || "";

  // htmx: our CSRF token travels as a header.
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = csrf();
  });

  // Colours: switch at once, keep the choice for a year.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-switch]");
    const choice = event.submitter?.value;
    if (!form || !choice) return;
    event.preventDefault();
    document.documentElement.dataset.theme = choice;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${choice}; path=/; max-age=31536000; SameSite=Lax${secure}`;
    $$("button", form).forEach((button) => button.setAttribute("aria-pressed", String(button.value === choice)));
    document.dispatchEvent(new CustomEvent("portal:theme"));
  });

  // Navigation on narrow screens: opens over the page, closes with Escape, a click beside it, or the cross.
  const side = () => document.getElementById("navigation");
  const openSide = (open) => {
    const panel = side();
    if (!panel) return;
    panel.classList.toggle("is-open", open);
    if (open) panel.querySelector("a")?.focus();
    else document.querySelector("[data-nav-open]")?.focus();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-nav-open]")) { event.preventDefault(); openSide(true); return; }
    if (event.target.closest("[data-nav-close]")) { event.preventDefault(); openSide(false); return; }
    $$("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (!event.target.closest("[data-search]")) hideResults();
    const copy = event.target.closest("[data-copy-button]");
    if (copy) copyCode(copy);
    const ask = event.target.closest("[data-confirm]");
    if (ask && !window.confirm(ask.dataset.confirm)) event.preventDefault();
  });

  // Search: Ctrl-K from anywhere, arrows walk the suggestions, Escape leaves them.
  const searchInput = () => document.querySelector("[data-search] input[type=search]");
  const results = () => document.getElementById("search-results");
  const hideResults = () => { const box = results(); if (box) box.hidden = true; };
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "search-results") event.target.hidden = false; });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      const input = searchInput();
      if (input) { event.preventDefault(); input.focus(); input.select(); }
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest?.("form");
      if (form && form.method === "post") { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details[data-menu][open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
      if (side()?.classList.contains("is-open")) openSide(false);
      if (event.target.closest?.("[data-search]")) { hideResults(); searchInput()?.focus(); }
      return;
    }
    const form = event.target.closest?.("[data-search]");
    if (form && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const links = $$("a", results() || form);
      if (!links.length) return;
      event.preventDefault();
      const at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      if (at < 0) searchInput()?.focus();
      else links[Math.min(at, links.length - 1)].focus();
    }
  });

  // Code blocks: a copy button for each element with data-copy.
  const copyCode = async (button) => {
    const code = button.parentElement.querySelector("[data-copy]");
    const said = button.querySelector("span") || button;
    try {
      await navigator.clipboard.writeText(code.innerText.trimEnd());
      said.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said.textContent = "Selected";
    }
    setTimeout(() => { said.textContent = "Copy"; }, 1600);
  };
  const addCopyButtons = (root) => {
    for (const code of $$("[data-copy]", root)) {
      // What may be wider than its box can be scrolled by keyboard.
      if (code.localName === "pre") code.tabIndex = 0;
      if (code.parentElement.querySelector("[data-copy-button]")) continue;
      if (!code.parentElement.classList.contains("code-box")) {
        const box = document.createElement("div");
        box.className = "code-box";
        code.replaceWith(box);
        box.append(code);
      }
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy-button";
      button.dataset.copyButton = "";
      button.setAttribute("aria-live", "polite");
      button.innerHTML = "<span>Copy</span>";
      code.parentElement.append(button);
    }
  };

  // Tables with data-sortable: click a head to sort what is on the page. Longer lists sort on the server by link.
  const cellValue = (row, index) => {
    const cell = row.cells[index];
    if (!cell) return "";
    const raw = cell.dataset.sort ?? cell.textContent.trim();
    if (raw === "" || raw === "–") return null;
    const number = Number(raw.replace(/[,\s%▲▼+]/g, "").replace("−", "-"));
    return Number.isNaN(number) ? raw.toLowerCase() : number;
  };
  const sortBy = (table, head) => {
    const index = head.cellIndex;
    const up = head.getAttribute("aria-sort") !== "ascending";
    $$("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [cellValue(row, index), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
      return up ? order : -order;
    });
    body.append(...rows.map(([, row]) => row));
  };
  const makeSortable = (root) => {
    for (const table of $$("table[data-sortable]", root)) {
      if (table.dataset.sortable === "on" || !table.tHead) continue;
      table.dataset.sortable = "on";
      for (const head of table.tHead.rows[0].cells) {
        if (head.querySelector("a, button") || head.hasAttribute("data-nosort") || !head.textContent.trim()) continue;
        const button = document.createElement("button");
        button.type = "button";
        button.className = "sort";
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => sortBy(table, head));
      }
    }
  };

  // A wide table or code block that scrolls must be reachable by keyboard, also once a window has become narrower.
  const reachable = (box) => {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
  };
  const scrolling = ".table-wrap, .code, .chart-scroll, .prose pre";
  const resized = new ResizeObserver((entries) => entries.forEach((entry) => reachable(entry.target.closest(scrolling))));
  const makeScrollable = (root) => {
    for (const box of $$(scrolling, root)) {
      reachable(box);
      for (const part of [box, ...box.children]) resized.observe(part);
    }
  };

  // Filters marked so send themselves when changed.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form) form.requestSubmit();
  });

  const enhance = (root) => { addCopyButtons(root); makeSortable(root); makeScrollable(root); };
  document.addEventListener("DOMContentLoaded", () => enhance(document));
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.target));
})();
