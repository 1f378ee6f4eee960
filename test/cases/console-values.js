// How the console shows values.
// expect: text 1 -0 10n true null undefined Symbol(s) NaN
// expect: [ 'text', "it's", 'both \' and "', 'new\nline', '\u0000\ud800' ] [] {} [ 1, <1 empty item>, 3, <2 empty items> ]
// expect: {
// expect:   a: 1,
// expect:   'b-c': [ 1, { d: 2 } ],
// expect:   f: [Function: f],
// expect:   g: [Function: g],
// expect:   x: [Getter/Setter],
// expect:   y: [Getter],
// expect:   [Symbol(k)]: 's'
// expect: }
// expect: { one: { two: { three: [Object] } }, array: [ [ [Array] ] ] }
// expect: Map(2) { 'a' => { b: 1 }, { k: 1 } => 2 } Set(3) { 1, 'a', [ 2 ] } WeakMap { <items unknown> } WeakSet { <items unknown> }
// expect: 1970-01-01T00:00:00.000Z Invalid Date /a\/b/giu Uint8Array(2) [ 1, 2 ] ArrayBuffer { byteLength: 3 } Float64Array(2) [ 0, 0 ]
// expect: Point { x: 1, y: 2 } [ Point { x: 1, y: 2 } ] [class A] [class B extends Point] Point {} [Object: null prototype] {} Point {}
// expect: [Function: named] [Function (anonymous)] [AsyncFunction (anonymous)] [GeneratorFunction: g] [AsyncGeneratorFunction: ag] [Function: max] [Function: Map]
// expect: Promise { 1 } Promise { <pending> } Object [Generator] {} Object [Array Iterator] {} [Proxy]
// expect: [String: 'boxed'] [Number: 1] [Boolean: false] [BigInt: 1n] Table(1) [Map] { 1 => 2 } List(3) [ <3 empty items> ]
// expect: <ref *1> {
// expect:   name: 'cycle',
// expect:   self: [Circular *1],
// expect:   list: [ [Circular *1], { cycle: [Circular *1] } ]
// expect: } [Function (anonymous)] { extra: 1 } [ 1, extra: 2 ] Object [JSON] {} Symbol(Symbol.iterator)
// expect: [
// expect:   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
// expect:   21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
// expect:   39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56,
// expect:   57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74,
// expect:   75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92,
// expect:   93, 94, 95, 96, 97, 98, 99, ... 20 more items
// expect: ]
// expect: [
// expect:   { id: 0, name: 'name 0' },
// expect:   { id: 1, name: 'name 1' },
// expect:   { id: 2, name: 'name 2' },
// expect:   { id: 3, name: 'name 3' },
// expect:   { id: 4, name: 'name 4' },
// expect:   { id: 5, name: 'name 5' },
// expect:   { id: 6, name: 'name 6' }
// expect: ]
// expect: xxxxxxxxxx 10020 {
// expect:   long: 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz',
// expect:   other: 'wwwwwwwwww'
// expect: }
// expect: [ undefined, null ] [ [] ] [ {} ] { a: {} } [ [ 'a' ] ] x
console.log("text", 1, -0, 10n, true, null, undefined, Symbol("s"), NaN);
console.log(["text", "it's", 'both \' and "', "new\nline", "\u0000\ud800"], [], {}, [1, , 3, , ,]);
console.log({ a: 1, "b-c": [1, { d: 2 }], [Symbol("k")]: "s", f() {}, g: () => 1, get x() { throw 1; }, set x(v) {}, get y() { return 1; } });
console.log({ one: { two: { three: { four: 4 } } }, array: [[[[1]]]] });
console.log(new Map([["a", { b: 1 }], [{ k: 1 }, 2]]), new Set([1, "a", [2]]), new WeakMap(), new WeakSet());
console.log(new Date(0), new Date(NaN), /a\/b/giu, new Uint8Array([1, 2]), new ArrayBuffer(3), new Float64Array(2));
class Point { #secret = 1; x = 1; constructor() { this.y = 2; } }
console.log(new Point(), [new Point()], class A {}, class B extends Point {}, Point.prototype, Object.create(null), Object.create(new Point()));
console.log(function named() {}, () => {}, async () => {}, function* g() {}, async function* ag() {}, Math.max, Map);
console.log(Promise.resolve(1), new Promise(() => {}), (function* () {})(), [][Symbol.iterator](), new Proxy({}, { get() { throw 1; } }));
console.log(Object("boxed"), Object(1), Object(false), Object(1n), new (class Table extends Map {})([[1, 2]]), new (class List extends Array {})(3));
const cycle = { name: "cycle" }; cycle.self = cycle; cycle.list = [cycle, { cycle }];
console.log(cycle, Object.assign(() => {}, { extra: 1 }), Object.assign([1], { extra: 2 }), globalThis.JSON, Symbol.iterator);
console.log(Array.from({ length: 120 }, (_, i) => i));
console.log(Array.from({ length: 7 }, (_, i) => ({ id: i, name: `name ${i}` })));
console.log("x".repeat(10), ["y".repeat(10020)][0].length, { long: "z".repeat(90), other: "w".repeat(10) });
console.log([undefined, null], [[]], [{}], { a: {} }, [["a"]], new Error("x").message);
