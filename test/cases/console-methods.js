// Levels, groups, counters, timers, assertions.
// expect: [debug] debug
// expect: [info] info
// expect: [warn] warn
// expect: [error] error 1
// expect: outer
// expect:   two
// expect:   lines
// expect: [warn]     deep
// expect: out
// expect: default: 1
// expect: default: 2
// expect: named: 1
// expect: default: 1
// expect: [warn] Count for 'unknown' does not exist
// expect: [error] Assertion failed
// expect: [error] Assertion failed: is wrong
// expect: [error] Assertion failed: { a: 1 }
// expect: [warn] Timer 't' already exists
// expect: [warn] Timer 'unknown' does not exist
// expect: { a: [Object] }
// expect: { a: { b: { c: { d: {} } } } }
// expect: ┌─────────┬────────┐
// expect: │ (index) │ Values │
// expect: ├─────────┼────────┤
// expect: │ 0       │ 1      │
// expect: └─────────┴────────┘
// expect: x
// expect: detached
// expect: [object console] 18 log
// expect: t: 250ms so far
// expect: t: 250ms
// expect: [warn] Timer 't' does not exist
// expect: default: 61.5s
console.debug("debug"); console.info("info"); console.warn("warn"); console.error("error", 1);
console.group("outer"); console.log("two\nlines"); console.group(); console.warn("deep"); console.groupEnd(); console.groupEnd(); console.groupEnd();
console.log("out");
console.count(); console.count(); console.count("named"); console.countReset(); console.count(); console.countReset("unknown");
console.assert(true, "no"); console.assert(false); console.assert(0, "is %s", "wrong"); console.assert(null, { a: 1 });
console.time(); console.time("t"); console.time("t"); console.timeEnd("unknown");
setTimeout(() => { console.timeLog("t", "so far"); console.timeEnd("t"); console.timeEnd("t"); }, 250);
setTimeout(() => console.timeEnd(), 61500);
console.dir({ a: { b: { c: { d: {} } } } }, { depth: 0 }); console.dir({ a: { b: { c: { d: {} } } } }, { depth: null });
console.table([1]); console.dirxml("x");
const { log } = console; log("detached");
console.log(Object.prototype.toString.call(console), Object.keys(console).length, console.log.name);
