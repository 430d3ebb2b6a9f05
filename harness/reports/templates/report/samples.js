/* The list of samples: filters in the address, rows drawn only where they can be seen. */

const ROW = 44;
let filters = readFilters("");
let found = ROWS;
let current = 0;

function samplesView(query) {
  filters = readFilters(query);
  found = select(filters);
  current = Math.min(current, Math.max(0, found.length - 1));
  const head = el("div", { class: "list-head sample-row" }, columns().map(([name, title]) => sortButton(name, title)));
  const list = el("div", { class: "list", tabindex: "0", role: "list", "aria-label": "Samples" });
  const inner = el("div", { class: "list-inner" });
  inner.style.height = `${found.length * ROW}px`;
  list.append(inner);
  list.addEventListener("scroll", () => draw(list, inner), { passive: true });
  requestAnimationFrame(() => { list.scrollTop = Math.max(0, current * ROW - list.clientHeight / 2); draw(list, inner); });
  return [filterBar(), el("p", { class: "muted result-count", role: "status" }, `${count(found.length)} of ${count(ROWS.length)}`),
    el("div", { class: "list-box" }, head, list)];
}

const columns = () => [
  ...(TWO ? [["flip", "flip"]] : []), ["id", "sample"], ["outcome", "outcome"], ["code", "code"], ["order", "question"], ["tokens", "tokens"], ["seconds", "seconds"],
];

function sortButton(name, title) {
  const active = filters.sort.replace(/^-/, "") === name;
  const next = active && !filters.sort.startsWith("-") ? `-${name}` : name;
  const arrow = active ? (filters.sort.startsWith("-") ? " ↓" : " ↑") : "";
  return el("button", { type: "button", class: `c-${name}`, onclick: () => show({ sort: next }) }, title + arrow);
}

function show(change) {
  current = 0;
  location.hash = address({ ...filters, ...change });
}

function filterBar() {
  const search = el("input", { type: "search", id: "search", placeholder: "Search id, question, code", "aria-label": "Search", value: filters.q });
  let timer;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { focusSearch = true; show({ q: search.value }); }, 120); });
  const chips = (name, values) => el("div", { class: "chips", role: "group", "aria-label": name },
    values.map((value) => el("button", { type: "button", "aria-pressed": String(filters[name] === value), onclick: () => show({ [name]: filters[name] === value ? "" : value }) }, value)));
  const choose = (name, values) => {
    const options = [["", `every ${name}`], ...[...new Set(values)].filter(Boolean).sort().map((value) => [value, value])];
    const box = el("select", { "aria-label": name, onchange: () => show({ [name]: box.value }) },
      options.map(([value, text]) => el("option", { value, selected: filters[name] === value }, text)));
    return box;
  };
  return el("div", { class: "filters" }, search, TWO && chips("flip", ["lost", "gained"]), chips("outcome", ["pass", "fail", "unscored"]),
    choose("category", ROWS.map((row) => row.category)), choose("code", ROWS.flatMap((row) => row.codes)));
}

function draw(list, inner) {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 8);
  const end = Math.min(found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 8);
  inner.replaceChildren(...found.slice(first, end).map((row, i) => listRow(row, first + i)));
}

function listRow(row, position) {
  const texts = {
    flip: () => el("span", { class: `flip ${row.flip}` }, { lost: "▼ lost", gained: "▲ gained", other: "◆ other", same: "" }[row.flip]),
    id: () => [row.id, row.repeat ? el("small", {}, ` repeat ${row.repeat}`) : "", row.id.startsWith(row.category) ? "" : el("small", {}, ` ${row.category}`)],
    outcome: () => row.outcomes.map((outcome) => badge(outcome)),
    code: () => row.codes.map((code) => el("span", {}, code || "")),
    order: () => row.question,
    tokens: () => row.tokens.map((value) => el("span", {}, value === null ? "" : count(value))),
    seconds: () => row.seconds.map((value) => el("span", {}, value === null ? "" : value.toFixed(1))),
  };
  const link = el("a", { class: "sample-row", href: sampleAddress(row), "aria-current": String(position === current) },
    columns().map(([name]) => el("span", { class: `c-${name}`, dir: "auto" }, texts[name]())));
  link.style.top = `${position * ROW}px`;
  return el("div", { role: "listitem" }, link);
}

function move(by) {
  const list = document.querySelector(".list");
  if (!list || !found.length) return;
  current = Math.max(0, Math.min(found.length - 1, current + by));
  const top = current * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  draw(list, list.firstChild);
}
