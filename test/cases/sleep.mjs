// sleep() in sequence and side by side, for times and until moments.
// expect: undefined 5
// expect: 1505
// expect: 2000
// expect: 2000
// expect: 62000
// expect: [ 1, 2, 3 ]
// expect: sleep 1 [ 'exportState', 'input', 'onUpgrade', 'runId', 'signal', 'sleep', 'step' ]
import { sleep } from "torpor:run";
const began = Date.now(), at = () => Date.now() - began;
console.log(await sleep(5), at());
await sleep("1.5 s"); console.log(at());
await sleep(new Date(began + 2000)); console.log(at());
await sleep(new Date(0)); await sleep(-10); await sleep(0); console.log(at());
await Promise.all([sleep(100), sleep("50ms"), sleep("1 min")]); console.log(at());
const order = [];
await Promise.all([3, 1, 2].map((n) => sleep(n).then(() => order.push(n)))); console.log(order);
console.log(sleep.name, sleep.length, Object.keys(await import("torpor:run")).sort());
