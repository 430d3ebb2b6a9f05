"use strict";
/* Elements are made here and nowhere else; every string becomes a text node, so nothing a model wrote is markup. */

const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/** Control characters, direction marks and lone surrogates as escapes that can be read. */
function visible(text) {
  return String(text).replace(UNSAFE, (char) => "\\u" + char.codePointAt(0).toString(16).padStart(4, "0"));
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : visible(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return node;
}

const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const percent = (value, digits = 1) => (value === null || value === undefined ? "N/A" : (100 * value).toFixed(digits));
const signed = (value, digits = 1) => (value > 0 ? "+" : "") + (100 * value).toFixed(digits);
const count = (value) => Number(value).toLocaleString("en-US");
const nice = (name) => name.replaceAll("_", " ");
const SIDES = ["A", "B"];
const MARKS = { pass: "✓", fail: "✗", unscored: "–" };

/** Phones: wide tables fold into blocks, charts take the width that there is. */
const NARROW = matchMedia("(max-width: 40rem)");

/** A table that folds on a phone. Roles are said again, since a folded table has lost them for some screen readers. */
function tableOf(headers, rows, attributes = {}) {
  return el("table", { class: "fold", role: "table", ...attributes },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, headers.map((header, i) => el("th", { scope: "col", role: "columnheader", class: i ? "number" : "", ...header.attributes }, header.content ?? header)))),
    el("tbody", { role: "rowgroup" }, rows.map(({ cells, ...more }) => el("tr", { role: "row", ...more }, cells.map((cell, i) => el(i ? "td" : "th", {
      role: i ? "cell" : "rowheader", scope: i ? null : "row", class: i ? "number" : "", "data-label": headers[i].label ?? headers[i], ...cell?.attributes }, cell?.content ?? cell))))));
}

/** An outcome as a badge: a shape and a word, never colour alone. */
function badge(outcome, text = outcome) {
  return el("span", { class: `badge ${outcome || "none"}` }, `${MARKS[outcome] || "·"} ${text || "not judged"}`);
}
