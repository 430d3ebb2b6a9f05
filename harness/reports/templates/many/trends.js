/* Scores in order of date with their intervals: what a team gates its releases on. */

const COLOURS = ["#1f77b4", "#d1660c", "#2a8a3e", "#b04fc0", "#9c6a5b", "#00808f", "#d0483a", "#7d7d10"];
const MARKS_OF_LINES = ["", "6 3", "2 3", "8 3 2 3", "", "6 3", "2 3", "8 3 2 3"];

function trendsView() {
  const runs = select(), measure = measureOf(runs);
  const points = runs.filter((run) => scoreOf(run, measure)), none = runs.filter((run) => !scoreOf(run, measure));
  const { lines, others } = linesOf(points);
  const open = lines.some((line) => line.runs.some((run) => run.note));
  return [
    filterBar(runs, measure),
    el("div", { class: "filters" }, el("label", {}, "a line joins", dropdown("join", [["", "runs of one model"], ["all", "all runs shown"]], state.join))),
    el("section", { class: "panel" }, el("h2", {}, MEASURES[measure] || "score", el("span", { class: "muted" }, ` 95 % intervals, ${count(points.length)} runs in order of date`)),
      points.length ? [chart(lines, measure), legend(lines), open && el("p", { class: "muted" }, "An open circle cannot be read against the one before it on its line: the table says why."), others > 0 && el("p", { class: "muted" }, `${count(others)} more models are not drawn; filters choose others.`)]
        : el("p", { class: "muted" }, "No run shown here has this score.")),
    points.length > 0 && pointTable(lines, measure),
    none.length > 0 && el("section", { class: "panel" }, el("h2", {}, "Without this score"),
      el("ul", { class: "plain" }, none.slice(-ranks).reverse().map((run) => el("li", {}, run.model, " ", run.started.slice(0, 10), ": ", el("span", { class: "muted" }, whyNone(run, measure))))),
      moreButton(none.length, ranks, () => { ranks = Infinity; })),
  ];
}

/** Lines of points, the ones with the newest points first; as many as there are colours. */
function linesOf(points) {
  const found = new Map();
  points.forEach((run) => {
    const name = state.join === "all" ? "all runs" : run.model;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(run);
  });
  const all = [...found].map(([name, runs]) => ({ name, runs })).sort((a, b) => last(b.runs).number - last(a.runs).number);
  const lines = all.slice(0, COLOURS.length).map((line, i) => ({ ...line, colour: COLOURS[i], dashes: MARKS_OF_LINES[i] }));
  lines.forEach((line) => line.runs.forEach((run, i) => { run.note = noteOf(run, line.runs[i - 1]); }));
  return { lines, others: all.length - lines.length };
}

const last = (values) => values[values.length - 1];

/** What keeps a point from being read against the one before it. */
function noteOf(run, before) {
  const other = before && run.same !== before.same ? "other data, checker or rules: not joined" : before && run.settings !== before.settings ? "other settings" : "";
  return [other, ...run.cautions, run.status === "complete" ? "" : run.status].filter(Boolean).join("; ");
}

function chart(lines, measure) {
  const width = Math.max(320, Math.min(1200, main.clientWidth - (NARROW.matches ? 24 : 40))), height = NARROW.matches ? 260 : 340;
  const box = { left: 40, right: width - 12, top: 12, bottom: height - 28 };
  const runs = lines.flatMap((line) => line.runs).sort((a, b) => a.number - b.number);
  const places = new Map(runs.map((run, i) => [run, i]));
  const scores = runs.map((run) => scoreOf(run, measure));
  const ticks = ticksOf(Math.min(...scores.map((score) => score[1] ?? score[0])), Math.max(...scores.map((score) => score[2] ?? score[0])));
  const [low, high] = [ticks[0], last(ticks)];
  const x = (run) => box.left + ((places.get(run) + 0.5) / runs.length) * (box.right - box.left);
  const y = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
  const grid = ticks.map((tick) => [svg("line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), class: "grid" }),
    svg("text", { x: box.left - 6, y: y(tick) + 4, class: "tick", "text-anchor": "end" }, +(100 * tick).toFixed(1))]);
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "trend", role: "group", "aria-label": `${MEASURES[measure]} in order of date` },
    grid, dates(runs, x, height, width), lines.map((line) => lineOf(line, measure, x, y, runs.length > 150 ? 2.5 : 4.5)));
}

function ticksOf(low, high) {
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25].find((one) => (high - low) / one <= 6) || 0.25;
  const first = Math.floor(low / step), end = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: end - first + 1 }, (_, i) => (first + i) * step);
}

function dates(runs, x, height, width) {
  const every = Math.ceil(runs.length / Math.max(2, Math.floor(width / 110)));
  return runs.filter((_, i) => i % every === 0).map((run) => svg("text", { x: x(run), y: height - 8, class: "tick", "text-anchor": "middle" }, run.started.slice(0, 10)));
}

function lineOf(line, measure, x, y, r) {
  const parts = line.runs.slice(1).map((run, i) => (run.same === line.runs[i].same
    ? `M${x(line.runs[i])} ${y(scoreOf(line.runs[i], measure)[0])}L${x(run)} ${y(scoreOf(run, measure)[0])}` : ""));
  const points = line.runs.map((run) => {
    const score = scoreOf(run, measure), [value, low, high] = score;
    const said = `${line.name} ${run.more} ${run.started.slice(0, 10)}: ${percent(value, 2)} % [${limits(score)}], ${sizeText(score)}${run.note && `; ${run.note}`}`;
    const marks = [svg("title", {}, said), low !== null && svg("line", { x1: x(run), x2: x(run), y1: y(low), y2: y(high), stroke: line.colour, class: "whisker" }),
      svg("circle", { cx: x(run), cy: y(value), r, fill: line.colour, stroke: line.colour, class: run.note ? "changed" : "" })];
    return runPage(run) ? svg("a", { href: runPage(run), "aria-label": said }, marks) : svg("g", { role: "img", "aria-label": said }, marks);
  });
  return [svg("path", { d: parts.join(""), stroke: line.colour, "stroke-dasharray": line.dashes }), points];
}

function legend(lines) {
  return el("ul", { class: "legend" }, lines.map((line) => el("li", {},
    svg("svg", { viewBox: "0 0 28 16", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 28, y1: 8, y2: 8, stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dashes }), svg("circle", { cx: 14, cy: 8, r: 5, fill: line.colour })),
    line.name)));
}

function pointTable(lines, measure) {
  const rows = lines.flatMap((line) => line.runs.map((run, i) => ({ run, before: line.runs[i - 1] }))).sort((a, b) => b.run.number - a.run.number);
  const against = ({ run, before }) => (before && run.same === before.same ? linked(pairPage(before, run), pairPage(before, run) ? "side by side" : "") : "");
  return el("section", { class: "panel" }, el("h2", {}, "The same in figures", el("span", { class: "muted" }, " newest first")),
    tableOf(["model", "date", "score", "interval", "n", "against the one before", "note"], rows.slice(0, ranks).map((row) => {
      const score = scoreOf(row.run, measure);
      return { cells: [[linked(runPage(row.run), row.run.model), row.run.more && el("small", {}, row.run.more)], row.run.started.slice(0, 10), percent(score[0], 2), limits(score), sizeText(score).slice(2), against(row), row.run.note] };
    }), { class: "fold points" }),
    moreButton(rows.length, ranks, () => { ranks = Infinity; }));
}
