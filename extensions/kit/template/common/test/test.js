// SPDX-License-Identifier: MIT
//
// test.js - runs inside a VM of each host; what it throws is a failure.

function check(condition, text) {
  if (!condition) throw new Error(text);
}

const seen = [];
const list = new Example((number, length) => seen.push(`${number}/${length}`));
for (let i = 1; i <= 100; i++) list.push(i);
check(list.length === 100 && list.sum() === 5050, "a list adds up its numbers");
check(seen.length === 100 && seen[99] === "100/100", "it calls JavaScript");
check([0, 1, 2, 1000].map(exampleSize).join() === "none,one,some,many", "lengths have words");

function thrownBy(run) {
  try {
    run();
  } catch (error) {
    return error.name;
  }
  return "nothing";
}
check(thrownBy(() => new Example(1)) === "TypeError", "onChange is a function");
check(thrownBy(() => list.push.call({}, 1)) === "TypeError", "methods are for lists");
check(thrownBy(() => new Example(() => null.x).push(1)) === "TypeError", "errors pass");

for (let i = 0; i < 1000; i++) new Example(() => i).push(i); // freed by finalize
const circle = {};
circle.list = new Example(() => circle); // found by mark
