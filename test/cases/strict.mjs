// Modules are strict, scripts are what they say.
// expect: undefined ReferenceError
// expect: true 5 5
// expect: cannot read property 'x' of null
console.log((function () { return this; })(), (() => { try { undeclared = 1; } catch (error) { return error.name; } })());
console.log(new Function("return this")() === globalThis, (0, eval)("var fromEval = 5; fromEval"), globalThis.fromEval);
console.log((() => { try { null.x; } catch (error) { return error.message; } })());
