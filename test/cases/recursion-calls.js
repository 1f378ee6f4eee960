// Endless recursion is an error that can be caught.
// expect: RangeError true
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: true
// expect: again RangeError
// expect: async RangeError
// expect: later RangeError
let depth = 0;
const deeper = () => { depth++; return deeper() + 1; };
try { deeper(); } catch (error) { console.log(error.name, depth > 100); }
class Endless { get x() { return this.x; } set y(v) { this.y = v; } valueOf() { return +this; } }
for (const f of [() => new Endless().x, () => { new Endless().y = 1; }, () => +new Endless(), () => { const f = () => [1].map(f); f(); }, () => { const f = function* () { yield* f(); }; [...f()]; }, () => { const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x; }, () => { const f = (...a) => Reflect.apply(f, null, a); f(1); }, () => { const f = async () => { await f(); }; return f(); }])
  try { const got = f(); console.log(got instanceof Promise); got?.catch((error) => console.log("async", error.name)); } catch (error) { console.log(error.name); }
try { deeper(); } catch (error) { console.log("again", error.name); }
setTimeout(() => { try { deeper(); } catch (error) { console.log("later", error.name); } }, 10);
