// An aborted waiter takes no signal: the next one gets it.
// expect: first left
// expect: for the second 200
// signal: 200 go "for the second"
import { signal, sleep } from "torpor:run";
const controller = new AbortController();
const first = signal("go", { signal: controller.signal });
await Promise.race([first, sleep(100)]);
controller.abort("left");
await first.catch((reason) => console.log("first", reason));
console.log(await signal("go", { signal: new AbortController().signal }), performance.now());
