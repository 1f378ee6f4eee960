// A deadline also ends jobs that never end.
// expect: in a job
// deadline: 50
// exit: interrupted
// error: deadline
Promise.resolve().then(() => { console.log("in a job"); for (;;) try { for (;;); } catch {} });
