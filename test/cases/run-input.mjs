// What the run gives, the same after each wake.
// expect: { name: 'grün', list: [ 1, 2.5, null, true ], nested: { __proto__: 1 } } case 7
// expect: grün changed [ '__proto__' ] case
// input: {"name":"grün","list":[1,2.5,null,true],"nested":{"__proto__":1}}
import { input, runId, step, sleep } from "torpor:run";
const given = input();
console.log(given, runId(), step());
given.name = "changed";
await sleep(10);
console.log(input().name, given.name, Object.keys(input().nested), runId());
