// Aborting a sleep cancels its timer and rejects with the reason.
// expect: not aborted 10
// expect: true enough 20
// expect: at once enough 20
// expect: TimeoutError 1020
// expect: TypeError
// expect: Set(1) { 'all' } 1030
import { sleep } from "torpor:run";
const controller = new AbortController(), { signal } = controller;
setTimeout(() => controller.abort(new Error("enough")), 20);
await sleep(10, { signal }); console.log("not aborted", performance.now());
await sleep("3 days", { signal }).catch((error) => console.log(error === signal.reason, error.message, performance.now()));
await sleep(5, { signal }).catch((error) => console.log("at once", error.message, performance.now()));
await sleep("1 day", { signal: AbortSignal.timeout(1000) }).catch((error) => console.log(error.name, performance.now()));
await sleep(5, { signal: {} }).catch((error) => console.log(error.name));
await sleep(5, {}); await sleep(5, { signal: undefined });
const shared = new AbortController();
const many = Array.from({ length: 50 }, (_, i) => sleep(1000 + i, { signal: shared.signal }).catch((reason) => reason));
shared.abort("all");
console.log(new Set(await Promise.all(many)), performance.now());
