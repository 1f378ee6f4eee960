// SPDX-License-Identifier: MIT
//
// headers.sleep.js - headers and their iterators across a snapshot.

globalThis.kept = new Headers([["b", "2"], ["Set-Cookie", "x=1"], ["a", "1"], [
  "set-cookie",
  "y=2",
]]);
globalThis.started = kept.entries();
started.next();
globalThis.own = class extends Headers {};
globalThis.ownKept = new own({ c: 3 });
kept.self = started;
//// sleep
same([...kept], [["a", "1"], ["b", "2"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
same(started.next(), { value: ["b", "2"], done: false });
kept.append("B", "3");
kept.append("c", "4");
same([...started], [["c", "4"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
check(kept instanceof Headers && ownKept instanceof own && new own() instanceof own);
same([...new Headers(ownKept)], [["c", "3"]]);
throws(() => kept.append("a b", ""), "TypeError");
globalThis.kept = globalThis.started = undefined;
