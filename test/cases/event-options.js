// once, passive, signal and capture, with changes during a dispatch.
// expect: once
// expect: passive false
// expect: until aborted
// expect: true
// expect: passive false
// expect: until aborted
// expect: true
// expect: passive false
// expect: true
// expect: -
// expect: added, so next time
// expect: both
// expect: true false
// expect: both
const target = new EventTarget();
target.addEventListener("x", () => console.log("once"), { once: true });
target.addEventListener("x", (e) => { e.preventDefault(); console.log("passive", e.defaultPrevented); }, { passive: true });
const controller = new AbortController();
target.addEventListener("x", () => console.log("until aborted"), { signal: controller.signal });
target.addEventListener("x", () => console.log("never"), { signal: AbortSignal.abort() });
const fire = () => target.dispatchEvent(new Event("x", { cancelable: true }));
console.log(fire());
setTimeout(() => console.log(fire()), 5);
setTimeout(() => { controller.abort(); console.log(fire()); }, 10);
const other = new EventTarget(), removed = () => console.log("removed, so never");
other.addEventListener("y", () => { other.removeEventListener("y", removed); other.addEventListener("y", () => console.log("added, so next time")); }, { once: true });
other.addEventListener("y", removed);
setTimeout(() => { other.dispatchEvent(new Event("y")); console.log("-"); other.dispatchEvent(new Event("y")); }, 15);
const both = () => console.log("both");
other.addEventListener("z", both); other.addEventListener("z", both, { capture: true }); other.removeEventListener("z", both);
setTimeout(() => other.dispatchEvent(new Event("z")), 20);
const stopped = new Event("z"); stopped.stopPropagation();
setTimeout(() => { console.log(other.dispatchEvent(stopped), stopped.cancelBubble); other.dispatchEvent(stopped); }, 25);
target.addEventListener("n", null); target.dispatchEvent(new Event("n"));
