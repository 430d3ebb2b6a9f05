/* The first page: how good, how sure, what goes wrong, what it cost, what was run. */

function overview() {
  const runs = INDEX.runs;
  return [
    TWO ? el("div", { class: "pair" }, runs.map((run, side) => heading(run, side))) : heading(runs[0], 1),
    INDEX.comparison && verdictOfTwo(INDEX.comparison),
    el("section", { class: "cards" }, averages(runs)),
    el("div", { class: "twin" },
      panel("Accuracy by category", "95 % intervals; a row opens its samples", dotPlot(runs)),
      panel("What goes wrong", "error types; a bar opens its samples", bars(runs))),
    INDEX.comparison && INDEX.comparison.rows && panel("Differences", "B minus A, paired by item", differences(INDEX.comparison)),
    panel("Lengths, tokens and latency", "the last bin holds everything beyond it",
      el("div", { class: "histograms" },
        histogram("Thinking", "characters a reply", runs.map((run) => run.lengths.think)),
        histogram("Answer", "characters a reply", runs.map((run) => run.lengths.answer)),
        histogram("Completion", "tokens a reply", runs.map((run) => run.lengths.tokens)),
        histogram("Latency", "seconds a reply", runs.map((run) => run.lengths.seconds))),
      usage(runs)),
    panel("How it was measured", "", el("div", { class: "scroll" }, facts(runs))),
  ];
}

function panel(title, about, ...content) {
  return el("section", { class: "panel" }, el("h2", {}, title, about && el("span", { class: "muted" }, ` ${about}`)), content);
}

function heading(run, side) {
  const judged = run.categories.reduce((sum, category) => sum + category.n, 0);
  const size = run.categories.reduce((sum, category) => sum + category.size, 0);
  return el("div", { class: "heading" },
    TWO && el("span", { class: `key side-${SIDES[side]}` }, SIDES[side]),
    el("div", {},
      el("strong", {}, run.label), " ",
      run.status !== "complete" && el("span", { class: "badge unscored" }, run.status),
      el("div", { class: "muted" }, [`${run.facts.handler} handler`, `${run.facts.rules} rules`, run.facts.started, `${count(judged)} of ${count(size)} judged`].map((fact, i) => [i ? " · " : "", el("span", { class: "whole" }, fact)]))));
}

function averages(runs) {
  const names = [...new Set(runs.flatMap((run) => run.aggregates.map((found) => `${found.view}\n${found.title}`)))];
  return names.map((name) => {
    const [view, title] = name.split("\n");
    return el("div", { class: "card" }, el("div", { class: "muted" }, title, el("small", {}, view)),
      runs.map((run, side) => {
        const found = run.aggregates.find((other) => other.view === view && other.title === title);
        return el("div", { class: "number-line" }, TWO && el("span", { class: `key side-${SIDES[side]}` }, SIDES[side]), average(found));
      }));
  });
}

function average(found) {
  if (!found || found.value === null) {
    const missing = found ? found.missing : [];
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
    return [el("b", { class: "muted" }, "N/A"), el("small", { title: missing.join(", ") }, missing.length ? `without ${nice(missing[0])}${more}` : "not run")];
  }
  const limits = found.low === null ? "" : `${percent(found.low)}–${percent(found.high)}`;
  const part = found.n < found.size ? `, ${percent(found.coverage, 0)} % covered` : "";
  return [el("b", {}, percent(found.value, 2)), el("small", {}, limits && el("span", {}, limits), " ", el("span", {}, `n=${count(found.n)}${part}`))];
}

function verdictOfTwo(found) {
  if (found.problem) return el("p", { class: "notice" }, found.problem);
  const [total] = found.rows, [low, high] = found.rows[0].bootstrap;
  const sure = total.p < found.alpha;
  const word = !sure ? "No difference beyond noise" : total.difference > 0 ? "B is better" : "B is worse";
  const p = total.p < 0.001 ? "p < 0.001" : `p = ${total.p.toFixed(3)}`;
  return el("section", { class: `notice ${sure ? (total.difference > 0 ? "pass" : "fail") : ""}` },
    el("p", {}, el("strong", {}, word), `: ${signed(total.difference, 2)} points [${signed(low)}, ${signed(high)}], ${p} (McNemar, ${count(total.pairs)} pairs). `,
      el("a", { href: address({ flip: "lost" }) }, `${count(total.only_a)} lost`), ", ",
      el("a", { href: address({ flip: "gained" }) }, `${count(total.only_b)} gained`), "."),
    found.forced.map((why) => el("p", { class: "bad" }, `Not the same measurement: ${why}`)),
    found.cautions.map((why) => el("p", { class: "muted" }, `Caution: ${why}`)));
}

function differences(found) {
  const rows = found.rows.map((row) => ({
    class: row.q < found.alpha ? "sure" : "",
    cells: [
      row.kind === "category" ? el("a", { href: address({ category: row.scope }) }, nice(row.scope)) : row.scope,
      count(row.pairs), percent(row.accuracies[0]), percent(row.accuracies[1]),
      { content: signed(row.difference), attributes: { class: "number difference" } }, `${signed(row.bootstrap[0])}..${signed(row.bootstrap[1])}`,
      count(row.only_a), count(row.only_b), row.q < 0.001 ? "<.001" : row.q.toFixed(3),
    ],
  }));
  return el("div", { class: "scroll" }, tableOf(["", "pairs", "A", "B", "B−A", "interval", "lost", "gained", "q"], rows));
}

function usage(runs) {
  const known = (value, text) => (value === null || value === undefined ? "N/A" : text(value));
  const lines = [
    ["samples", (u) => count(u.samples)], ["replies a sample", (u) => u.steps_per_sample.toFixed(2)],
    ["prompt tokens", (u) => count(u.prompt_tokens)], ["completion tokens", (u) => count(u.completion_tokens)],
    ["from the prefix cache", (u) => known(u.cache_hit_rate, (share) => `${percent(share)} %`)],
    ["latency, 50 / 95 / 99 %", (u) => known(u.latency_p50, () => `${[u.latency_p50, u.latency_p95, u.latency_p99].map((s) => s.toFixed(2)).join(" / ")} s`)],
    ["tokens a second", (u) => known(u.tokens_per_second, (rate) => rate.toFixed(1))],
    ["USD", (u) => known(u.usd, (price) => price.toPrecision(3))], ["GPU-hours", (u) => known(u.gpu_hours, (hours) => hours.toFixed(3))],
    ["truncated", (u) => count(u.truncated)], ["errors", (u) => count(u.faults)],
  ];
  return el("dl", { class: "usage" }, lines.map(([name, read]) => el("div", {}, el("dt", {}, name), runs.map((run) => el("dd", {}, read(run.usage))))));
}

function facts(runs) {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.facts)))];
  return el("table", { class: "facts" }, el("tbody", {}, names.map((name) => {
    const values = runs.map((run) => run.facts[name] || "");
    return el("tr", { class: TWO && values[0] !== values[1] ? "differs" : "" }, el("th", { scope: "row" }, name), values.map((value) => el("td", {}, value)));
  })));
}
