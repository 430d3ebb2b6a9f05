/* The table of runs: filters, any measure as its last column, two runs to be picked. */

let shown = PART;

function runsView() {
  const runs = select(), measure = measureOf(runs);
  const rows = sorted(runs, measure);
  return [
    problems(),
    filterBar(runs, measure),
    el("p", { class: "muted result-count", role: "status" }, `${count(runs.length)} of ${count(RUNS.length)} runs`),
    tableOf(headers(measure), rows.slice(0, shown).map((run) => ({ cells: cells(run, measure) })), { class: "fold runs" }),
    moreButton(rows.length, shown, () => { shown = Infinity; }),
    el("div", { class: "picked", id: "picked" }, picked()),
    besideLinks(),
  ];
}

function problems() {
  return INDEX.problems.length > 0 && el("div", { class: "notice fail", role: "note" },
    el("p", {}, el("strong", {}, `${count(INDEX.problems.length)} not read, and in no figure here:`)),
    el("ul", { class: "plain" }, INDEX.problems.slice(0, 20).map((problem) => el("li", {}, problem))));
}

function filterBar(runs, measure) {
  const search = el("input", { type: "search", id: "search", placeholder: "Search model, id, date", "aria-label": "Search", value: state.q });
  let timer;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => change({ q: search.value }), 120); });
  const choose = (name) => dropdown(name, [["", `every ${name}`], ...[...new Set(RUNS.map((run) => run[name]))].sort().map((value) => [value, value])], state[name]);
  return el("div", { class: "filters" }, search, ["benchmark", "handler", "status"].map(choose), measureBox(measure));
}

function measureBox(measure) {
  return el("label", {}, "score", dropdown("measure", MEASURES.map((title, number) => [number, title]), measure));
}

function dropdown(name, options, value) {
  const box = el("select", { id: `choose-${name}`, "aria-label": name, onchange: () => change({ [name]: box.value }) },
    options.map(([key, text]) => el("option", { value: key, selected: String(key) === String(value) }, text)));
  return box;
}

const SORTS = {
  model: (run) => run.model.toLowerCase(), started: (run) => run.started, benchmark: (run) => run.benchmark, handler: (run) => run.handler,
  status: (run) => run.status, judged: (run) => run.judged, score: (run, measure) => scoreOf(run, measure)?.[0] ?? -1,
};

/** Newest first, unless a column says otherwise. */
function sorted(runs, measure) {
  const name = state.sort.replace(/^-/, ""), key = SORTS[name];
  if (!key) return [...runs].reverse();
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const keys = new Map(runs.map((run) => [run, key(run, measure)]));
  return [...runs].sort((a, b) => sign * (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0) || b.number - a.number);
}

function headers(measure) {
  const sort = (name, title) => {
    const now = state.sort.replace(/^-/, "") === name ? (state.sort.startsWith("-") ? "descending" : "ascending") : "none";
    const arrow = { ascending: " ↑", descending: " ↓", none: "" }[now];
    const button = el("button", { type: "button", id: `sort-${name}`, onclick: () => change({ sort: now === "ascending" ? `-${name}` : name }) }, title + arrow);
    const kind = ["judged", "score"].includes(name) ? "number" : "";
    return { content: button, label: title, attributes: { "aria-sort": now, class: kind } };
  };
  return [sort("model", "model"), sort("started", "date"), sort("benchmark", "benchmark"), sort("handler", "handler"),
    sort("status", "status"), sort("judged", "judged"), sort("score", MEASURES[measure] || "score"), { content: "pick", label: "pick", attributes: { class: "" } }];
}

function cells(run, measure) {
  const left = { class: "" };
  const judged = run.judged < run.size ? `${count(run.judged)} of ${count(run.size)}` : count(run.judged);
  return [
    [linked(runPage(run), run.model), run.more && el("small", {}, run.more), run.cautions.map((why) => el("small", { class: "bad" }, "‡ ", why))],
    { content: el("time", { datetime: run.started, title: run.started }, run.started.slice(0, 10)), attributes: left },
    { content: run.benchmark, attributes: left }, { content: run.handler, attributes: left },
    { content: run.status === "complete" ? run.status : el("span", { class: "badge unscored" }, run.status), attributes: left },
    judged, scoreCell(run, measure), { content: pickBox(run), attributes: left },
  ];
}

function scoreCell(run, measure) {
  const score = scoreOf(run, measure);
  if (!score) return ["N/A", " ", el("span", { class: "why" }, whyNone(run, measure))];
  return [el("strong", {}, percent(score[0], 2)), el("small", {}, limits(score), " ", sizeText(score))];
}

function pickBox(run) {
  const name = `${run.model} ${run.started}`;
  const box = el("input", { type: "checkbox", class: "choice", id: `pick-${run.number}`, "aria-label": `pick ${name}` });
  box.checked = [state.a, state.b].includes(String(run.number));
  box.addEventListener("change", () => pick(run.number, box.checked));
  return box;
}

/** The first that is picked is the baseline A; a third takes the place of B. Only the bar is drawn again. */
function pick(number, on) {
  const rest = [state.a, state.b].filter((one) => one !== "" && one !== String(number));
  const [a = "", b = ""] = on ? [...rest.slice(0, 1), String(number)] : rest;
  state = { ...state, a, b };
  history.replaceState(null, "", address("runs"));
  document.querySelectorAll(".choice").forEach((box) => { box.checked = [a, b].some((one) => one !== "" && box.id === `pick-${one}`); });
  document.getElementById("picked").replaceChildren(...fill(document.createDocumentFragment(), {}, [picked()]).childNodes);
}

function picked() {
  const [a, b] = [state.a, state.b].map((one) => (one === "" ? undefined : RUNS[one]));
  const who = (run, side) => run && el("span", { class: "who" }, el("span", { class: `key side-${side}` }, side), " ", run.model, " ", el("span", { class: "muted" }, run.started.slice(0, 10)));
  if (!a || !b) return [who(a, "A"), el("span", { class: "muted", role: "status" }, a ? "Pick another one to see both side by side." : "Pick two runs to see them side by side.")];
  const href = pairPage(a, b);
  const open = href ? el("a", { class: "button", id: "side-by-side", href }, "Side by side")
    : el("span", {}, "Not in this folder; ", el("code", {}, `harness view ${a.id} ${b.id}`), " makes it.");
  return [who(a, "A"), who(b, "B"), open];
}

function besideLinks() {
  const kinds = [["training", "Trainings"], ["refinement", "Refinements"]];
  return kinds.map(([kind, title]) => {
    const found = INDEX.beside.filter((one) => one.kind === kind);
    return found.length > 0 && el("section", { class: "panel" }, el("h2", {}, title),
      el("ul", { class: "plain" }, found.map((one) => el("li", {}, el("a", { href: one.href }, one.title)))));
  });
}

function moreButton(total, now, open) {
  return total > now && el("p", { class: "more" }, el("button", { type: "button", id: "more", onclick: () => { open(); route(); } }, `Show all ${count(total)}`));
}
