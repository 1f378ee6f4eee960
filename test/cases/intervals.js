// Intervals keep their beat, stop, and do not pile up.
// expect: fastest 3
// expect: beat 10
// expect: between 15
// expect: beat 20
// expect: beat 30
// expect: beat 40
// expect: inner 1005
// expect: inner 2005
let beats = 0;
const interval = setInterval((name) => { console.log(name, performance.now()); if (++beats === 4) clearInterval(interval); }, 10, "beat");
setTimeout(() => console.log("between", performance.now()), 15);
let fast = 0;
const fastest = setInterval(() => { if (++fast === 3) { clearInterval(fastest); console.log("fastest", performance.now()); } }, 0);
const never = setInterval(() => console.log("never"), 100);
setTimeout(() => clearTimeout(never), 50);
let inner = 0;
const slow = setInterval(() => { setTimeout(() => console.log("inner", performance.now()), 5); if (++inner === 2) clearInterval(slow); }, 1000);
