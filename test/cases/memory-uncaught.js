// Running out of memory without anybody to catch that.
// expect: before
// memory: 8388608
// exit: thrown
// error: out of memory
console.log("before");
let text = "x".repeat(1000);
const all = [];
for (;;) all.push((text += "y").split(""));
