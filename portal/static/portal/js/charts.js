// Makes a drawn chart interactive when the reader turns to it: tooltip for each month, series that can be switched off.
// The drawing on the page stays as it is until then, and stays for good where anything here fails.
"use strict";

(() => {
  const vegaUrl = document.currentScript?.dataset.vega;
  let vega = null;
  const loadVega = () => {
    vega ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = vegaUrl;
      script.onload = () => resolve(window.vegaEmbed);
      script.onerror = () => reject(new Error("The chart script is not there."));
      document.head.append(script);
    });
    return vega;
  };

  const options = {
    ast: true,
    actions: false,
    defaultStyle: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true, formatTooltip: (value, sanitize) => tooltip(value, sanitize) },
  };
  const tooltip = (value, sanitize) => {
    const [first, ...rest] = Object.entries(value);
    const row = ([key, said]) => `<tr><td class="key">${sanitize(key)}</td><td class="value">${sanitize(said)}</td></tr>`;
    return `<h2>${sanitize(first[1])}</h2><table>${rest.map(row).join("")}</table>`;
  };

  const without = (spec, hidden) => ({
    ...spec,
    layer: spec.layer.map((layer) => ({
      ...layer,
      data: { values: layer.data.values.filter((row) => !hidden.has(row.s)) },
    })),
  });

  const draw = async (figure, specs, hidden) => {
    const embed = await loadVega();
    for (const form of Object.keys(specs)) {
      const place = figure.querySelector(`.chart-${form}`);
      const still = place.querySelector("svg");
      // Same size in its own units as the drawing it takes the place of, so nothing on the page moves.
      const next = document.createElement("div");
      const result = await embed(next, without(specs[form], hidden), options);
      const svg = next.querySelector("svg");
      svg.setAttribute("viewBox", svg.getAttribute("viewBox") || still.getAttribute("viewBox"));
      figure.views?.[form]?.finalize();
      (figure.views ??= {})[form] = result;
      place.replaceChildren(next);
    }
  };

  const wake = async (figure) => {
    if (figure.dataset.awake) return;
    figure.dataset.awake = "loading";
    try {
      const response = await fetch(figure.dataset.chart, { credentials: "same-origin" });
      if (!response.ok) return;
      const specs = await response.json();
      const hidden = new Set();
      await draw(figure, specs, hidden);
      figure.dataset.awake = "yes";
      for (const item of figure.querySelectorAll("[data-chart-key] li")) {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", "true");
        button.append(...item.childNodes);
        item.append(button);
        button.addEventListener("click", () => {
          const name = item.dataset.series;
          if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
          button.setAttribute("aria-pressed", String(!hidden.has(name)));
          draw(figure, specs, hidden);
        });
      }
    } catch {
      figure.dataset.awake = "no";
    }
  };

  const turn = (event) => {
    const figure = event.target.closest?.("[data-chart]");
    if (figure && vegaUrl) wake(figure);
  };
  document.addEventListener("pointerover", turn, { passive: true });
  document.addEventListener("focusin", turn);
})();
