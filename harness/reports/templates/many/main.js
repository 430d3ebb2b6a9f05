/* Routes, keys and theme. */

const main = document.getElementById("main");
const VIEWS = { runs: runsView, boards: boardsView, trends: trendsView };
let view = "runs";

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  readState(query);
  const before = view, focused = document.activeElement?.id;
  view = Object.hasOwn(VIEWS, path) ? path : "runs";
  main.className = view;
  main.replaceChildren(...fill(document.createDocumentFragment(), {}, [VIEWS[view]()]).childNodes);
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("aria-current", String(link.dataset.view === view));
    link.setAttribute("href", address(link.dataset.view));
  }
  if (before !== view) window.scrollTo(0, 0);
  // What was drawn anew keeps the focus, so that a keyboard goes on from where it was.
  const again = focused && document.getElementById(focused);
  if (again && again !== document.activeElement) {
    again.focus();
    if (again.id === "search") again.setSelectionRange(again.value.length, again.value.length);
  }
}

function change(what) {
  location.hash = address(view, what);
}

function toggleTheme() {
  const set = document.documentElement.dataset.theme;
  const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox") {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const search = document.getElementById("search");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  if (event.key === "d") toggleTheme();
});
document.getElementById("theme-button").addEventListener("click", toggleTheme);
window.addEventListener("hashchange", route);
NARROW.addEventListener("change", route);
route();
