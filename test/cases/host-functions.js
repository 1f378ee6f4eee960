// Host functions, bound again by name after each wake.
// expect: 499500
// expect: 5 text true undefined -0 NaN 10n true null
// expect: 3 true
// expect: RangeError thrown by the host
// expect: undefined thrown value
// expect: Error reading or writing failed
// expect: Error the host function 'hostMissing' is not bound on this host
// expect: TypeError not a function
// expect: SyntaxError through the host
// expect: hostEcho function nested
// expect: 1 1
// expect: 100 true
const object = { a: 1 };
setTimeout(() => console.log(hostEcho(5), hostEcho("text"), hostEcho(object) === object, hostEcho(), hostEcho(-0), hostEcho(NaN), hostEcho(10n), hostEcho(true), hostEcho(null)), 5);
setTimeout(() => console.log(hostCall((a, b) => a + b, 1, 2), hostCall.call(object, function () { return this === object; })), 10);
setTimeout(() => {
  for (const f of [() => hostThrow(), () => hostThrow("thrown value"), () => hostFail(), () => hostMissing(), () => hostCall(5), () => hostCall(() => { throw new SyntaxError("through the host"); })])
    try { f(); console.log("no error"); } catch (error) { console.log(error?.name, error?.message ?? error); }
}, 15);
setTimeout(() => console.log(hostEcho.name, typeof hostCall, hostCall(hostCall, hostEcho, "nested")), 20);
let depth = 0;
const nest = (n) => (n === 0 ? ++depth : hostCall(nest, n - 1));
setTimeout(() => console.log(nest(20), depth), 25);
const many = Array.from({ length: 100 }, (_, i) => ({ i }));
setTimeout(() => console.log(hostCall((...all) => all.length, ...many), hostCall((...all) => all[60] === many[60], ...many)), 30);
let sum = 0; for (let i = 0; i < 1000; i++) sum += hostEcho(i).valueOf();
console.log(sum);
