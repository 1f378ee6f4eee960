// JSON that is nested too deeply, both ways.
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: RangeError
// expect: 200
// expect: still here
const n = 200000;
for (const [open, close] of [["[", "]"], ['{"a":', "}"]])
  try { JSON.parse(open.repeat(n) + "1" + close.repeat(n)); console.log("parsed"); } catch (error) { console.log(error.name); }
let deep = []; for (let i = 0; i < n; i++) deep = [deep];
try { JSON.stringify(deep); console.log("written"); } catch (error) { console.log(error.name); }
try { JSON.stringify({ toJSON() { return { x: this.toJSON() }; } }); } catch (error) { console.log(error.name); }
try { deep.flat(Infinity); console.log("flat"); } catch (error) { console.log(error.name); }
console.log(JSON.stringify(JSON.parse("[".repeat(100) + "]".repeat(100))).length);
deep = null;
setTimeout(() => console.log("still here"), 10);
