// SPDX-License-Identifier: MIT
//
// clone.sleep.js - the function and its clones across a snapshot.

globalThis.before = structuredClone({
  map: new Map([[{ k: 1 }, new Set([1, 2])]]),
  bytes: new Uint16Array([1, 2, 3]),
  date: new Date(5),
  error: new RangeError("r", { cause: [1] }),
});
globalThis.keptFunction = structuredClone;
globalThis.large = Array.from({ length: 500 }, (_, i) => ({ i }));
//// sleep
check(keptFunction === structuredClone);
same(before.map, new Map([[{ k: 1 }, new Set([1, 2])]]));
same(before.bytes, new Uint16Array([1, 2, 3]));
const again = structuredClone(before);
same(again.map, before.map);
same(again.error.cause, [1]);
same(structuredClone(large), large);
check(Object.getPrototypeOf(again.error) === RangeError.prototype);
const buffer = new ArrayBuffer(4);
structuredClone(buffer, { transfer: [buffer] });
check(buffer.detached);
throws(() => structuredClone(() => {}), "DataCloneError");
