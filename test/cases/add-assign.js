// 'a += b' takes what 'a' is before 'b' is converted, whatever the conversion assigns.
// expect: ac ac ac ac
// expect: a7 1c 3c ac
// expect: TypeError a Error a TypeError a
const ways = [
  () => { let s = "a"; s += { toString() { s = "b"; return "c"; } }; return s; },
  () => { var s = "a"; s += { valueOf() { s = Symbol("b"); return "c"; } }; return s; },
  () => { let s = "a"; const o = { toString() { s = "b"; return "c"; } }; s += o; return s; },
  (o) => { let s = "a"; o = { toString() { s = null; return "c"; } }; s += o; return s; },
];
console.log(ways.map((way) => way()).join(" "));
const others = [
  () => { let s = "a"; s += { valueOf() { s = 5; return 7; } }; return s; },
  () => { let s = 1; s += { toString() { s = "b"; return "c"; } }; return s; },
  () => { let s = 1; const o = { valueOf() { s = "b"; return "c"; } }; s += 2; s += o; return s; },
  () => { let s = "a"; s += { [Symbol.toPrimitive]() { s += "x"; return "c"; } }; return s; },
];
console.log(others.map((way) => way()).join(" "));
const said = [];
for (const b of [{ valueOf: () => Symbol("b") }, { valueOf() { throw new Error("b"); } }, Symbol("c")]) {
  let s = "a";
  try {
    s += b;
  } catch (error) {
    said.push(error.name);
  }
  said.push(s);
}
console.log(said.join(" "));
