// Waiting for a signal that is never sent.
// expect: waiting
// exit: deadlock
import { signal } from "torpor:run";
console.log("waiting");
await signal("never sent");
