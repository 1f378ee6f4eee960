// Proxies of what is asynchronous, and one that is revoked while it is awaited.
// expect: through a proxy [ 'then' ]
// expect: 1
// expect: 2
// expect: [ 'Symbol(Symbol.asyncIterator)' ]
// expect: still here
// expect: TypeError
// expect: 42 true [1,{"a":1}]
// expect: true false
import { sleep } from "torpor:run";
const log = [];
const traced = (target) => new Proxy(target, { get(object, key) { log.push(String(key)); const value = Reflect.get(object, key); return typeof value === "function" ? value.bind(object) : value; } });
const thenable = traced({ then: (resolve) => { setTimeout(resolve, 5, "through a proxy"); } });
console.log(await thenable, log.splice(0));
const stream = traced((async function* () { yield 1; await sleep(5); yield 2; })());
for await (const value of stream) { await sleep(1); console.log(value); }
console.log(log.splice(0));
const { proxy, revoke } = Proxy.revocable({ slow: async () => { await sleep(10); return "still here"; } }, {});
const answer = proxy.slow();
setTimeout(revoke, 5);
console.log(await answer);
try { proxy.slow; } catch (error) { console.log(error.name); }
const membrane = new Proxy(class { constructor(n) { this.n = n; } async twice() { await sleep(1); return this.n * 2; } }, { construct: (target, args, made) => Reflect.construct(target, args.map((x) => x + 1), made) });
console.log(await new membrane(20).twice(), Array.isArray(new Proxy([], {})), JSON.stringify(new Proxy([1, { a: 1 }], {})));
console.log("anything" in new Proxy({}, { has: () => true }), Reflect.set(new Proxy({}, { set: () => false }), "x", 1));
