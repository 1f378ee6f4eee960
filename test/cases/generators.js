// Generators that are suspended while the program sleeps.
// expect: 0 1 a
// expect: 1
// expect: 6 11 caught oops
// expect: closed
// expect: { value: 'end', done: true } { value: undefined, done: true } inner gave done { value: undefined, done: true }
// expect: [ 9, 25 ] []
// expect: [ [ 2, 3 ], 1 ]
function* numbers() {
  let step = 1;
  try { for (let i = 0; ; i += step) step = (yield i) ?? step; } finally { console.log("closed"); }
}
function* both() { const got = yield* inner(); yield `inner gave ${got}`; }
function* inner() { try { yield "a"; yield "b"; } catch (error) { yield `caught ${error}`; } return "done"; }
const n = numbers(), b = both();
console.log(n.next().value, n.next().value, b.next().value);
setTimeout(() => console.log(n.next(5).value, n.next().value, b.throw("oops").value), 10);
setTimeout(() => console.log(n.return("end"), n.next(), b.next().value, b.next()), 20);
const lazy = Iterator.from([1, 2, 3, 4, 5, 6]).filter((x) => x % 2).map((x) => x * x);
console.log(lazy.next().value);
setTimeout(() => console.log(lazy.toArray(), [...lazy]), 30);
const spread = (function* () { const [first, ...rest] = yield; yield [rest, first]; })();
spread.next();
setTimeout(() => console.log(spread.next(new Set([1, 2, 3])).value), 40);
