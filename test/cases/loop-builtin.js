// Built-in code that never asks whether to stop is ended from outside.
// expect: before
// deadline: 200
// exit: trapped
// error: deadline
console.log("before");
eval("let a" + Object.keys("x".repeat(3e4)).join(";let a"));
console.log("never");
