// Scopes that code made at run time: eval, with, Function, and names that are
// not initialised yet.
// expect: 86 43 undefined
// expect: 2 { size: 2 } [ 2, 4, 'changed' ]
// expect: changed changed
// expect: ReferenceError
// expect: hoisted undefined undefined ReferenceError
// expect: indirect indirect 43
// expect: in a block
var kept = "global";
function outer(secret) { var local = 1; eval("var made = secret + local"); return { read: () => eval("made"), write: (code) => eval(code) }; }
const scope = outer(41), box = { size: 1 }, later = new Function("a", "b = a * 2", "return [a, b, kept]");
let grow;
with (box) { grow = () => { size += 1; kept = "changed"; return size; }; }
setTimeout(() => { console.log(scope.write("made++; var extra = made * 2; extra"), scope.read(), typeof extra); }, 5);
setTimeout(() => { console.log(grow(), box, later(2)); box.kept = "mine"; grow(); console.log(kept, box.kept); }, 10);
setTimeout(() => { try { early; } catch (error) { console.log(error.name); } }, 15);
{ function hoisted() { return "hoisted"; } }
setTimeout(() => console.log(hoisted(), typeof undeclared, (0, eval)("typeof secret"), (() => { try { inner; let inner; } catch (error) { return error.name; } })()), 20);
setTimeout(() => { const rest = globalThis.eval; console.log(rest("var made = 'indirect'; made"), made, scope.read()); }, 25);
if (true) { setTimeout(() => { console.log(dead()); function dead() { return "in a block"; } }, 30); }
