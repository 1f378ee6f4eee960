// An endless loop is ended by its deadline.
// expect: before
// deadline: 50
// exit: interrupted
// error: deadline
console.log("before");
try { for (;;); } catch { console.log("never"); }
