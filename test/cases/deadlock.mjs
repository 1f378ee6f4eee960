// A promise that nobody settles, with nothing else to wait for.
// expect: waiting
// expect: the last timer
// exit: deadlock
setTimeout(() => console.log("the last timer"), 1000);
console.log("waiting");
await new Promise(() => {});
console.log("never");
