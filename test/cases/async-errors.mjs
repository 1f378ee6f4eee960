// An exception crosses async functions, generators and finally blocks.
// expect: TypeError: wrapped Error: from inner [ 'inner finally', 'from inner' ] true
// expect: value
// expect: finally wins
// exit: thrown
// error: RangeError: at the end
// error: async-errors.mjs:
import { sleep } from "torpor:run";
const trail = [];
async function inner() { try { await sleep(5); throw new Error("from inner"); } finally { await sleep(5); trail.push("inner finally"); } }
async function outer() { try { return await inner(); } catch (error) { trail.push(error.message); await sleep(1); throw new TypeError("wrapped", { cause: error }); } }
try { await outer(); } catch (error) { console.log(`${error}`, `${error.cause}`, trail, error.cause.stack.includes("inner")); }
const result = await (async () => { try { return await sleep(3).then(() => "value"); } finally { await sleep(3); } })();
console.log(result);
const replaced = await (async () => { try { throw 1; } finally { return "finally wins"; } })();
console.log(replaced);
throw new RangeError("at the end", { cause: "a reason" });
