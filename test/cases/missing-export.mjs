// An import of a name that the module does not export.
// exit: thrown
// error: SyntaxError
// error: nothing
import { nothing } from "./modules/counter.mjs";
console.log("never", nothing);
