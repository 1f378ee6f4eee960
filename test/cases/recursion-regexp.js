// Regular expressions that nest or backtrack too deeply.
// expect: true
// expect: true
// expect: true
// expect: true
// expect: false true
// expect: 51
for (const source of ["(".repeat(100000) + ")".repeat(100000), "(?:".repeat(100000) + ")".repeat(100000), "(?=".repeat(50000) + ")".repeat(50000), "[".repeat(100000)])
  try { new RegExp(source, "v"); console.log("compiled"); } catch (error) { console.log(error instanceof Error); }
try { console.log(/^(?:a|b)*c/.test("ab".repeat(200000)), /^(?:.|\n)*$/.test("x".repeat(200000))); } catch (error) { console.log(error instanceof Error); }
console.log(new RegExp("(".repeat(50) + "x" + ")".repeat(50)).exec("x").length);
