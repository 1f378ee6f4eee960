// Promises of a class of the program's own, awaited and chained over a sleep.
// expect: true Tracked 2
// expect: xx 2
// expect: [ 'from a thenable', 'from a thenable' ] true
// expect: false 42
import { sleep } from "torpor:run";
class Tracked extends Promise {
  static made = 0;
  #at = ++Tracked.made;
  then(...handlers) { Tracked.thens = (Tracked.thens ?? 0) + 1; return super.then(...handlers); }
  get at() { return this.#at; }
}
const first = Tracked.resolve("x").then((v) => sleep(5).then(() => v + v));
console.log(first instanceof Tracked, first.constructor.name, Tracked.made);
console.log(await first, Tracked.thens);
const { promise, resolve } = Tracked.withResolvers();
const waiting = Promise.all([promise, promise.finally(() => sleep(3))]);
setTimeout(resolve, 10, { then(done) { setTimeout(done, 10, "from a thenable"); } });
console.log(await waiting, promise.at > 1);
class Plain extends Promise { static get [Symbol.species]() { return Promise; } }
console.log(Plain.resolve(1).then(() => {}) instanceof Plain, await Plain.try((a) => sleep(1).then(() => a * 2), 21));
