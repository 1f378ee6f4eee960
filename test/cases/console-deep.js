// What is nested deep is shown a few levels, whatever it is made of.
// expect: [Error: attempt 399] {
// expect:   [cause]: [Error: attempt 398] { [cause]: [Error: attempt 397] { [cause]: [Error] } }
// expect: }
// expect: { a: { b: { many: [AggregateError] } } }
// expect: r
// expect: [Function (anonymous)] {
// expect:   method: [Function (anonymous)] {
// expect:     method: [Function (anonymous)] { method: [Function (anonymous)] }
// expect:   }
// expect: }
// expect: 1970-01-01T00:00:00.000Z {
// expect:   date: 1970-01-01T00:00:00.000Z {
// expect:     date: 1970-01-01T00:00:00.000Z { date: 1970-01-01T00:00:00.000Z }
// expect:   }
// expect: } Map(1) { Map(1) { Map(1) { [Map] => 1 } => 1 } => 1 } [ [ [ [Array] ] ] ]
// expect: [ [ [ [ [ [Array] ] ] ] ] ]
let error = new Error("x");
for (let i = 0; i < 400; i++) { error = new Error("attempt " + i, { cause: error }); error.stack = ""; }
console.log(error);
const many = new AggregateError([error], "many"); many.stack = "";
console.log({ a: { b: { many } } });
console.log({ a: { b: { c: { plain: new RangeError("r") } } } }.a.b.c.plain.message);
let method = () => {};
for (let i = 0; i < 400; i++) method = Object.assign(() => {}, { method });
console.log(method);
let date = new Date(0), map = new Map(), list = [];
for (let i = 0; i < 400; i++) { date = Object.assign(new Date(0), { date }); map = new Map([[map, 1]]); list = [list]; }
console.log(date, map, list);
console.log("%o", list);
