/* One sample: the conversation turn by turn, and the calls beside the expected ones. */

function findRow(id, repeat, category) {
  return ROWS.find((row) => row.id === id && row.repeat === Number(repeat) && (!category || row.category === category));
}

async function sampleView(row) {
  const { tools, sides } = await sampleOf(row);
  const place = found.indexOf(row);
  if (place >= 0) current = place;
  const step = (by, text) => {
    const other = place < 0 ? undefined : found[place + by];
    return other ? el("a", { class: "button", href: sampleAddress(other) }, text) : el("span", { class: "button off" }, text);
  };
  const there = sides.find((side) => side) || { tools: [] };
  return [
    el("div", { class: "sample-head" },
      el("a", { class: "button", href: address(filters) }, "← list"), step(-1, "previous"), step(1, "next"),
      place >= 0 && el("span", { class: "muted" }, `${count(place + 1)} of ${count(found.length)}`)),
    el("h2", { class: "sample-title" }, row.id, row.repeat ? ` · repeat ${row.repeat}` : ""),
    el("p", { class: "muted" }, row.category, " ", TWO && row.flip !== "same" && el("span", { class: `flip ${row.flip}` }, row.flip)),
    there.tools.length > 0 && toolList(there.tools.map((index) => tools[index])),
    el("div", { class: TWO ? "sides two" : "sides" }, sides.map((side, number) => el("article", {},
      TWO && el("h3", {}, el("span", { class: `key side-${SIDES[number]}` }, SIDES[number]), " ", INDEX.runs[number].label),
      side ? oneSide(side, row.category, number, row) : el("p", { class: "muted" }, "Not in this run.")))),
  ];
}

function oneSide(sample, category, number, row) {
  const verdict = sample.verdicts[category];
  const talk = el("section", { class: "talk" }, sample.problem && el("p", { class: "notice" }, `Only what is stored: ${sample.problem}`), turns(sample.talk));
  const judgement = el("section", { class: "judgement" },
    verdict ? [badge(verdict.outcome), " ", verdict.code && el("code", { class: "code" }, verdict.code), verdict.message && el("p", { dir: "auto" }, verdict.message), evidence(verdict.evidence || {})]
      : el("p", { class: "muted" }, "Not judged."),
    sample.fault && sample.fault !== (verdict && verdict.message) && el("p", { class: "bad" }, sample.fault),
    el("p", { class: "muted" }, `${count(row.tokens[number] ?? 0)} tokens · ${(row.seconds[number] ?? 0).toFixed(2)} s`));
  return [judgement, talk];
}

function toolList(tools) {
  return el("details", { class: "tools" }, el("summary", {}, `${tools.length} ${tools.length === 1 ? "tool" : "tools"}: `, el("span", { class: "muted" }, tools.map((tool) => tool.name).join(", "))),
    tools.map((tool) => el("details", {}, el("summary", {}, el("code", {}, tool.name)), el("p", { dir: "auto" }, tool.description), parameters(tool.parameters || {}))));
}

function parameters(schema) {
  const required = schema.required || [];
  const rows = Object.entries(schema.properties || {}).map(([name, about]) => el("tr", {},
    el("th", { scope: "row" }, el("code", {}, name), required.includes(name) ? "" : el("small", {}, "optional")),
    el("td", {}, [about.type, about.enum && `one of ${about.enum.join(", ")}`].filter(Boolean).join(", ")), el("td", { dir: "auto" }, about.description)));
  return rows.length ? el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, rows))) : el("p", { class: "muted" }, "No parameters.");
}

function turns(talk) {
  const many = new Set(talk.map((entry) => entry.turn)).size > 1;
  let turn = -1;
  return talk.map((entry) => {
    const title = many && entry.turn !== turn && el("h4", {}, `Turn ${entry.turn}`);
    turn = entry.turn;
    return [title, entry.role === "reply" ? reply(entry) : message(entry)];
  });
}

const message = (entry) => el("div", { class: `message ${entry.role === "user" ? "user" : entry.role === "tool" ? "tool" : "system"}` },
  el("div", { class: "role" }, entry.role, entry.name ? ` · ${entry.name}` : ""), el("pre", { dir: "auto" }, entry.text));

function reply(entry) {
  const notes = [entry.problem, entry.finish === "length" && entry.problem !== "truncated" && "cut at the token limit"].filter(Boolean);
  return el("div", { class: "message reply" },
    el("div", { class: "role" }, "reply", entry.name ? ` · ${entry.name}` : "", notes.map((note) => [" ", el("span", { class: "badge unscored" }, note)]), el("span", { class: "muted" }, ` ${count(entry.tokens)} tokens · ${entry.seconds.toFixed(2)} s`)),
    entry.think !== null && el("details", { class: "think" }, el("summary", {}, `Thinking, ${count(entry.think.length)} characters`), el("pre", { dir: "auto" }, entry.think)),
    el("pre", { class: "answer", dir: "auto" }, entry.text || (entry.calls ? "" : "(empty)")),
    entry.calls && el("pre", { class: "answer" }, entry.calls.length ? entry.calls.map((call) => json(call)).join("\n") : "(no call)"));
}

const EXACT = `exact-${Math.random()}-`;

/** JSON text of a value. Numbers that JavaScript would change (6.0, long integers) come as {"#": text} and stay as they are. */
function json(value, indent) {
  const kept = [];
  const keep = (key, inner) => (inner && typeof inner["#"] === "string" ? EXACT + (kept.push(inner["#"]) - 1) : inner);
  return JSON.stringify(value, keep, indent).replace(new RegExp(`"${EXACT}(\\d+)"`, "g"), (all, index) => kept[index]);
}

const plain = (value, indent) => (typeof value === "string" ? value : json(value, indent));
/* Servers know no dots in names, so tools may have been sent with underscores. */
const sameName = (given, name) => given !== undefined && given.replaceAll(".", "_") === name.replaceAll(".", "_");
const isCall = (value) => value && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 1;
const areCalls = (value) => Array.isArray(value) && value.length > 0 && value.every(isCall);

/** What the judge saw: calls side by side where both can be read as calls, tables for differences, JSON for the rest. */
function evidence(about) {
  const rest = { ...about }, parts = [];
  if (areCalls(about.expected) && (areCalls(about.calls) || !about.calls || about.calls.length === 0)) {
    parts.push(callTable(about));
    ["calls", "expected", "argument", "given", "acceptable", "function"].forEach((name) => delete rest[name]);
  } else if (Array.isArray(about.expected) && Array.isArray(about.calls)) {
    parts.push(columnsOf({ "calls made": about.calls, expected: about.expected }), columnsOf({ results: about.results }));
    ["calls", "expected", "results"].forEach((name) => delete rest[name]);
  }
  if (Array.isArray(about.differences)) {
    parts.push(el("h4", {}, `State of ${about.class || "the environment"}`), differenceList(about.differences));
    delete rest.differences; delete rest.class;
  }
  const left = Object.entries(rest).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length));
  if (left.length) parts.push(el("dl", { class: "evidence" }, left.map(([name, value]) => [el("dt", {}, nice(name)), el("dd", {}, el("pre", { dir: "auto" }, plain(value, 1)))])));
  return parts;
}

function columnsOf(lists) {
  return el("div", { class: "columns" }, Object.entries(lists).filter(([, items]) => Array.isArray(items)).map(([title, items]) =>
    el("div", {}, el("h4", {}, title), el("ol", {}, items.map((item) => el("li", {}, el("code", { dir: "auto" }, plain(item))))))));
}

function differenceList(found) {
  return el("dl", { class: "differences" }, found.map((one) => el("div", {}, el("dt", {}, el("code", {}, one.attribute)),
    el("dd", {}, el("small", {}, "expected"), el("code", { class: "expected", dir: "auto" }, plain(one.expected))),
    el("dd", {}, el("small", {}, "got"), el("code", { class: "differs", dir: "auto" }, plain(one.got))))));
}

/** Each expected call with the call that comes closest; the argument the judge objected to is marked. */
function callTable(about) {
  const left = [...(about.calls || [])];
  const blocks = about.expected.map((expected, index) => {
    const [name, wanted] = Object.entries(expected)[0];
    const near = left.findIndex((call) => sameName(Object.keys(call)[0], name));
    const call = left.splice(near >= 0 ? near : 0, left.length ? 1 : 0)[0];
    const objected = about.argument !== undefined && (about.function === undefined || about.function === name);
    return callBlock(name, wanted, call, objected ? about.argument : undefined, about.expected_index === index);
  });
  const extra = left.map((call) => el("div", { class: "call differs" }, el("h4", {}, "not expected"), el("code", {}, json(call))));
  return el("div", { class: "calls" }, blocks, extra);
}

function callBlock(name, wanted, call, argument, unmatched) {
  const [given, values] = call ? Object.entries(call)[0] : [undefined, {}];
  const names = [...new Set([...Object.keys(wanted || {}), ...Object.keys(values || {})])];
  return el("div", { class: `call ${unmatched ? "differs" : ""}` },
    el("h4", {}, el("code", { class: sameName(given, name) ? "" : "differs" }, given === undefined ? "(no call)" : given), !sameName(given, name) && [" expected ", el("code", { class: "expected" }, name)], unmatched && " matches no call"),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["argument", "given", "acceptable"].map((title) => el("th", {}, title)))),
      el("tbody", {}, names.map((one) => {
        const has = values && one in values, accepted = (wanted || {})[one];
        const wrong = one === argument || (call && !has && accepted && !accepted.includes("")) || (has && accepted === undefined);
        return el("tr", { class: wrong ? "differs" : "" }, el("th", { scope: "row" }, wrong ? "✗ " : "", el("code", {}, one)),
          el("td", {}, has ? el("code", { dir: "auto" }, json(values[one])) : el("span", { class: "muted" }, "left out")),
          el("td", { class: wrong ? "expected" : "" }, acceptable(accepted)));
      })))));
}

function acceptable(values) {
  if (!Array.isArray(values)) return el("span", { class: "muted" }, values === undefined ? "not expected" : json(values));
  return values.map((value, index) => [index ? el("span", { class: "muted" }, " or ") : "", value === "" ? el("span", { class: "muted" }, "left out") : el("code", { dir: "auto" }, json(value))]);
}
