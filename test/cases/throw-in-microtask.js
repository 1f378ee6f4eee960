// What a job or a callback throws is reported, and the others run.
// expect: the next one
// expect: [unhandled] Error: microtask
// expect: [unhandled] TypeError: timer
// expect: the next timer
// expect: the next listener
// expect: true
// expect: [unhandled] RangeError: listener
// expect: [unhandled] Error: interval
// expect: [unhandled] null
queueMicrotask(() => { throw new Error("microtask"); });
queueMicrotask(() => console.log("the next one"));
setTimeout(() => { throw new TypeError("timer"); }, 5);
setTimeout(() => console.log("the next timer"), 6);
const target = new EventTarget();
target.addEventListener("x", () => { throw new RangeError("listener"); });
target.addEventListener("x", () => console.log("the next listener"));
setTimeout(() => console.log(target.dispatchEvent(new Event("x"))), 7);
const interval = setInterval(() => { clearInterval(interval); throw new Error("interval"); }, 10);
setTimeout(() => { throw null; }, 20);
