// Built-in code that never asks whether to stop is ended from outside.
// expect: before
// deadline: 50
// exit: trapped
// error: deadline
console.log("before");
3n ** 20000000n;
console.log("never");
