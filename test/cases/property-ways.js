// Methods of arrays and strings are found where they are, also when a program puts
// others in their way; and a literal's properties are made as they stand.
// expect: own array object got:length undefined 2
// expect: string up proxy:y,z getter:boxed undefined b 3 undefined
// expect: 1,3,4 get 5 true true 7 6 seven
// expect: TypeError TypeError
// expect: undefined1 undefined1 number1
const list = [1, 2];
const said = [];
list.own = () => "own";
said.push(list.own());
Array.prototype.way = () => "array";
said.push(list.way());
delete Array.prototype.way;
Object.prototype.way = () => "object";
said.push(list.way());
delete Object.prototype.way;
Object.defineProperty(Array.prototype, "way", {
  get() { return () => `got:${Object.keys(this).length ? "length" : ""}`; },
  configurable: true,
});
said.push(list.way());
delete Array.prototype.way;
const { 5: none, length } = list;
said.push(String(none), length);
console.log(said.join(" "));

said.length = 0;
String.prototype.way = () => "string";
said.push("a".way());
delete String.prototype.way;
Object.prototype.way = function () { return this.toUpperCase?.() === "A" ? "up" : "no"; };
said.push("a".way());
delete Object.prototype.way;
const object = Object.getPrototypeOf(String.prototype);
const asked = [];
Object.setPrototypeOf(String.prototype, new Proxy(object, {
  get(target, name) { asked.push(name); return () => `proxy:${asked}`; },
}));
"a".y();
said.push("a".z());
Object.setPrototypeOf(String.prototype, object);
Object.defineProperty(String.prototype, "way", {
  get() { return () => `getter:${typeof this === "object" ? "boxed" : "plain"}`; },
  configurable: true,
});
said.push("a".way());
delete String.prototype.way;
said.push(String("abc".nothing), "abc"[1], "abc".length, String("abc"[3]));
console.log(said.join(" "));

said.length = 0;
const made = { a: 1, b: 2, "b": 3, c: 4 };
said.push(Object.values(made));
Object.defineProperty(Object.prototype, "way", {
  set() { said.push("set"); },
  get() { return "get"; },
  configurable: true,
});
said.push(({}).way, ({ way: 5 }).way);
delete Object.prototype.way;
const { writable, enumerable } = Object.getOwnPropertyDescriptor({ way: 5 }, "way");
said.push(writable, enumerable);
const keyed = { 7: "seven", get x() { return 6; }, y: 7, x: 6, __proto__: null };
said.push(keyed.y, keyed.x, keyed[7]);
console.log(said.join(" "));

const names = [];
for (const text of ["null.a()", "undefined.length()"]) {
  try { (0, eval)(text); } catch (error) { names.push(error.name); }
}
console.log(names.join(" "));

globalThis.early = 1;
said.length = 0;
const look = new Function("return typeof late + early");
said.push(look());
(0, eval)("let unused = 1");
said.push(look());
globalThis.late = 2;
said.push(look());
console.log(said.join(" "));
