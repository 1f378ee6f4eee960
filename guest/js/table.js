/* SPDX-License-Identifier: MIT */
/* table.js - values as a table, for console.table.
 *
 * Rows are the items of an array, a Map or a Set, or the properties of another
 * object; columns are the properties of rows that are objects, and "Values" for
 * those that are not. Like inspect.js it runs no code of the program.
 *
 * Adds to $: table(value, only, colors), undefined for what has no rows; 'only'
 * may be an array of the names of its columns. */
(function ($) {
  "use strict";

  const { classOf, inspect, list, ownProperty, push, uncurry, width } = $;
  const { Array, Map, Object, Reflect, RegExp, Set, String } = $.global;
  const { getPrototypeOf, ownKeys } = Reflect;
  const { isArray } = Array;
  const exec = uncurry(RegExp.prototype.exec);
  const indexOf = uncurry(String.prototype.indexOf);
  const slice = uncurry(String.prototype.slice);
  const repeat = uncurry(String.prototype.repeat);
  const mapEntries = uncurry(Map.prototype.entries);
  const mapNext = uncurry(getPrototypeOf(new Map().entries()).next);
  const setValues = uncurry(Set.prototype.values);
  const setNext = uncurry(getPrototypeOf(new Set().values()).next);

  const ROWS = 1000;
  const COLUMNS = 50;

  /* ---- How wide text is on a terminal ---- */

  const BEYOND_LATIN = /[\u0300-\uffff]/;

  /* Marks and other characters without a column; then, in a group, those of
   * East Asia and emoji, which have two; then, in another, what is left of those
   * that are two units of a string. */
  const UNUSUAL = "[\\p{Mn}\\p{Me}\\u1160-\\u11ff\\u200b-\\u200f\\u2028-" +
    "\\u202e\\u2060-\\u206f\\ufeff\\u{e0000}-\\u{e007f}]|" +
    "((?![\\u{1f1e6}-\\u{1f1ff}])\\p{Emoji_Presentation}|" +
    "[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97c\\uac00-" +
    "\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19\\ufe30-\\ufe6b\\uff01-\\uff60" +
    "\\uffe0-\\uffe6\\u{16fe0}-\\u{1b2fb}\\u{1f200}-\\u{1f265}" +
    "\\u{20000}-\\u{3fffd}])|([\\u{10000}-\\u{10ffff}])";
  let unusual; /* made when it is needed: few programs do */

  const columns = (text) => {
    let size = width(text);
    if (exec(BEYOND_LATIN, text) === null) return size;
    if (unusual === undefined) unusual = new RegExp(UNUSUAL, "gu");
    unusual.lastIndex = 0;
    for (;;) {
      const found = exec(unusual, text);
      if (found === null) return size;
      const seen = found[1] !== undefined ? 2 : found[2] !== undefined ? 1 : 0;
      size += seen - found[0].length;
    }
  };

  const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

  /* The name of a property as it is, or quoted where that would not stay in its
   * cell. */
  const nameText = (name) =>
    exec(CONTROL, name) === null ? name : inspect(name, 0);

  /* ---- Rows and cells ---- */

  const isObject = (value) =>
    (typeof value === "object" && value !== null) ||
    typeof value === "function";

  const GETTER = { __proto__: null };

  /* Own enumerable properties as [key, value]; GETTER for one that has code. */
  const properties = (value, most) => {
    const found = list();
    if (classOf(value) === "Proxy") return found;
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length && found.length < most; i++) {
      const property = ownProperty(value, keys[i]);
      if (property === undefined || !property.enumerable) continue;
      if (typeof keys[i] === "symbol") continue;
      const isData = property.get === undefined && property.set === undefined;
      push(found, [keys[i], isData ? property.value : GETTER]);
    }
    return found;
  };

  /* [name, value] of each row. */
  const rowsOf = (value) => {
    const rows = list();
    const kind = classOf(value);
    if (kind === "Map") {
      const entries = mapEntries(value);
      for (let i = 0; i < ROWS; i++) {
        const next = mapNext(entries);
        if (next.done) break;
        push(rows, [flat(inspect(next.value[0], 0)), next.value[1]]);
      }
      return rows;
    }
    if (kind === "Set") {
      const items = setValues(value);
      for (let i = 0; i < ROWS; i++) {
        const next = setNext(items);
        if (next.done) break;
        push(rows, ["" + i, next.value]);
      }
      return rows;
    }
    return properties(value, ROWS);
  };

  /* On one line. */
  const flat = (text) => {
    for (;;) {
      const at = indexOf(text, "\n");
      if (at < 0) return text;
      let end = at + 1;
      while (text[end] === " ") end++;
      text = slice(text, 0, at) + " " + slice(text, end);
    }
  };

  const place = (names, name) => {
    for (let i = 0; i < names.length; i++) if (names[i] === name) return i;
    return -1;
  };

  /* The cells of a row, under 'names', to which it may add some. */
  const cellsOf = (name, value, names, fixed, colors) => {
    const cells = list();
    const show = (item) =>
      item === GETTER ? "[Getter]" : flat(inspect(item, 0, colors));
    cells[0] = nameText(name);
    if (!isObject(value) || typeof value === "function" || value === GETTER) {
      return { __proto__: null, cells, rest: show(value) };
    }
    const found = properties(value, ROWS);
    for (let i = 0; i < found.length; i++) {
      let at = place(names, found[i][0]);
      if (at < 1) {
        if (fixed || names.length > COLUMNS) continue;
        at = names.length;
        push(names, found[i][0]);
      }
      cells[at] = show(found[i][1]);
    }
    return { __proto__: null, cells, rest: undefined };
  };

  const line = (widths, left, middle, right) => {
    let text = left;
    for (let i = 0; i < widths.length; i++)
      text += (i > 0 ? middle : "") + repeat("─", widths[i] + 2);
    return text + right;
  };

  const rowText = (cells, widths) => {
    let text = "│";
    for (let i = 0; i < widths.length; i++) {
      const cell = cells[i] === undefined ? "" : cells[i];
      text += " " + cell + repeat(" ", widths[i] - columns(cell)) + " │";
    }
    return text;
  };

  $.table = (value, only, colors) => {
    if (!isObject(value)) return undefined;
    const names = list();
    push(names, "(index)");
    const fixed = isArray(only);
    for (let i = 0; fixed && i < only.length && i < COLUMNS; i++)
      push(names, "" + only[i]);
    const rows = rowsOf(value);
    const shown = list();
    let rest = false;
    for (let i = 0; i < rows.length; i++) {
      const row = cellsOf(rows[i][0], rows[i][1], names, fixed, colors);
      rest = rest || row.rest !== undefined;
      push(shown, row);
    }
    if (rest) push(names, "Values");
    const widths = list();
    for (let i = 0; i < names.length; i++) {
      names[i] = nameText(names[i]);
      widths[i] = columns(names[i]);
      for (let j = 0; j < shown.length; j++) {
        const row = shown[j];
        if (rest && i === names.length - 1) row.cells[i] = row.rest;
        const cell = row.cells[i];
        if (cell !== undefined && columns(cell) > widths[i])
          widths[i] = columns(cell);
      }
    }
    let text = line(widths, "┌", "┬", "┐") + "\n" +
      rowText(names, widths) + "\n" + line(widths, "├", "┼", "┤") + "\n";
    for (let j = 0; j < shown.length; j++)
      text += rowText(shown[j].cells, widths) + "\n";
    return text + line(widths, "└", "┴", "┘");
  };
})
