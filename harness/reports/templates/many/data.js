/* Runs and what is asked of them. The address holds every choice, so that a view can be linked. */

const INDEX = JSON.parse(document.getElementById("index").textContent);
const MEASURES = INDEX.measures.map(([view, title]) => (view === "Category" ? title : `${view}: ${title}`));
const RUNS = INDEX.runs.map((run, number) => ({
  ...run,
  number,
  scores: new Map(run.scores.map(([measure, ...score]) => [measure, score])),
  text: [run.model, run.more, run.id, run.started, run.benchmark, run.handler, run.engine, run.status].join(" ").toLowerCase(),
}));
const PAGES = INDEX.pages && new Set(INDEX.pages);
const PART = 200;

const CHOICES = ["q", "benchmark", "handler", "status", "measure", "sort", "join", "view", "a", "b"];
let state = {};

function readState(query) {
  const given = new URLSearchParams(query);
  state = Object.fromEntries(CHOICES.map((name) => [name, given.get(name) || ""]));
}

function address(view, change = {}) {
  const wanted = { ...state, ...change };
  const given = CHOICES.filter((name) => wanted[name] !== "" && wanted[name] !== null).map((name) => [name, wanted[name]]);
  return `#/${view}` + (given.length ? "?" + new URLSearchParams(given) : "");
}

const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/** Runs that all filters let through, oldest first. */
function select() {
  const wanted = words(state.q);
  return RUNS.filter((run) => wanted.every((word) => run.text.includes(word)) && ["benchmark", "handler", "status"].every((name) => !state[name] || run[name] === state[name]));
}

/** The measure that was chosen, or the one that most of the runs have. */
function measureOf(runs) {
  if (state.measure !== "" && MEASURES[state.measure] !== undefined) return Number(state.measure);
  const counts = MEASURES.map(() => 0);
  runs.forEach((run) => run.scores.forEach((score, measure) => { counts[measure] += typeof score[0] === "number"; }));
  return Math.max(0, counts.indexOf(Math.max(...counts)));
}

/** [value, low, high, n, size] or null. */
const scoreOf = (run, measure) => (typeof run.scores.get(measure)?.[0] === "number" ? run.scores.get(measure) : null);
const whyNone = (run, measure) => run.scores.get(measure)?.[0] ?? (run.size ? "not run" : `no scores, ${run.status}`);
const limits = ([, low, high]) => (low === null ? "" : `${percent(low)}–${percent(high)}`);
const sizeText = ([, , , n, size]) => `n=${count(n)}${n < size ? ` of ${count(size)}` : ""}`;

/** The address of a page, or null where the folder does not hold it. */
const pageOf = (name) => (!PAGES || PAGES.has(name) ? name : null);
const runPage = (run) => pageOf(`run-${run.number}.html`);
const pairPage = (a, b) => pageOf(`pair-${a.number}-${b.number}.html`) || pageOf(`pair-${b.number}-${a.number}.html`);
const linked = (href, text) => (href ? el("a", { href }, text) : text);
