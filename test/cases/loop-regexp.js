// A regular expression that backtracks for ever.
// expect: before
// fuel: 1000000
// exit: interrupted
console.log("before");
/^(a+)+$/.test("a".repeat(60) + "b");
