// SPDX-License-Identifier: MIT
//
// errors.js - clones of errors.

const clone = structuredClone;
const hidden = (value) => ({ value, writable: true, enumerable: false, configurable: true });
const own = (object, name) => Object.getOwnPropertyDescriptor(object, name);

for (
  const kind of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]
) {
  const error = new kind("what was wrong");
  const made = clone(error);
  check(made !== error && Object.getPrototypeOf(made) === kind.prototype, kind.name);
  same(own(made, "message"), hidden("what was wrong"));
  same([made.name, made.stack, String(made)], [error.name, error.stack, String(error)]);
  check(!Object.hasOwn(made, "name") && Object.keys(made).length === 0);
}

// The name decides, whatever the class is.
class Special extends TypeError {}
check(Object.getPrototypeOf(clone(new Special("s"))) === TypeError.prototype);
const renamed = new Error("r");
renamed.name = "RangeError";
check(Object.getPrototypeOf(clone(renamed)) === RangeError.prototype);
const unknown = new TypeError("u");
for (const name of ["Other", "", 5, undefined, null, "typeerror", "ErrorError", "Map"]) {
  unknown.name = name;
  check(Object.getPrototypeOf(clone(unknown)) === Error.prototype, `name ${name}`);
}
for (const name of [Symbol(), { toString: () => "URIError" }, ["URIError"]]) {
  unknown.name = name;
  check(Object.getPrototypeOf(clone(unknown)) === Error.prototype, "no string");
}
const several = new AggregateError([1, 2], "several");
check(Object.getPrototypeOf(clone(several)) === Error.prototype);
same(clone(several).message, "several");
check(!("errors" in clone(several)));

// Messages: own, and no accessors.
check(!Object.hasOwn(clone(new Error()), "message"));
const asking = new Error("m");
void asking.stack;
Object.defineProperty(asking, "message", {
  get() {
    throw new Error("asked");
  },
});
same(clone(asking).message, "");
const number = new Error("m");
number.message = 5;
same(clone(number).message, "5");
number.message = Symbol();
throws(() => clone(number), "TypeError");
number.message = {
  toString() {
    throw new RangeError("told");
  },
};
throws(() => clone(number), "RangeError");
const reading = new Error("n");
Object.defineProperty(reading, "name", {
  get() {
    throw new EvalError("read");
  },
});
throws(() => clone(reading), "EvalError");

// Causes: own ones, cloned as properties are, without an end.
const caused = new Error("outer", { cause: { list: [1] } });
same(own(clone(caused), "cause"), hidden({ list: [1] }));
check(!("cause" in clone(new Error("none"))));
check("cause" in clone(new Error("undefined", { cause: undefined })));
throws(() => clone(new Error("f", { cause: () => {} })), "DataCloneError");
const self = new Error("self");
self.cause = self;
check(clone(self).cause !== self && clone(self).cause.cause.message === "self");
const loop = { error: new Error("in", { cause: null }) };
loop.error.cause = loop;
const looped = clone(loop);
check(looped.error.cause === looped);

// Other properties stay behind.
same(Object.keys(clone(Object.assign(new Error("e"), { code: 5 }))), []);
const stackless = new Error("s");
Object.defineProperty(stackless, "stack", { value: 5 });
check(typeof clone(stackless).stack !== "number");

// DOMExceptions.
const dom = new DOMException("gone", "AbortError");
const copy = clone({ dom }).dom;
check(copy !== dom && copy instanceof DOMException);
same([copy.name, copy.message, copy.code], ["AbortError", "gone", 20]);
same(copy.stack, dom.stack);
