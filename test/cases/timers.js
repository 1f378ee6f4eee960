// Order of timers, arguments, clearing, odd delays.
// expect: number true true
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: 0 undefined
// expect: 0 NaN
// expect: 0 negative
// expect: 0 null
// expect: 10 ten 1
// expect: 10 ten 2
// expect: 15 text
// expect: 20 twenty
// expect: 25 clears another
// expect: 25 nested
// expect: 30 true
const log = (...what) => console.log(performance.now(), ...what);
setTimeout(log, 20, "twenty");
setTimeout(log, 10, "ten", 1);
setTimeout(log, 10, "ten", 2);
setTimeout(log, undefined, "undefined"); setTimeout(log, NaN, "NaN"); setTimeout(log, -5, "negative"); setTimeout(log, "15", "text"); setTimeout(log, null, "null");
const cancelled = setTimeout(log, 5, "never");
clearTimeout(cancelled); clearTimeout(cancelled); clearTimeout(undefined); clearTimeout({}); clearInterval(12345);
console.log(typeof cancelled, cancelled > 0, setTimeout(() => {}, 1) > cancelled);
setTimeout(() => { clearTimeout(last); setTimeout(log, 0, "nested"); log("clears another"); }, 25);
const last = setTimeout(log, 26, "never");
setTimeout(function () { log(this === globalThis); }, 30);
for (const wrong of [undefined, "code", {}]) try { setTimeout(wrong, 1); } catch (error) { console.log(error.name); }
