// Static imports: live bindings, namespaces, re-exports, evaluated once.
// expect: counter is evaluated
// expect: the default 0 thing
// expect: 1 1 [ 'Thing', 'count', 'increment', 'nested', 'renamed' ] Module
// expect: TypeError
// expect: TypeError
// expect: undefined 1 [Object: null prototype] [Module] { leaf: [Function: leaf] }
import theDefault, { count, increment as up, Thing } from "./modules/counter.mjs";
import * as all from "./modules/reexport.mjs";
import { sleep } from "torpor:run";
console.log(theDefault, count, new Thing().name);
up();
await sleep(5);
console.log(count, all.count, Object.keys(all), all[Symbol.toStringTag]);
try { all.count = 5; } catch (error) { console.log(error.name); }
try { count = 5; } catch (error) { console.log(error.name); }
console.log(typeof this, (await import("./modules/counter.mjs")).count, all.nested);
