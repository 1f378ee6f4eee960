// SPDX-License-Identifier: MIT
//
// missing.js - a builtin that is missing at the first call makes calls fail, and does
// no other harm.

const { set } = Map.prototype;
delete Map.prototype.set;
for (let i = 0; i < 20; i++) throws(() => structuredClone({ a: 1 }), "TypeError");
Map.prototype.set = set;
throws(() => structuredClone({ a: 1 }), "TypeError");
same(structuredClone(1), 1);
