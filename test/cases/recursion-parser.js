// Source that is nested too deeply is an error, whatever it is nested in.
// expect: ( true
// expect: [ true
// expect: { true
// expect: ! true
// expect: x=> true
// expect: `${ true
// expect: function f(){ true
// expect: a? true
// expect: new  true
// expect: ({a: true
// expect: if(1) true
// expect: class A extends  true
// expect: 7
for (const [open, close] of [["(", ")"], ["[", "]"], ["{", "}"], ["!", ""], ["x=>", ""], ["`${", "}`"], ["function f(){", "}"], ["a?", ":b"], ["new ", ""], ["({a:", "})"], ["if(1)", ";"], ["class A extends ", "{}"]]) {
  const n = 100000;
  try { new Function(`${open.repeat(n)}1${close.repeat(n)}`); console.log(open, "compiled"); } catch (error) { console.log(open, error instanceof Error); }
}
console.log(new Function(`return ${"(".repeat(100)}7${")".repeat(100)}`)());
