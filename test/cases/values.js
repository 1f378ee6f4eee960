// Numbers, strings, destructuring and the short-circuit operators.
// expect: 0.30000000000000004 -0 Infinity NaN 9007199254740992 1 -1 2 4294967295
// expect: 1e+21 ff 0.000001234 1.00 12 31
// expect: 1 3 { d: 4, e: 5 } { f: 6 }
// expect: 1 9 [ 4, 5 ] 5
// expect: nullish or 0 undefined undefined
// expect: sum 2 nested deep 2 SS 2 2
// expect: 0 0
// expect: 0 1
// expect: 1 0
// expect: 1 1
// expect: three
// expect: falls
// expect: object undefined bigint symbol function undefined
// expect: a|b|c c --x a.b. t
// expect: [ 1, 2, 3 ] [ 1, 2, 3 ] [Object: null prototype] { odd: [ 1, 3 ], even: [ 2 ] }
console.log(0.1 + 0.2, -0, 1 / 0, NaN, 2 ** 53, 7 % -3, -7 % 3, 5 >>> 1, -1 >>> 0);
console.log((1e21).toString(), (255).toString(16), (0.000001234).toString(), (1.005).toFixed(2), parseInt("12px"), +"0x1f");
const { a, b: { c = 3, ...rest } = {}, ...others } = { a: 1, b: { d: 4, e: 5 }, f: 6 };
console.log(a, c, rest, others);
const [x, , y = 9, ...zs] = [1, 2, undefined, 4, 5];
console.log(x, y, zs, Math.max(...zs, 3));
console.log(null ?? "nullish", 0 || "or", 0 ?? "kept", undefined?.a?.b.c, (() => {}).missing?.());
console.log(`sum ${1 + 1} ${`nested ${"deep"}`}`, "é".normalize("NFD").length, "ß".toUpperCase(), "𝒳".length, [..."𝒳y"].length);
outer: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) {
  if (j === 2) continue outer;
  if (i === 2) break outer;
  console.log(i, j);
}
switch (3) { case 1: console.log("no"); case 3: console.log("three"); case 4: console.log("falls"); break; default: console.log("no"); }
console.log(typeof null, typeof undefined, typeof 1n, typeof Symbol(), typeof (() => 1), void 0);
console.log("b,a,c".split(",").sort().join("|"), "abc".at(-1), "x".padStart(3, "-"), "aXbX".replaceAll("X", "."), " t ".trim());
console.log([3, 1, 2].toSorted(), [1, [2, [3]]].flat(Infinity), Object.groupBy([1, 2, 3], (n) => n % 2 ? "odd" : "even"));
