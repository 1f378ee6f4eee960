// The module that does not compile is named, with the line.
// exit: thrown
// error: SyntaxError
// error: modules/broken.mjs:3
import "./modules/broken.mjs";
