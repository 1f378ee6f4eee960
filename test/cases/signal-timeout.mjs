// A signal that comes too late, and one that comes in time.
// expect: TimeoutError true 100
// expect: 1 500
// expect: { ok: true } 3000
// expect: RangeError
// signal: 500 late 1
// signal: 3000 timely {"ok":true}
import { signal } from "torpor:run";
try { await signal("late", { timeout: 100 }); } catch (error) { console.log(error.name, error instanceof Error, performance.now()); }
console.log(await signal("late"), performance.now());
console.log(await signal("timely", { timeout: "1 hour" }), performance.now());
await signal("x", { timeout: "soon" }).catch((error) => console.log(error.name));
