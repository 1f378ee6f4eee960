// Modules that import each other, one of them asleep meanwhile.
// expect: true true ReferenceError
import { isEven } from "./modules/even.mjs";
import { isOdd, early } from "./modules/odd.mjs";
console.log(isEven(10), isOdd(7), early);
