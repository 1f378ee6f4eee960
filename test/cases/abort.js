// AbortController and AbortSignal.
// expect: false undefined true
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: [object AbortController] [object AbortSignal] 0 AbortSignal
// expect: listener true true
// expect: onabort replaced true abort
// expect: true AbortError: This operation was aborted 20 true
// expect: true
// expect: true { my: 'reason' } AbortError
const controller = new AbortController(), { signal } = controller;
signal.addEventListener("abort", (event) => console.log("listener", event.isTrusted, event.target === signal));
signal.onabort = () => console.log("onabort");
signal.onabort = function (event) { console.log("onabort replaced", this === signal, event.type); };
console.log(signal.aborted, signal.reason, signal === controller.signal);
signal.throwIfAborted();
setTimeout(() => {
  controller.abort();
  controller.abort("again");
  console.log(signal.aborted, `${signal.reason}`, signal.reason.code, signal.reason instanceof DOMException);
  try { signal.throwIfAborted(); } catch (error) { console.log(error === signal.reason); }
}, 10);
const own = AbortSignal.abort({ my: "reason" });
setTimeout(() => console.log(own.aborted, own.reason, AbortSignal.abort().reason.name), 20);
for (const wrong of [() => new AbortSignal(), () => AbortSignal.timeout(-1), () => AbortSignal.timeout("x"), () => AbortSignal.any([{}]), () => AbortSignal.any()])
  try { wrong(); console.log("no error"); } catch (error) { console.log(error.name); }
console.log(String(controller), String(signal), AbortSignal.length, AbortSignal.name);
