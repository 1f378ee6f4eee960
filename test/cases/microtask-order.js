// Jobs run in order, and all of them before the next timer.
// expect: async start
// expect: script end
// expect: microtask
// expect: then 1
// expect: after await
// expect: catch
// expect: thenable
// expect: nested microtask
// expect: then 2
// expect: after second await
// expect: finally
// expect: thenable done
// expect: then 3
// expect: timer 1
// expect: job of timer 1
// expect: timer 2
const log = (what) => console.log(what);
setTimeout(() => { log("timer 1"); Promise.resolve().then(() => log("job of timer 1")); }, 0);
setTimeout(() => log("timer 2"), 0);
queueMicrotask(() => { log("microtask"); queueMicrotask(() => log("nested microtask")); });
Promise.resolve().then(() => log("then 1")).then(() => log("then 2")).then(() => log("then 3"));
(async () => { log("async start"); await null; log("after await"); await new Promise((resolve) => resolve()); log("after second await"); })();
Promise.reject(1).catch(() => log("catch")).finally(() => log("finally"));
new Promise((resolve) => resolve({ then(done) { log("thenable"); done("x"); } })).then(() => log("thenable done"));
log("script end");
