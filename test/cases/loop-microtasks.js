// Jobs that begin jobs for ever.
// expect: begun
// fuel: 100000
// exit: interrupted
// error: fuel
const again = () => { for (let i = 0; i < 1000; i++); Promise.resolve().then(again); };
again();
console.log("begun");
