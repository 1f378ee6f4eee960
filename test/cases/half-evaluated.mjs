// Asleep while a graph of modules is half evaluated.
// expect: shared begins
// expect: a begins shared
// expect: b begins shared
// expect: b ends
// expect: a ends
// expect: main
// expect: a b shared
console.log("main");
import { a } from "./modules/slow-a.mjs";
import { b } from "./modules/slow-b.mjs";
import { shared } from "./modules/slow-shared.mjs";
console.log(a, b, shared);
