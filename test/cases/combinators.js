// Promise.all and its relatives, half settled while asleep.
// expect: tried
// expect: settled [ { status: 'fulfilled', value: 1 }, { status: 'rejected', reason: 2 } ]
// expect: any failed AggregateError [ 'x', 'z' ]
// expect: race quick
// expect: all failed no
// expect: any y
// expect: all [ 'a', 'b', 'c' ]
// expect: resolved with adopted
const after = (ms, value, fail) => new Promise((resolve, reject) => setTimeout(fail ? reject : resolve, ms, value));
Promise.all([after(30, "a"), after(10, "b"), "c"]).then((v) => console.log("all", v));
Promise.all([after(30, "a"), after(20, "no", true)]).catch((v) => console.log("all failed", v));
Promise.allSettled([after(5, 1), after(6, 2, true)]).then((v) => console.log("settled", v));
Promise.race([after(50, "slow"), after(15, "quick")]).then((v) => console.log("race", v));
Promise.any([after(5, "x", true), after(25, "y")]).then((v) => console.log("any", v));
Promise.any([after(5, "x", true), after(7, "z", true)]).catch((e) => console.log("any failed", e.name, e.errors));
const { promise, resolve } = Promise.withResolvers();
promise.then((v) => console.log("resolved with", v));
setTimeout(() => { resolve(after(10, "adopted")); resolve("ignored"); }, 40);
Promise.try(() => { throw new Error("tried"); }).catch((e) => console.log(e.message));
