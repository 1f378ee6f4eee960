// JSON both ways.
// expect: [ 2, [ 4 ] ]
// expect: {"d":"1970-01-01T00:00:00.000Z","n":null,"nested":"own"}
// expect: {
// expect:   "a": 1,
// expect:   "b": [
// expect:     1,
// expect:     {
// expect:       "c": 2
// expect:     }
// expect:   ]
// expect: }
// expect: {"c":3,"a":1} "\ud800" 3
// expect: TypeError
// expect: SyntaxError
// expect: SyntaxError
// expect: SyntaxError
// expect: SyntaxError
// expect: SyntaxError
// expect: {"a":[1,2.5,0,1000],"b":{"c":null,"d":"é\n"},"__proto__":{"x":1}} [ 'a', 'b', '__proto__' ] undefined
const text = '{"a":[1,2.5,-0,1e3],"b":{"c":null,"d":"\\u00e9\\n"},"__proto__":{"x":1}}';
const parsed = JSON.parse(text);
setTimeout(() => console.log(JSON.stringify(parsed), Object.keys(parsed), parsed.x), 5);
console.log(JSON.parse("[1,[2]]", (key, value) => (typeof value === "number" ? value * 2 : value)));
console.log(JSON.stringify({ u: undefined, f() {}, s: Symbol(), d: new Date(0), n: NaN, nested: { toJSON: () => "own" } }));
console.log(JSON.stringify({ a: 1, b: [1, { c: 2 }] }, null, 2));
console.log(JSON.stringify({ a: 1, b: 2, c: 3 }, ["c", "a"]), JSON.stringify("\ud800"), JSON.stringify("\u2028").length);
const cyclic = {}; cyclic.self = cyclic;
try { JSON.stringify(cyclic); } catch (error) { console.log(error.name); }
for (const bad of ["{", "[1,]", "01", "'a'", ""]) try { JSON.parse(bad); } catch (error) { console.log(error.name); }
