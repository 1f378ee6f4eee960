// The library's globals look like a browser's.
// expect: Event Event 1 true false true
// expect: CustomEvent CustomEvent 1 true false true
// expect: EventTarget EventTarget 0 true false true
// expect: AbortController AbortController 0 true false true
// expect: AbortSignal AbortSignal 0 true false true
// expect: setTimeout setTimeout 1 true false true
// expect: setInterval setInterval 1 true false true
// expect: clearTimeout clearTimeout 0 true false true
// expect: clearInterval clearInterval 0 true false true
// expect: queueMicrotask queueMicrotask 1 true false true
// expect: console undefined undefined true false true
// expect: true [ 'abort', 'timeout', 'any' ] [ 'aborted', 'reason', 'throwIfAborted', 'onabort' ] [ 'addEventListener', 'removeEventListener', 'dispatchEvent' ]
// expect: AbortSignal true true [ 'length', 'name', 'prototype' ]
// expect: [ 'torpor' ]
// expect: [ 'performance' ]
// expect: false 1 true
// expect: TypeError
// expect: replaced
// expect: undefined false
for (const name of ["Event", "CustomEvent", "EventTarget", "AbortController", "AbortSignal", "setTimeout", "setInterval", "clearTimeout", "clearInterval", "queueMicrotask", "console"]) {
  const { writable, enumerable, configurable, value } = Object.getOwnPropertyDescriptor(globalThis, name);
  console.log(name, value.name, value.length, writable, enumerable, configurable);
}
console.log(Object.keys(Event.prototype).length > 15, Object.keys(AbortSignal), Object.keys(AbortSignal.prototype), Object.keys(EventTarget.prototype));
console.log(AbortSignal.prototype[Symbol.toStringTag], AbortSignal.__proto__ === EventTarget, CustomEvent.__proto__ === Event, Object.getOwnPropertyNames(EventTarget));
console.log(Object.getOwnPropertyNames(globalThis).filter((name) => name.includes("torpor") || name.startsWith("_")));
console.log(Object.keys(globalThis).filter((name) => !name.startsWith("host")));
console.log("prototype" in setTimeout, EventTarget.prototype.dispatchEvent.length, setTimeout.toString().includes("native code"));
try { new setTimeout(() => {}); } catch (error) { console.log(error.name); }
globalThis.setTimeout = "replaced"; console.log(setTimeout); delete globalThis.AbortSignal; console.log(typeof AbortSignal, new AbortController().signal.aborted);
