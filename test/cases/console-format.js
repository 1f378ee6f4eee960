// Format directives.
// expect: text|5|{ a: [Object] }|Symbol(x)
// expect: 42.5|7|10n|NaN
// expect: 42|7|1.25|NaN
// expect: {"a":[1]}|"s"
// expect: [Circular]
// expect: { a: { b: { c: { d: 1 } } } }|{ a: { b: { c: [Object] } } }
// expect: styled plain
// expect: 100% 5
// expect: %|%x|% 1
// expect: %s
// expect: a b { c: 1 }
// expect: 5 %s not first
// expect:
// expect:
// expect: only one and %s
console.log("%s|%s|%s|%s", "text", 5, { a: { b: { c: 1 } } }, Symbol("x"));
console.log("%d|%d|%d|%d", 42.5, "7", 10n, {});
console.log("%i|%i|%f|%f", 42.9, "7.9px", "1.25", "no");
console.log("%j|%j", { a: [1] }, "s");
const cyclic = {}; cyclic.self = cyclic;
console.log("%j", cyclic);
console.log("%o|%O", { a: { b: { c: { d: 1 } } } }, { a: { b: { c: { d: 1 } } } });
console.log("%cstyled%c plain", "color: red", "");
console.log("100%", 5); console.log("%%|%x|%", 1); console.log("%s"); console.log("%s", "a", "b", { c: 1 });
console.log(5, "%s", "not first"); console.log(); console.log("");
console.log("%s and %s", "only one");
