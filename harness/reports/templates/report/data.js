/* The index is small and read at once; samples lie in compressed chunks that are unpacked when one is opened. */

const INDEX = JSON.parse(document.getElementById("index").textContent);
const TWO = INDEX.runs.length === 2;

const ROWS = INDEX.rows.map(([line, id, repeat, category, outcomes, codes, tokens, seconds, question], order) => ({
  order, line, id, repeat, category, outcomes, codes, tokens, seconds, question,
  flip: flipOf(outcomes),
  text: [id, category, question, ...codes].join(" ").toLowerCase(),
}));

function flipOf([a, b]) {
  if (!TWO || a === b) return "same";
  if (a === "pass") return "lost";
  return b === "pass" ? "gained" : "other";
}

const unpacked = new Map();

/** Both sides of one sample: {tools, sides: [sample or null, ...]}. */
async function sampleOf(row) {
  const number = Math.floor(row.line / INDEX.chunk);
  if (!unpacked.has(number)) unpacked.set(number, unpack(number));
  const chunk = await unpacked.get(number);
  return { tools: chunk.tools, sides: chunk.samples[row.line % INDEX.chunk] };
}

async function unpack(number) {
  const text = document.getElementById(`chunk-${number}`).textContent;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/* What the list shows: kept in the address, so that a view can be linked. */
const FILTERS = ["q", "outcome", "category", "code", "flip", "sort"];

function readFilters(query) {
  const given = new URLSearchParams(query);
  return Object.fromEntries(FILTERS.map((name) => [name, given.get(name) || ""]));
}

function address(filters) {
  const given = FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]);
  return "#/samples" + (given.length ? "?" + new URLSearchParams(given) : "");
}

const sampleAddress = (row) => `#/sample/${[row.id, row.repeat, row.category].map(encodeURIComponent).join("/")}`;

const last = (values) => values[values.length - 1];
const FLIPS = { lost: 0, gained: 1, other: 2, same: 3 };
const SORTS = {
  order: (row) => row.order,
  flip: (row) => FLIPS[row.flip],
  id: (row) => row.id,
  outcome: (row) => last(row.outcomes) || "",
  code: (row) => last(row.codes) || "",
  tokens: (row) => last(row.tokens) ?? -1,
  seconds: (row) => last(row.seconds) ?? -1,
};

function select(filters) {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = ROWS.filter(
    (row) =>
      words.every((word) => row.text.includes(word)) &&
      (!filters.outcome || row.outcomes.includes(filters.outcome)) &&
      (!filters.category || row.category === filters.category) &&
      (!filters.code || row.codes.includes(filters.code)) &&
      (!filters.flip || row.flip === filters.flip),
  );
  const name = filters.sort.replace(/^-/, "") || (TWO ? "flip" : "order");
  const key = SORTS[name] || SORTS.order;
  const sign = filters.sort.startsWith("-") ? -1 : 1;
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return found.sort((a, b) => sign * compare(key(a), key(b)) || a.order - b.order);
}
