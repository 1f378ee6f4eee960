// eval and Function, and what they leave behind.
// expect: SyntaxError
// expect: 1 undefined undefined
// expect: local global 3
// expect: 1 2
var x = "global";
const direct = () => { let x = "local"; return eval("x"); }, indirect = () => { let x = "local"; return (0, eval)("x"); };
setTimeout(() => console.log(direct(), indirect(), new Function("a", "b = 2", "return a + b")(1)), 5);
const keep = eval("(() => { let hidden = 0; return () => ++hidden; })()");
setTimeout(() => console.log(keep(), keep()), 10);
try { eval("let = 1 ="); } catch (error) { console.log(error.name); }
console.log(eval("1;;;"), eval("{}"), eval("if (false) 1"));
