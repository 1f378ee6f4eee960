/* SPDX-License-Identifier: MIT */
/* clone.js - structuredClone of 10,000 small objects. */
const list = Array.from(
  { length: 10000 },
  (_, i) => ({ id: i, name: `item ${i}`, done: i % 2 === 0 }),
);
(function () {
  const clone = structuredClone(list);
  globalThis.answer = `${clone.length} ${clone[77].name} ${clone[77] === list[77]}`;
});
