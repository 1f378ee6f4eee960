// Patterns that take from iterators, with a sleep between two of their parts.
// expect: default of b
// expect: key
// expect: deep default
// expect: swap
// expect: [ 1, 'B', [ 3, 4 ], 2, { p: 1, r: 3 }, 's1', 's2', 'V', 2, 41 ]
// expect: [ 's closed', 't closed' ]
const log = [];
function* source(name, n) { try { for (let i = 1; i <= n; i++) yield `${name}${i}`; } finally { log.push(`${name} closed`); } }
function* user() {
  const [a, b = yield "default of b", ...rest] = [1, , 3, 4];
  const { [yield "key"]: picked, ...others } = { p: 1, q: 2, r: 3 };
  const [first, second = yield "not asked"] = source("s", 3);
  const [, { value = yield "deep default" } = {}] = source("t", 1);
  let x = 1, y = 2;
  [x, y] = [y, (yield "swap") + x];
  return [a, b, rest, picked, others, first, second, value, x, y];
}
const steps = user(), answers = [undefined, "B", "q", "V", 40];
let at = 0;
const next = () => {
  const { value, done } = steps.next(answers[at++]);
  console.log(value);
  if (!done) setTimeout(next, 5); else console.log(log);
};
next();
