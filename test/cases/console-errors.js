// Errors on the console: stack, cause, own properties, several at once.
// expect: TypeError: made
// expect:     at make (console-errors.js:17:61)
// expect:     at <eval> (console-errors.js:18:13) {
// expect:   [cause]: RangeError: its cause
// expect:       at make (console-errors.js:17:61)
// expect:       at <eval> (console-errors.js:18:13)
// expect: }
// expect: { coded: 'coded' }
// expect: [Error: no stack] [ [Error: no stack] ] { plain: [Error: no stack] }
// expect: [Named: n] { name: 'Named' }
// expect: [AbortError: aborted by hand] 20
// expect: [AggregateError: many] { [errors]: [ [Error: no stack] ] }
// expect: [error] Trace: from here
// expect:     at tracer (console-errors.js:31:30)
// expect:     at <eval> (console-errors.js:31:56)
function make() { return new TypeError("made", { cause: new RangeError("its cause") }); }
console.log(make());
const coded = Object.assign(new Error("coded"), { code: "E_CODE" });
coded.stack = "";
console.log({ coded: Object.assign(coded, { more: [1] }).message });
const plain = new Error("no stack"); Object.defineProperty(plain, "stack", { value: "" });
console.log(plain, [plain], { plain });
class Named extends Error { name = "Named"; }
const named = new Named("n"); Object.defineProperty(named, "stack", { value: "" });
console.log(named);
const dom = new DOMException("aborted by hand", "AbortError"); Object.defineProperty(dom, "stack", { value: "" });
console.log(dom, dom.code);
const many = new AggregateError([plain], "many"); Object.defineProperty(many, "stack", { value: "" });
console.log(many);
(function tracer() { console.trace("from %s", "here"); })();
