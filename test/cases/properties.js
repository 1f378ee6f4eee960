// Descriptors, accessors, and objects that are closed against change.
// expect: 5 computed computed 1 [ 'lazy', 'both', '_both' ]
// expect: TypeError 2 TypeError TypeError TypeError true
// expect: { value: 1, writable: false, enumerable: false, configurable: true } function TypeError
// expect: replaced TypeError false
// expect: [ [ '1', 'a' ], [ '2', 'b' ], [ 'x', 'c' ] ] 9,10,y,z [ 'length', 'name', 'prototype', 'm' ]
"use strict";
let reads = 0;
const object = { get lazy() { reads++; return Object.defineProperty(this, "lazy", { value: "computed", writable: false }).lazy; }, set both(v) { this._both = v; }, get both() { return this._both; } };
Object.defineProperty(object, "hidden", { value: 1, configurable: true });
const frozen = Object.freeze([1, { inner: 1 }]), sealed = Object.seal({ a: 1 }), fixed = Object.preventExtensions({ a: 1, b: 2 });
const attempt = (f) => { try { return f(); } catch (error) { return error.name; } };
setTimeout(() => { object.both = 5; console.log(object.both, object.lazy, object.lazy, reads, Object.keys(object)); }, 5);
setTimeout(() => console.log(attempt(() => frozen.push(2)), (frozen[1].inner = 2), attempt(() => { sealed.b = 1; }), attempt(() => delete sealed.a), attempt(() => { fixed.c = 1; }), delete fixed.a), 10);
setTimeout(() => console.log(Object.getOwnPropertyDescriptor(object, "hidden"), typeof Object.getOwnPropertyDescriptor(object, "both").set, attempt(() => { object.lazy = 1; })), 15);
const plain = Object.create({ get from() { return this.name; } }, { name: { value: "child", enumerable: true } });
setTimeout(() => { Object.setPrototypeOf(plain, { from: "replaced" }); console.log(plain.from, attempt(() => Object.setPrototypeOf(sealed, {})), Object.isExtensible(fixed)); }, 25);
setTimeout(() => console.log(Object.entries({ 2: "b", x: "c", 1: "a", [Symbol("s")]: 0 }), structuredKeys(), Reflect.ownKeys(class { static m() {} })), 30);
function structuredKeys() { const o = {}; for (const key of ["z", "10", "9", "y"]) o[key] = 1; delete o.z; o.z = 1; return Object.keys(o).join(); }
