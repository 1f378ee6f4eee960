// Code of the program within built-ins is counted as well.
// expect: before
// fuel: 500000
// exit: interrupted
console.log("before");
Array.from({ length: 1000 }, (_, i) => i).sort(() => { for (;;); });
