// What built-ins do is counted as fuel, so that those without an end end.
// expect: before
// fuel: 100000
// exit: interrupted
console.log("before");
Array(4e9).join();
console.log("never");
