// A static import of what is not there names it and its importer.
// exit: thrown
// error: modules/nowhere.mjs
// error: modules/wants-missing.mjs
import "./modules/wants-missing.mjs";
console.log("never");
