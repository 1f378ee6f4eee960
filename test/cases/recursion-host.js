// Recursion through host functions ends with an error, too.
// expect: true true
// expect: true
// expect: later true true
let depth = 0;
const through = () => { depth++; return hostCall(through); };
try { through(); } catch (error) { console.log(error instanceof Error, depth > 20); }
try { hostCall.apply(null, Array(50).fill(hostCall)); } catch (error) { console.log(error instanceof Error); }
setTimeout(() => { const before = depth; try { through(); } catch (error) { console.log("later", error instanceof Error, depth > before); } }, 10);
