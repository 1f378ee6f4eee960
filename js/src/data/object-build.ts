// SPDX-License-Identifier: MIT
//
// object-build.ts - makes objects of given keys from their values.
//
// A copy of a template gets its values. A JavaScript engine keeps what it learns
// about an assignment with its place in the source text: while the same key is
// assigned there to objects that are alike, it is a store to memory, and a
// search otherwise, which takes ten times as long. So there are as many copies
// of the same text as shapes may have one of their own; code that is made from
// text at run time is no way, since pages may forbid it (Content-Security-Policy).
//
//  (1) The template has the keys as own properties, so that assigning finds
//      those, whatever Object.prototype has, and __proto__ is a key like any
//      other.

export type Template = Record<string, unknown>;

/** Makes an object: its values are those from 'base' on. */
export type Build = (
  template: Template,
  keys: readonly string[],
  values: readonly unknown[],
  base: number,
) => Template;

/** Defines what assignment would for a key that has no meaning of its own. */
export function defineOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** For any shape. */
export function buildAny(
  template: Template,
  keys: readonly string[],
  values: readonly unknown[],
  base: number,
): Template {
  const made = { ...template };
  for (let i = 0; i < keys.length; i++) made[keys[i]!] = values[base + i];
  return made;
}

/** Keys that each of these can have. */
const KEYS = 8;

/** For one shape each: all of them are the same. */
const builds: Build[] = [
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
  (template, keys, values, base) => {
    const made = { ...template };
    const count = keys.length;
    made[keys[0]!] = values[base + 0];
    if (count > 1) made[keys[1]!] = values[base + 1];
    if (count > 2) made[keys[2]!] = values[base + 2];
    if (count > 3) made[keys[3]!] = values[base + 3];
    if (count > 4) made[keys[4]!] = values[base + 4];
    if (count > 5) made[keys[5]!] = values[base + 5];
    if (count > 6) made[keys[6]!] = values[base + 6];
    if (count > 7) made[keys[7]!] = values[base + 7];
    return made;
  },
];

/** A function that nobody has; undefined when there is none. */
export function takeBuild(keys: number): Build | undefined {
  return keys <= KEYS ? builds.pop() : undefined;
}
