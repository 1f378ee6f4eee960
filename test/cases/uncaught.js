// An exception that nobody catches ends a script, with file and line.
// expect: before
// exit: thrown
// error: TypeError: not this way
// error: at inner (uncaught.js:8
// error: at outer (uncaught.js:9
console.log("before");
function inner() { throw new TypeError("not this way"); }
function outer() { inner(); }
setTimeout(() => console.log("never"), 10);
outer();
