// Arrays and objects that contain themselves, as text.
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: true
const a = [1]; a.push(a, [a]);
for (const f of [() => String(a), () => `${[a]}`, () => a.join("-"), () => a.toLocaleString()])
  try { console.log(f()); } catch (error) { console.log(error.name); }
let deep = []; for (let i = 0; i < 100000; i++) deep = [deep];
try { console.log(String(deep).length); } catch (error) { console.log(error.name); }
const object = { toString() { return `${this}`; } };
try { String(object); } catch (error) { console.log(error.name); }
const error = new Error("self"); error.cause = error; error.message = { toString: () => String(error) };
try { String(error); } catch (caught) { console.log(caught.name); }
console.log(error.cause === error);
deep = null;
