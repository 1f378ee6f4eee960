// Arguments objects that mirror parameters, kept by closures over a sleep.
// expect: [ 'a', 'b', 'a', 'b', 3 ]
// expect: [ 'again', 'b', 'own', 'b', 3 ]
// expect: [ 'changed', 'kept' ] [ 3, 2, 1 ]
// expect: [ 'bound', 1, 2, true ] bound  0 7
// expect: [ 'inner', 'inner', true ] 1
function mapped(a, b) { const args = arguments; return { set: (v) => { a = v; }, poke: (v) => { args[1] = v; }, read: () => [a, b, args[0], args[1], args.length], drop: () => { delete args[0]; args[0] = "own"; } }; }
function strict(a) { "use strict"; const args = arguments; return () => { a = "changed"; return [a, args[0]]; }; }
const f = mapped(1, 2, 3), g = strict("kept");
setTimeout(() => { f.set("a"); f.poke("b"); console.log(f.read()); }, 5);
setTimeout(() => { f.drop(); f.set("again"); console.log(f.read()); }, 10);
setTimeout(() => console.log(g(), (function () { return [...arguments].reverse(); })(1, 2, 3)), 15);
const bound = function (...rest) { return [this.name, ...rest, new.target === undefined]; }.bind({ name: "bound" }, 1);
setTimeout(() => console.log(bound(2), bound.name, bound.length, new (function Point(x) { this.x = x; }.bind(null, 7))().x), 20);
function late(a, b = () => a, c = (a = "inner", b())) { return [b(), c, a.length > 0]; }
setTimeout(() => console.log(late("given"), late.length), 25);
