// Values that look like promises, and await on what is none.
// expect: later
// expect: 5 null 1
// expect: in then
// expect: true sub
// expect: TypeError
// expect: nested
console.log(await { then(resolve) { setTimeout(() => resolve("later"), 5); } });
console.log(await 5, await null, await { then: 1 }.then);
try { await { then() { throw new Error("in then"); } }; } catch (error) { console.log(error.message); }
class Sub extends Promise {}
console.log(Sub.resolve(1).then(() => 2) instanceof Sub, (await Sub.resolve("sub")));
const self = Promise.resolve().then(() => self);
await self.catch((error) => console.log(error.name));
console.log(await Promise.resolve({ then: (f) => f(Promise.resolve("nested")) }));
