// Makes a drawn chart interactive when the reader turns to it: tooltip for each month, series that can be switched off,
// and of a long time any part.
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

  // The labels that fit, the last place always among them, the year below where it changes: as the server does it.
  const labelsOf = ({ labels, room }, places) => {
    const step = Math.max(1, Math.ceil(places.length / room));
    const shown = places.filter((_, index) => (places.length - 1 - index) % step === 0);
    let before = null;
    return Object.fromEntries(shown.map((place) => {
      const [label, year] = labels[place];
      const said = year === before ? label : [label, year];
      before = year;
      return [place, said];
    }));
  };

  const part = (spec, range) => {
    if (!range) return spec;
    const places = Object.keys(spec.usermeta.labels).slice(range[0], range[1] + 1);
    const within = new Set(places);
    const labels = labelsOf(spec.usermeta, places);
    const axis = { values: Object.keys(labels), labelExpr: `${JSON.stringify(labels)}[datum.label]` };
    return {
      ...spec,
      layer: spec.layer.map((layer) => {
        const x = layer.encoding.x;
        return {
          ...layer,
          data: { values: layer.data.values.filter((row) => within.has(row.m)) },
          encoding: {
            ...layer.encoding,
            x: { ...x, scale: { ...x.scale, domain: places }, axis: { ...x.axis, ...axis } },
          },
        };
      }),
    };
  };

  const draw = async (figure) => {
    const { specs, hidden, range, views } = figure.chart;
    const embed = await loadVega();
    for (const form of Object.keys(specs)) {
      const place = figure.querySelector(`.chart-${form}`);
      const still = place.querySelector("svg");
      // Same size in its own units as the drawing it takes the place of, so nothing on the page moves.
      const next = document.createElement("div");
      const result = await embed(next, part(without(specs[form], hidden), range), options);
      const svg = next.querySelector("svg");
      svg.setAttribute("viewBox", svg.getAttribute("viewBox") || still.getAttribute("viewBox"));
      views[form]?.finalize();
      views[form] = result;
      place.replaceChildren(next);
    }
    figure.classList.toggle("is-part", Boolean(range));
  };

  const offerSeries = (figure) => {
    for (const item of figure.querySelectorAll("[data-chart-key] li")) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(...item.childNodes);
      item.append(button);
      button.addEventListener("click", () => {
        const { hidden } = figure.chart;
        const name = item.dataset.series;
        if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
        button.setAttribute("aria-pressed", String(!hidden.has(name)));
        draw(figure);
      });
    }
  };

  const LEAST = 3;
  const show = (figure, first, last) => {
    const ends = figure.querySelectorAll("[data-chart-range] select");
    const all = ends[0].options.length;
    // Two ends too close to draw a line between are moved apart.
    const from = Math.max(0, Math.min(first, last, all - LEAST));
    const to = Math.min(all - 1, Math.max(first, last, from + LEAST - 1));
    ends[0].selectedIndex = from;
    ends[1].selectedIndex = to;
    const range = from === 0 && to === all - 1 ? null : [from, to];
    if (String(range) === String(figure.chart.range)) return;
    figure.chart.range = range;
    draw(figure);
  };

  const offerPart = (figure) => {
    const control = figure.querySelector("[data-chart-range]");
    if (!control) return;
    const [from, to] = control.querySelectorAll("select");
    const canvas = figure.querySelector(".chart-canvas");
    control.addEventListener("change", () => show(figure, from.selectedIndex, to.selectedIndex));
    const whole = () => show(figure, 0, from.options.length - 1);
    control.querySelector("[data-whole]").addEventListener("click", whole);
    canvas.addEventListener("dblclick", whole);
    canvas.classList.add("can-drag");
    let brush = null;
    let begun = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      begun = event.clientX;
      brush = document.createElement("div");
      brush.className = "chart-brush";
      canvas.append(brush);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!brush) return;
      const { left } = canvas.getBoundingClientRect();
      brush.style.left = `${Math.min(begun, event.clientX) - left}px`;
      brush.style.width = `${Math.abs(event.clientX - begun)}px`;
    });
    const end = (event) => {
      if (!brush) return;
      brush.remove();
      brush = null;
      if (event.type === "pointerup" && Math.abs(event.clientX - begun) > 8) {
        show(figure, placeAt(figure, begun), placeAt(figure, event.clientX));
      }
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    // What was chosen while the script was still on its way.
    show(figure, from.selectedIndex, to.selectedIndex);
  };

  // Which place of the whole time lies under a point of the screen, in the drawing that is shown.
  const placeAt = (figure, clientX) => {
    const { views, range } = figure.chart;
    const form = Object.keys(views).find((name) => figure.querySelector(`.chart-${name}`).getClientRects().length);
    const { view } = views[form];
    const svg = figure.querySelector(`.chart-${form} svg`);
    const x = new DOMPoint(clientX, 0).matrixTransform(svg.getScreenCTM().inverse()).x - view.origin()[0];
    const count = view.scale("x").domain().length;
    const index = Math.min(count - 1, Math.max(0, Math.floor((x / view.signal("width")) * count)));
    return index + (range ? range[0] : 0);
  };

  const wake = async (figure) => {
    if (figure.dataset.awake) return;
    figure.dataset.awake = "loading";
    try {
      const response = await fetch(figure.dataset.chart, { credentials: "same-origin" });
      if (!response.ok) return;
      figure.chart = { specs: await response.json(), hidden: new Set(), range: null, views: {} };
      await draw(figure);
      figure.dataset.awake = "yes";
      offerSeries(figure);
      offerPart(figure);
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
  document.addEventListener("change", turn);
})();
