// Errors in errors: a few levels of causes, all that an error has, and cycles.
// expect: [Error: attempt 4] {
// expect:   [cause]: [Error: attempt 3] { [cause]: [Error: attempt 2] { [cause]: [Error] } }
// expect: }
// expect: [Error: full] { path: '/disk', code: 'ENOSPC' }
// expect: [NotFound: it] { id: 7 }
// expect: [SuppressedError: two] {
// expect:   [error]: [Error: late],
// expect:   [suppressed]: [Error: early]
// expect: }
// expect: <ref *1> [Error: a] { [cause]: [Error: b] { [cause]: [Circular *1] } }
// expect: [Function: f] {
// expect:   next: [Function: g] { next: [Function: h] { next: [Function (anonymous)] } }
// expect: }
// expect: [Error: hostile] { [cause]: [Proxy], errors: [Getter] }
Error.stackTraceLimit = 0;
let chain = new Error("attempt 0");
for (let i = 1; i < 5; i++) chain = new Error("attempt " + i, { cause: chain });
console.log(chain);
const full = Object.assign(new Error("full"), { path: "/disk" });
Object.defineProperty(full, "code", { value: "ENOSPC" });
console.log(full);
class NotFound extends Error { id = 7; }
console.log(new NotFound("it"));
console.log(new SuppressedError(new Error("late"), new Error("early"), "two"));
const a = new Error("a", { cause: 1 }), b = new Error("b", { cause: a });
Object.defineProperty(a, "cause", { value: b });
console.log(a);
function f() {} function g() {} function h() {}
f.next = g; g.next = h; h.next = () => {}; h.next.next = f;
console.log(f);
const trap = () => { throw new Error("ran"); };
const hostile = new Error("hostile", { cause: new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap }) });
Object.defineProperty(hostile, "errors", { get: trap, enumerable: true });
console.log(hostile);
