// Signals made of others, which may be forgotten or waited on.
// expect: false 7
// expect: [ 'source', true, true, 'any', 'nested' ] reason of b reason of b false
// expect: kept 4
// expect: TimeoutError: The operation timed out 3000
const a = new AbortController(), b = new AbortController();
const any = AbortSignal.any([a.signal, b.signal]), nested = AbortSignal.any([any, AbortSignal.timeout(1000)]);
const order = [];
b.signal.addEventListener("abort", () => order.push("source", any.aborted, nested.aborted));
any.addEventListener("abort", () => order.push("any"));
nested.addEventListener("abort", () => order.push("nested"));
setTimeout(() => { b.abort("reason of b"); console.log(order, any.reason, nested.reason, a.signal.aborted); }, 10);
console.log(AbortSignal.any([]).aborted, AbortSignal.any([AbortSignal.abort(7), a.signal]).reason);
let fired = 0;
for (let i = 0; i < 200; i++) { const short = AbortSignal.any([a.signal]); if (i % 50 === 0) short.onabort = () => fired++; }
setTimeout(() => { a.abort(); console.log("kept", fired); }, 20);
const late = AbortSignal.timeout(3000);
AbortSignal.any([late]).addEventListener("abort", (e) => console.log(`${e.target.reason}`, performance.now()));
