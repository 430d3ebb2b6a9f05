/* Leaderboards: measured rows, published ones, and rows that a view cannot place, with the reason. */

let ranks = 100;
const LINKED = 3;

function boardsView() {
  if (!INDEX.boards.length) return el("p", { class: "notice" }, "No leaderboard holds a category that was run here.");
  const board = INDEX.boards.find((one) => one.name === state.view) || INDEX.boards[0];
  return [
    el("div", { class: "filters" }, el("label", {}, "view", dropdown("view", INDEX.boards.map((one) => [one.name, one.title]), board.name))),
    el("p", { class: "muted" }, board.source),
    board.blocks.map(blockOf),
    board.left.length > 0 && el("section", { class: "panel" }, el("h2", {}, "Not in this view"),
      el("ul", { class: "plain" }, board.left.slice(0, ranks).map(([label, why]) => el("li", {}, label, ": ", el("span", { class: "muted" }, why)))),
      moreButton(board.left.length, ranks, () => { ranks = Infinity; })),
    el("ul", { class: "plain muted" }, [...board.about, ...board.notes].map((note) => el("li", {}, note))),
  ];
}

function blockOf(block) {
  const rows = block.rows.slice(0, ranks).map((row) => ({
    cells: [rowLabel(row), ...row.cells.map((cell, i) => rankCell(cell, row.best.includes(i), block.measured))],
  }));
  return el("section", { class: "panel" }, el("h2", {}, block.measured ? block.title : `Published: ${block.title}`),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": block.title }, tableOf(["model", ...block.columns], rows, { class: "fold ranks" })),
    moreButton(block.rows.length, ranks, () => { ranks = Infinity; }));
}

function rowLabel(row) {
  const runs = row.runs.map((number) => RUNS[number]).reverse();
  const links = runs.slice(0, LINKED).map((run, i) => [i ? ", " : "", linked(runPage(run), `${run.benchmark} ${run.started.slice(0, 10)}`)]);
  if (runs.length > LINKED) links.push(" and ", el("a", { href: address("runs", { q: runs[0].model }) }, `${runs.length - LINKED} more`));
  return [row.label, el("small", {}, links), row.partial.length > 0 && el("small", {}, "† ", row.partial.slice(0, 3).join("; "), row.partial.length > 3 && ` and ${row.partial.length - 3} more`),
    row.unread.map((why) => el("small", { class: "bad" }, "‡ ", why))];
}

function rankCell(cell, best, measured) {
  if (cell.length === 1) return measured ? { content: "N/A", attributes: { title: cell[0] } } : "";
  const value = percent(cell[0], 2);
  return [best ? el("strong", {}, value) : value, cell[1] !== null && el("small", {}, measured ? "" : "~", limits(cell)), measured && el("small", {}, sizeText(cell))];
}
