// An import of a name that the module does not export says who wants it, where.
// exit: thrown
// error: SyntaxError
// error: nothing
// error: imported by 'missing-export.mjs'
// error: at missing-export.mjs:7
import { nothing } from "./modules/counter.mjs";
console.log("never", nothing);
