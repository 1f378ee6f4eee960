// Signals and targets are gone as soon as nobody needs them, kept while waited
// on, and none piles up on a signal that lives long.
// expect: gone: unused
// expect: gone: no longer waited on
// expect: gone: target
// expect: gone: controller
// expect: made 10000
// expect: aborted
// expect: gone: waited on
// expect: end
const program = new AbortController();
const gone = new FinalizationRegistry((what) => console.log("gone:", what));
const make = (what, use) => { const signal = AbortSignal.any([program.signal]); gone.register(signal, what); use?.(signal); };
make("unused");
make("waited on", (signal) => signal.addEventListener("abort", () => console.log("aborted")));
make("no longer waited on", (signal) => { const f = () => {}; signal.addEventListener("abort", f); signal.removeEventListener("abort", f); });
(() => { const target = new EventTarget(); target.addEventListener("x", () => {}); gone.register(target, "target"); })();
(() => { const controller = new AbortController(); controller.signal.onabort = () => {}; gone.register(controller, "controller"); })();
setTimeout(() => { for (let i = 0; i < 5000; i++) AbortSignal.any([program.signal, AbortSignal.any([program.signal])]); console.log("made 10000"); }, 10);
setTimeout(() => program.abort(), 20);
setTimeout(() => console.log("end"), 30);
