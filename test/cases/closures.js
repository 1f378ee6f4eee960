// Closures keep their variables while the program sleeps.
// expect: before
// expect: [ 1, 12, 23 ]
// expect: 3 1
// expect: after object object
// expect: [ 1, 1, [ 3, 4 ], 4, 1 ]
const makeCounter = () => { let n = 0; return { up: () => ++n, read: () => n }; };
const first = makeCounter(), second = makeCounter();
const callbacks = [];
for (let i = 0; i < 3; i++) callbacks.push(() => i * 10 + first.up());
setTimeout(() => console.log(callbacks.map((f) => f())), 5);
setTimeout(() => { second.up(); console.log(first.read(), second.read()); }, 10);
var shared = "before";
setTimeout(() => { console.log(shared); shared = "after"; }, 3);
setTimeout(() => console.log(shared, (function () { return typeof this; })(), (() => typeof globalThis)()), 20);
function arity(a, b = 1, ...c) { arguments[0] = "changed"; return [a, b, c, arguments.length, arity.length]; }
setTimeout(() => console.log(arity(1, undefined, 3, 4)), 30);
