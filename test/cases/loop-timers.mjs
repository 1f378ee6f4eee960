// Fuel is counted over all jobs and timers, asleep or not.
// expect: 0
// expect: 1
// expect: 2
// fuel: 700000
// exit: interrupted
import { sleep } from "torpor:run";
for (let i = 0; ; i++) { await sleep(10); for (let j = 0; j < 100000; j++); console.log(i); }
