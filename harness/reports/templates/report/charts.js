/* Charts are inline SVG in a fixed coordinate system that scales with the page. */

/** Categories as dots with their intervals; two runs share a row, the baseline as a ring. */
function dotPlot(runs) {
  const names = [...new Set(runs.flatMap((run) => run.categories.map((category) => category.name)))];
  const two = runs.length > 1, narrow = NARROW.matches;
  const above = narrow ? 20 : 0, step = above + (two ? 34 : 26);
  const width = narrow ? Math.max(280, main.clientWidth - 24) : 600, left = narrow ? 6 : 180, right = width - (narrow ? 124 : 150);
  const height = names.length * step + 34;
  const x = (value) => left + value * (right - left);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((value) => [
    svg("line", { x1: x(value), x2: x(value), y1: 4, y2: height - 24, class: "grid" }),
    svg("text", { x: x(value), y: height - 8, class: "tick", "text-anchor": "middle" }, `${100 * value}`),
  ]);
  const rows = names.map((name, index) => {
    const middle = index * step + above + (step - above) / 2 + 4;
    const said = runs.map((run) => run.categories.find((category) => category.name === name)).map(scoreText);
    const marks = runs.map((run, side) => {
      const found = run.categories.find((category) => category.name === name);
      if (!found || found.value === null) return null;
      const y = middle + (two ? (side ? 7 : -7) : 0);
      const part = found.n < found.size ? ` of ${count(found.size)}` : "";
      return svg("g", { class: `side-${two ? SIDES[side] : "B"}` },
        svg("title", {}, `${name}: ${said[side]}`),
        svg("line", { x1: x(found.low), x2: x(found.high), y1: y, y2: y, class: "bar" }),
        svg("circle", { cx: x(found.value), cy: y, r: 4.5, class: "dot" }),
        svg("text", { x: right + 12, y: y + 4, class: "value" }, `${percent(found.value)}`),
        svg("text", { x: right + 56, y: y + 4, class: "tick" }, `n=${count(found.n)}${part}`));
    });
    const place = narrow ? { x: left, y: index * step + 18 } : { x: left - 12, y: middle + 4, "text-anchor": "end" };
    return svg("a", { href: address({ category: name }), "aria-label": `${nice(name)}: ${said.map((text, side) => (two ? `${SIDES[side]} ${text}` : text)).join("; ")}` },
      svg("rect", { x: 0, y: index * step + 4, width, height: step, class: "hit" }),
      svg("text", { ...place, class: "label" }, nice(name)), marks);
  });
  // Not role="img": that would hide the links from a screen reader.
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Accuracy by category with 95 % intervals", class: "plot" }, grid, rows);
}

function scoreText(found) {
  if (!found || found.value === null) return "not judged";
  const part = found.n < found.size ? ` of ${count(found.size)}` : "";
  return `${percent(found.value)} % [${percent(found.low)}, ${percent(found.high)}], n=${count(found.n)}${part}`;
}

/** Error types as bars; each opens the samples that have it. */
function bars(runs) {
  const totals = new Map();
  runs.forEach((run, side) => run.codes.forEach(([code, n]) => {
    if (!totals.has(code)) totals.set(code, runs.map(() => 0));
    totals.get(code)[side] = n;
  }));
  const most = Math.max(1, ...[...totals.values()].flat());
  const rows = [...totals].sort((a, b) => Math.max(...b[1]) - Math.max(...a[1])).map(([code, numbers]) =>
    el("a", { class: "bar-row", href: address({ code }) },
      el("span", { class: "code" }, code),
      el("span", { class: "tracks" }, numbers.map((n, side) => {
        const bar = el("span", { class: `track side-${runs.length > 1 ? SIDES[side] : "B"}` });
        bar.style.width = `${(100 * n) / most}%`;
        return el("span", { class: "track-row" }, bar, el("span", { class: "tick" }, count(n)));
      }))));
  return rows.length ? el("div", { class: "bars" }, rows) : el("p", { class: "muted" }, "None.");
}

/** One distribution; runs are drawn over one another as outlines. */
function histogram(title, unit, found) {
  const shown = found.map((data, side) => ({ data, side })).filter(({ data }) => data);
  if (!shown.length) return null;
  const width = 360, height = 96, top = Math.max(...shown.map(({ data }) => last(data.edges)));
  const most = Math.max(...shown.flatMap(({ data }) => data.counts.map((n) => n / data.n)));
  const areas = shown.map(({ data, side }) => {
    const x = (value) => (value / top) * width;
    const y = (n) => height - (n / data.n / most) * (height - 6);
    const steps = data.counts.map((n, i) => `L${x(data.edges[i])} ${y(n)}L${x(data.edges[i + 1])} ${y(n)}`).join("");
    return svg("path", { d: `M0 ${height}${steps}L${x(last(data.edges))} ${height}Z`, class: `area side-${found.length > 1 ? SIDES[side] : "B"}` });
  });
  const short = (value) => (value >= 100 ? count(Math.round(value)) : String(+value.toPrecision(3)));
  const facts = shown.map(({ data, side }) =>
    el("span", {}, found.length > 1 ? `${SIDES[side]}: ` : "", `median ${short(data.median)}, mean ${short(data.mean)}, max ${short(data.max)}`));
  return el("figure", {},
    el("figcaption", {}, title, el("span", { class: "muted" }, ` ${unit}`)),
    svg("svg", { viewBox: `0 0 ${width} ${height + 18}`, role: "img", "aria-label": `Distribution: ${title}` }, areas,
      svg("line", { x1: 0, x2: width, y1: height, y2: height, class: "grid" }),
      svg("text", { x: 0, y: height + 14, class: "tick" }, "0"),
      svg("text", { x: width, y: height + 14, class: "tick", "text-anchor": "end" }, `≥ ${short(top)}`)),
    el("div", { class: "muted facts-line" }, facts));
}
