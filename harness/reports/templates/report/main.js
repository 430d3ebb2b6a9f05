/* Routes, keys and theme. */

const main = document.getElementById("main");
const help = document.getElementById("help");
let focusSearch = false;

async function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...parts] = path.split("/");
  let content;
  if (view === "samples") content = samplesView(query);
  else if (view === "sample") {
    const row = findRow(...parts.map(decodeURIComponent));
    content = row ? await sampleView(row) : [el("p", { class: "notice" }, "There is no such sample in this report.")];
  } else content = overview();
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("aria-current", String(link.dataset.view === (view === "sample" ? "samples" : view || "overview")));
  }
  main.className = view || "overview";
  main.replaceChildren(...fill(document.createDocumentFragment(), {}, [content]).childNodes);
  if (view !== "samples") window.scrollTo(0, 0);
  if (focusSearch) {
    const search = document.getElementById("search");
    search.focus();
    search.setSelectionRange(search.value.length, search.value.length);
    focusSearch = false;
  }
}

const KEYS = {
  "/": ["search samples", () => { focusSearch = true; location.hash.startsWith("#/samples") ? route() : (location.hash = address(filters)); }],
  o: ["overview", () => { location.hash = "#/"; }],
  l: ["list of samples", () => { location.hash = address(filters); }],
  j: ["next sample", () => step(1)],
  k: ["previous sample", () => step(-1)],
  Enter: ["open the marked sample", () => { if (main.className === "samples" && found[current]) location.hash = sampleAddress(found[current]); }],
  Escape: ["back to the list", () => { if (main.className === "sample") location.hash = address(filters); }],
  t: ["fold or unfold thinking", toggleThinking],
  d: ["dark or light", toggleTheme],
  "?": ["these keys", () => help.showModal()],
};

function step(by) {
  if (main.className !== "sample") return move(by);
  const row = found[current + by];
  if (row) { current += by; location.hash = sampleAddress(row); }
}

function toggleThinking() {
  const blocks = [...document.querySelectorAll("details.think")];
  const open = blocks.some((block) => !block.open);
  blocks.forEach((block) => { block.open = open; });
}

function toggleTheme() {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
}

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const name = { ArrowDown: "j", ArrowUp: "k" }[event.key] || event.key;
  if (name !== event.key && main.className !== "samples") return;
  if (event.key === "Enter" && /^(A|BUTTON|SUMMARY)$/i.test(event.target.tagName)) return; // a link in a chart is called "a"
  if (Object.hasOwn(KEYS, name)) { event.preventDefault(); KEYS[name][1](); }
});

fill(help, {}, [el("h2", {}, "Keys"), el("dl", { class: "keys" }, Object.entries(KEYS).map(([key, [what]]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
  el("p", { class: "muted" }, `Texts of more than ${count(INDEX.limit)} characters are cut here; samples.jsonl in the run's folder has them whole.`),
  el("form", { method: "dialog" }, el("button", {}, "Close"))]);
document.getElementById("help-button").addEventListener("click", () => help.showModal());
document.getElementById("theme-button").addEventListener("click", toggleTheme);
window.addEventListener("hashchange", route);
NARROW.addEventListener("change", route);
route();
