// Errors that nobody has caught yet when the program goes to sleep.
// expect: RangeError: caught late
// expect: finally, the error waits
// expect: rejected Error: second first
// expect: rejected AggregateError [ 'TypeError', 'SyntaxError' ]
// expect: still in flight
// expect: replaced thrown in
// expect: kept true true
import { sleep } from "torpor:run";
const late = Promise.reject(new RangeError("caught late"));
const held = (async () => { try { await sleep(5); throw new Error("first"); } finally { await sleep(10); console.log("finally, the error waits"); } })();
const any = Promise.any([sleep(3).then(() => { throw new TypeError("one"); }), sleep(6).then(() => { throw new SyntaxError("two"); })]);
const settled = Promise.allSettled([held.catch((error) => { throw new Error("second", { cause: error }); }), any]);
late.catch((error) => console.log(`${error}`));
for (const { status, reason } of await settled) {
  console.log(status, `${reason}`, reason.cause?.message ?? reason.errors.map((error) => error.name));
}
function* failing() { try { yield 1; } catch (error) { try { throw new Error("replaced", { cause: error }); } finally { yield "still in flight"; } } }
const generator = failing();
generator.next();
console.log(generator.throw(new Error("thrown in")).value);
await sleep(5);
try { generator.next(); } catch (error) { console.log(error.message, error.cause.message); }
const passed = new Error("kept", { cause: held });
await sleep(5);
console.log(passed.message, passed.cause === held, passed.stack.includes("errors-in-flight.mjs"));
