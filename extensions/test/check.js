// SPDX-License-Identifier: MIT
//
// check.js - what the tests of the extensions check with. The runner puts it in
// front of each test; it is a plain script, and may be run twice in one VM.
//
//   check(condition, text)      the condition holds
//   same(actual, expected)      equal through and through: prototypes, own
//                               properties (but 'stack'), holes, -0, NaN,
//                               contents of typed arrays, Map, Set, cycles
//   throws(function, name)      it throws an error of that name; gives the error
//   rejects(promise, name)      the same of a promise; gives a promise
//
// Each throws an Error that says what was found. A third argument (a second one
// of 'check') says what was tested.

function check(condition, text = "a condition does not hold") {
  if (!condition) throw new Error(text);
}

function same(actual, expected, text = "") {
  const difference = check.compare(actual, expected, "value", new Map());
  if (difference) throw new Error(text ? `${text}: ${difference}` : difference);
}

function throws(run, name, text = "") {
  let error;
  try {
    run();
  } catch (thrown) {
    error = thrown;
    return check.named(error, name, text);
  }
  throw new Error(`${text && `${text}: `}nothing was thrown instead of ${name}`);
}

function rejects(promise, name, text = "") {
  return promise.then(
    () => {
      throw new Error(`${text && `${text}: `}no rejection with ${name}`);
    },
    (error) => check.named(error, name, text),
  );
}

check.named = function (error, name, text) {
  if (name === undefined || error?.name === name) return error;
  const found = error instanceof Object ? `${error.name}: ${error.message}` : check.show(error);
  throw new Error(`${text && `${text}: `}${name} was to be thrown, not ${found}`);
};

check.show = function (value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return String(value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  try {
    return `${tag} ${JSON.stringify(value)}`.slice(0, 200);
  } catch {
    return tag;
  }
};

// What differs, in words, or undefined. 'seen' has the objects that are being
// compared further up, so that cycles end.
check.compare = function (actual, expected, path, seen) {
  if (Object.is(actual, expected)) return;
  const differs = () => `${path} is ${check.show(actual)}, not ${check.show(expected)}`;
  const isObject = (value) => typeof value === "object" && value !== null;
  if (!isObject(actual) || !isObject(expected)) return differs();
  if (seen.has(actual)) return seen.get(actual) === expected ? undefined : differs();
  seen.set(actual, expected);
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) {
    return `${path} has another prototype: ${differs()}`;
  }
  return check.contents(actual, expected, path, seen) ??
    check.properties(actual, expected, path, seen);
};

// What of an object is not in its properties, as an array; undefined: nothing.
// Each reader throws for what is not of its kind.
check.inside = function (value) {
  const bytes = (buffer, ...range) => [...new Uint8Array(buffer, ...range)];
  const readers = [
    () => [...Map.prototype.entries.call(value)],
    () => [...Set.prototype.values.call(value)],
    () => [Date.prototype.getTime.call(value)],
    () => bytes(new DataView(value).buffer),
    () => bytes(value.buffer, value.byteOffset, value.byteLength),
    () => [Number.prototype.valueOf.call(value)],
    () => [String.prototype.valueOf.call(value)],
    () => [Boolean.prototype.valueOf.call(value)],
    () => [BigInt.prototype.valueOf.call(value)],
  ];
  for (const read of readers) {
    try {
      return read();
    } catch {
      continue;
    }
  }
  if (Object.prototype.toString.call(value) === "[object RegExp]") return [String(value)];
};

check.contents = function (actual, expected, path, seen) {
  const [inside, wanted] = [check.inside(actual), check.inside(expected)];
  if (inside === undefined && wanted === undefined) return;
  if (inside?.length !== wanted?.length) {
    return `${path} has ${inside?.length} entries, not ${wanted?.length}`;
  }
  for (let i = 0; i < wanted.length; i++) {
    const difference = check.compare(inside[i], wanted[i], `${path}<${i}>`, seen);
    if (difference) return difference;
  }
};

check.properties = function (actual, expected, path, seen) {
  const own = (value) => {
    const keys = Reflect.ownKeys(value).filter((key) => key !== "stack");
    return ArrayBuffer.isView(value) ? keys.slice(value.length) : keys;
  };
  const keys = own(actual);
  const wanted = own(expected);
  const names = (list) => list.map(String).sort().join();
  if (names(keys) !== names(wanted)) {
    return `${path} has the properties ${names(keys)}, not ${names(wanted)}`;
  }
  for (const key of wanted) {
    const place = `${path}[${check.show(key)}]`;
    const difference = check.compare(actual[key], expected[key], place, seen);
    if (difference) return difference;
  }
};
