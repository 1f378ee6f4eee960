// What is thrown need not be an error.
// expect: before
// exit: thrown
// error: a plain text
console.log("before");
await null;
throw "a plain text";
