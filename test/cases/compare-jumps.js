// What a comparison says is the same where a jump follows it as where it is a
// value, and a loop that only compares can be interrupted.
// expect: 4608 0
// expect: 10 9 5000 31
const values = [
  0, -0, 1, -1, 2, 2147483647, -2147483648, 2147483648, 0.5, NaN, Infinity, "1",
  "b", "", true, false, null, undefined, 1n, -5n, [1], { valueOf: () => 2 }, 7, 8,
];
const ways = [
  (t) => `if (${t}) return 1; return 0;`,
  (t) => `if (!(${t})) return 0; return 1;`,
  (t) => `return ${t} ? 1 : 0;`,
  (t) => `while (${t}) return 1; return 0;`,
  (t) => `let n = 0; do { n++ } while (n < 2 && ${t}); return n - 1;`,
  (t) => `for (; ${t};) { return 1 } return 0;`,
  (t) => `return (${t} && 1) || 0;`,
  (t) => `if (${t}) { ${"a.x; ".repeat(200)} return 1 } return 0;`,
];
let done = 0, wrong = 0;
for (const operator of ["<", "<=", ">", ">=", "==", "!=", "===", "!=="]) {
  const test = `a ${operator} b`;
  const kept = new Function("a", "b", `const kept = ${test}; return Number(kept);`);
  for (const way of ways) {
    const jumps = new Function("a", "b", way(test).replaceAll("a.x", "void 0"));
    for (let i = 0; i < 72; i++) {
      const a = values[i % values.length], b = values[(i * 7 + (i >> 3)) % values.length];
      done++;
      if (jumps(a, b) !== kept(a, b)) wrong++;
    }
  }
}
console.log(done, wrong);

let up = 0, down = 10, times = 0, odd = 0;
while (up < 10) up++;
for (; down > 9; down--);
for (let i = 0; i !== 5000; i++) if (i >= 0) times++;
for (let i = 0; i <= 60; i++) if ((i & 1) === 0) odd++;
console.log(up, down, times, odd);
