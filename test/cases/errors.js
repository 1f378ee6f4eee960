// Errors in flight while asleep, with cause, stack and what finally changes.
// expect: deep RangeError true true
// expect: same true
// expect: from try g [ 'try', 'finally', 'catch', 'finally too' ]
// expect: Custom: code 7 7 true true
// expect: 2 true AggregateError: several
function thrower(message) { throw new TypeError(message, { cause: new RangeError("root") }); }
const caught = (() => { try { thrower("deep"); } catch (error) { return error; } })();
setTimeout(() => {
  console.log(caught.message, caught.cause.name, caught instanceof TypeError, caught.stack.includes("thrower (errors.js:"));
}, 10);
const inFlight = Promise.reject(caught);
inFlight.catch(() => {});
setTimeout(() => inFlight.catch((error) => console.log("same", error === caught)), 20);
const order = [];
const f = () => { try { order.push("try"); return "from try"; } finally { order.push("finally"); } };
const g = () => { for (;;) { try { throw 1; } catch { order.push("catch"); break; } finally { order.push("finally too"); } } return "g"; };
setTimeout(() => console.log(f(), g(), order), 30);
class Custom extends Error { constructor(code) { super(`code ${code}`); this.name = "Custom"; this.code = code; } }
setTimeout(() => { try { throw new Custom(7); } catch (error) { console.log(`${error}`, error.code, error instanceof Custom, Error.isError(error)); } }, 40);
const all = new AggregateError([1, caught], "several");
setTimeout(() => console.log(all.errors.length, all.errors[1] === caught, `${all}`), 50);
