// Property attributes, order, freezing, getters and prototypes.
// expect: { x: 1 } { a: [ 1, { b: 2 } ] }
// expect: [ '1', '2', 'b', 'a', 'sum', 'k99' ] 3 h {"value":"h","writable":false,"enumerable":false,"configurable":true}
// expect: TypeError
// expect: { list: [ 1, 2 ] } true
// expect: [ 'own', 'inherited' ] false
// expect: 99 undefined 6
// expect: [ 'a|\\n|b', [ 1, 2 ], true ] false
const object = { b: 1, 2: "two", a: 2, 1: "one", get sum() { return this.a + this.b; } };
Object.defineProperty(object, "hidden", { value: "h", configurable: true });
setTimeout(() => console.log(Object.keys(object), object.sum, object.hidden, JSON.stringify(Object.getOwnPropertyDescriptor(object, "hidden"))), 5);
const frozen = Object.freeze({ list: [1] });
setTimeout(() => { "use strict"; try { frozen.x = 1; } catch (error) { console.log(error.name); } frozen.list.push(2); console.log(frozen, Object.isFrozen(frozen)); }, 10);
const child = Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } });
setTimeout(() => { const keys = []; for (const k in child) keys.push(k); console.log(keys, Object.hasOwn(child, "inherited")); }, 15);
for (let i = 0; i < 100; i++) object[`k${i}`] = i;
for (let i = 0; i < 99; i++) delete object[`k${i}`];
setTimeout(() => console.log(object.k99, object.k98, Object.entries(object).length), 20);
const tag = (strings, ...values) => [strings.raw.join("|"), values, Object.isFrozen(strings)];
const site = () => ((s) => s)`x`;
setTimeout(() => console.log(tag`a${1}\n${2}b`, site() !== site()), 25);
console.log(Object.fromEntries(new Map([["x", 1]])), structuredCopy({ a: [1, { b: 2 }] }));
function structuredCopy(value) { return JSON.parse(JSON.stringify(value)); }
