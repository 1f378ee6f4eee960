// Signals: waited for, come early, several of one name, with data.
// expect: { ok: true, by: [ 'a', 'b' ], note: null } 100
// expect: { n: 0 } 100
// expect: 1 2 grün 😀 600
// expect: TypeError
// expect: TypeError
// expect: TypeError
// signal: 0 early {"n":0}
// signal: 100 approved {"ok":true,"by":["a","b"],"note":null}
// signal: 200 twice 1
// signal: 200 twice 2
// signal: 300 unicode "grün 😀"
import { signal, sleep } from "torpor:run";
console.log(await signal("approved"), performance.now());
console.log(await signal("early"), performance.now());
await sleep(500);
console.log(await signal("twice"), await signal("twice"), await signal("unicode"), performance.now());
for (const wrong of [undefined, "", 5]) await signal(wrong).catch((error) => console.log(error.name));
