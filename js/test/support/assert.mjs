// SPDX-License-Identifier: MIT
//
// assert.mjs - what tests say must hold. It is the same in every host, browsers
// too, and uses nothing of them.

/** What a failed assertion throws. */
export class AssertionError extends Error {
  name = "AssertionError";
}

/** A value for people, in one line that does not grow without end. */
export function show(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 500));
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return `function ${value.name}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name}(${value.byteLength} bytes)`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, part) => typeof part === "bigint" ? `${part}n` : part)?.slice(
      0,
      500,
    );
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function fail(message, text) {
  throw new AssertionError(message === undefined ? text : `${message}: ${text}`);
}

/** `value` is true, or counts as that. */
export function assert(value, message) {
  if (!value) fail(message, `${show(value)} is not true`);
}

/** They are the same by Object.is. */
assert.equal = (actual, expected, message) => {
  if (Object.is(actual, expected)) return;
  fail(message, `${show(actual)} instead of ${show(expected)}`);
};

assert.notEqual = (actual, other, message) => {
  if (Object.is(actual, other)) fail(message, `it is ${show(actual)}`);
};

/** `text` has what the regular expression describes. */
assert.match = (text, pattern, message) => {
  if (typeof text === "string" && pattern.test(text)) return;
  fail(message, `${show(text)} does not match ${pattern}`);
};

/** They have the same content, kinds and circles. */
assert.deepEqual = (actual, expected, message) => {
  const where = difference(actual, expected, "", new Map());
  if (where === undefined) return;
  fail(
    message,
    `${show(actual)} instead of ${show(expected)}: they differ at ` +
      (where || "the top"),
  );
};

assert.fail = (message) => fail(undefined, message);

/** `run` throws what `expected` describes; gives what it threw. */
assert.throws = (run, expected, message) => {
  let result;
  try {
    result = run();
  } catch (error) {
    return accept(error, expected, message);
  }
  return fail(message, `nothing was thrown; the result is ${show(result)}`);
};

/** The same of a promise, or of a function that gives one. */
assert.rejects = async (promise, expected, message) => {
  let result;
  try {
    result = await (typeof promise === "function" ? promise() : promise);
  } catch (error) {
    return accept(error, expected, message);
  }
  return fail(message, `it was not rejected but gave ${show(result)}`);
};

// `expected` is a class, a regular expression for "name: message", or an object
// whose properties the error has (those that are regular expressions match).
function accept(error, expected, message) {
  if (error instanceof AssertionError && expected !== AssertionError) throw error;
  if (expected === undefined) return error;
  if (typeof expected === "function") {
    if (error instanceof expected) return error;
    fail(message, `${show(error)} is no ${expected.name}`);
  }
  if (expected instanceof RegExp) {
    assert.match(`${error?.name}: ${error?.message}`, expected, message);
    return error;
  }
  for (const [key, value] of Object.entries(expected)) {
    if (value instanceof RegExp) assert.match(error?.[key], value, message);
    else assert.deepEqual(error?.[key], value, message ?? `its ${key}`);
  }
  return error;
}

// ---- where two values differ -------------------------------------------------

// The path to the first difference; undefined when there is none. `met` maps
// each object to the one that it was compared with.
function difference(a, b, path, met) {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return path;
  if (met.has(a)) return met.get(a) === b ? undefined : path;
  met.set(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
    return `${path} (of another class)`;
  }
  return contentDifference(a, b, path, met) ?? keysDifference(a, b, path, met);
}

function contentDifference(a, b, path, met) {
  if (a instanceof Date) return Object.is(+a, +b) ? undefined : path;
  if (a instanceof RegExp) return String(a) === String(b) ? undefined : path;
  if (a instanceof Error) {
    for (const key of ["name", "message"]) {
      if (a[key] !== b[key]) return `${path}.${key}`;
    }
    return difference(a.cause, b.cause, `${path}.cause`, met);
  }
  if (a instanceof Map || a instanceof Set) {
    return difference([...a], [...b], `${path}[entries]`, met);
  }
  if (a instanceof ArrayBuffer || a instanceof DataView) {
    return bytesDifference(bytesOf(a), bytesOf(b), path);
  }
  return undefined;
}

function bytesOf(value) {
  return value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function bytesDifference(a, b, path) {
  if (a.length !== b.length) return `${path}.byteLength`;
  const place = a.findIndex((byte, index) => byte !== b[index]);
  return place < 0 ? undefined : `${path}[byte ${place}]`;
}

function keysDifference(a, b, path, met) {
  if (ArrayBuffer.isView(a) && "length" in a) {
    if (a.length !== b.length) return `${path}.length`;
    const place = a.findIndex((value, index) => !Object.is(value, b[index]));
    return place < 0 ? undefined : `${path}[${place}]`;
  }
  const keys = Reflect.ownKeys(a).filter((key) => isListed(a, key));
  const others = Reflect.ownKeys(b).filter((key) => isListed(b, key));
  for (const key of others) {
    if (!keys.includes(key)) return `${path}.${String(key)} (missing)`;
  }
  for (const key of keys) {
    if (!others.includes(key)) return `${path}.${String(key)} (too many)`;
    const found = difference(a[key], b[key], `${path}.${String(key)}`, met);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isListed(object, key) {
  if (Array.isArray(object) && key === "length") return true;
  return Object.prototype.propertyIsEnumerable.call(object, key);
}
