// Listeners: order, handleEvent objects, what an event knows.
// expect: null 0 0 false false
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: InvalidStateError 11
// expect: [object Event] 2 3 null null
// expect: capturing
// expect: handler x
// expect: true true 2 1
// expect: true true null 0
// expect: capturing
// expect: true true 2 1
// expect: capturing
// expect: true true 2 1
// expect: false true false true
// expect: got { a: 1 }
const target = new EventTarget();
const handler = { name: "handler", handleEvent(event) { console.log(this.name, event.type); } };
target.addEventListener("x", handler);
target.addEventListener("x", handler);
target.addEventListener("x", function (event) { console.log(this === target, event.currentTarget === target, event.eventPhase, event.composedPath().length); });
target.addEventListener("x", () => console.log("capturing"), true);
const event = new Event("x", { cancelable: true, bubbles: true });
console.log(event.target, event.eventPhase, event.timeStamp, event.isTrusted, event.composed);
setTimeout(() => {
  console.log(target.dispatchEvent(event), event.target === target, event.currentTarget, event.eventPhase);
  target.removeEventListener("x", handler);
  target.addEventListener("x", (e) => { e.preventDefault(); e.stopImmediatePropagation(); });
  target.addEventListener("x", () => console.log("never"));
}, 10);
setTimeout(() => console.log(target.dispatchEvent(event), event.defaultPrevented, event.returnValue, target.dispatchEvent(new CustomEvent("x", { detail: 5 }))), 20);
class Emitter extends EventTarget { emit(type, detail) { return this.dispatchEvent(new CustomEvent(type, { detail })); } }
const emitter = new Emitter();
emitter.addEventListener("go", ({ detail }) => console.log("got", detail));
setTimeout(() => emitter.emit("go", { a: 1 }), 30);
for (const wrong of [() => target.dispatchEvent({}), () => new Event(), () => EventTarget.prototype.addEventListener.call({}, "x", null), () => target.addEventListener("x"), () => target.addEventListener("x", 5)])
  try { wrong(); console.log("no error"); } catch (error) { console.log(error.name); }
target.addEventListener("again", (e) => { try { target.dispatchEvent(e); } catch (error) { console.log(error.name, error.code); } });
target.dispatchEvent(new Event("again"));
console.log(Object.prototype.toString.call(event), Event.AT_TARGET, event.BUBBLING_PHASE, new CustomEvent("c").detail, new Event(null).type);
