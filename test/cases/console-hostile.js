// Nothing that is logged runs code of the program, and nothing throws.
// expect: [Proxy] [Proxy] { nested: [Proxy] } [Object: null prototype] {}
// expect: {
// expect:   toString: [Function: trap],
// expect:   valueOf: [Function: trap],
// expect:   toJSON: [Function: trap],
// expect:   [Symbol(Symbol.toPrimitive)]: [Function: trap],
// expect:   [Symbol(Symbol.toStringTag)]: [Getter]
// expect: }
// expect: { toString: [Function: trap] } NaN
// expect: [Function (anonymous)] { constructor: [Getter] }
// expect: [Function (anonymous)] [Function (anonymous)]
// expect: Error
// expect:     at <eval> (console-hostile.js:30:19) {
// expect:   name: [Getter],
// expect:   cause: [Getter]
// expect: }
// expect: { deep: { deep: { deep: { deep: [Object] } } } }
// expect: 150
// expect: 300
// expect: ran 0
let ran = 0;
const trap = () => { ran++; throw new Error("ran"); };
const all = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((key) => [key, trap]));
console.log(new Proxy({}, all), new Proxy(function () {}, all), { nested: new Proxy([], all) }, Object.create(new Proxy({}, all)));
console.log({ toString: trap, valueOf: trap, toJSON: trap, [Symbol.toPrimitive]: trap, get [Symbol.toStringTag]() { return trap(); } });
console.log("%s %d", { toString: trap }, { valueOf: trap });
console.log(Object.defineProperty(function () {}, "name", { get: trap }), { get constructor() { return trap(); } });
console.log(Object.defineProperty(Math.max, "name", { get: trap }), Object.defineProperty(class {}, "name", { get: trap }));
const error = new Error("e");
for (const key of ["stack", "message", "name", "cause"]) Object.defineProperty(error, key, { get: trap, enumerable: true });
console.log(error);
let deep = {}; for (let i = 0; i < 20000; i++) deep = { deep };
console.dir(deep, { depth: 3 });
const wide = {}; for (let i = 0; i < 150; i++) wide[`k${i}`] = i;
console.log(Object.keys(wide).length); console.log({ wide: Array.from({ length: 300 }, () => wide) }.wide.length);
console.log("ran", ran);
