// Symbols keep their identity, registered ones and those that are keys.
// expect: TypeError
// expect: 1 2 shared undefined key
// expect: 42 string default 3
// expect: true false [object Even]
// expect: by symbol
const key = Symbol("key"), shared = Symbol.for("shared");
const object = { [key]: 1, [shared]: 2, [Symbol.toPrimitive]: (hint) => (hint === "number" ? 42 : hint) };
setTimeout(() => console.log(object[key], object[Symbol.for("shared")], Symbol.keyFor(shared), Symbol.keyFor(key), key.description), 5);
setTimeout(() => console.log(+object, `${object}`, object + "", Object.getOwnPropertySymbols(object).length), 10);
class Even { static [Symbol.hasInstance](n) { return n % 2 === 0; } get [Symbol.toStringTag]() { return "Even"; } }
setTimeout(() => console.log(2 instanceof Even, 3 instanceof Even, String(new Even())), 15);
const weak = new WeakMap([[key, "by symbol"]]);
setTimeout(() => console.log(weak.get(key)), 20);
try { `${key}`; } catch (error) { console.log(error.name); }
