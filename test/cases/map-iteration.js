// Iterators of Map and Set in progress, while entries come and go.
// expect: [ 'a', 1 ]
// expect: Set(4) { 1, 2, 3, 4 } true
// expect: [ 'c', 3 ]
// expect: [ 'd', 4 ]
// expect: [ [ 'e', 5 ], [ 'c', 33 ] ] { value: undefined, done: true }
// expect: [ 'z' ]
// expect: [ 2, 3, 4 ]
// expect: 1 undefined nan zero
const map = new Map([["a", 1], ["b", 2], ["c", 3], ["d", 4]]);
const entries = map.entries();
console.log(entries.next().value);
setTimeout(() => { map.delete("b"); map.set("e", 5); console.log(entries.next().value); }, 5);
setTimeout(() => { map.delete("c"); map.set("c", 33); console.log(entries.next().value); }, 10);
setTimeout(() => console.log([...entries], entries.next()), 15);
const set = new Set(["x", "y"]), values = set.values();
values.next();
setTimeout(() => { set.clear(); set.add("z"); console.log([...values]); }, 20);
const array = [1, 2, 3], live = array[Symbol.iterator]();
live.next();
setTimeout(() => { array.push(4); console.log([...live]); }, 25);
const objects = [{}, {}], byObject = new Map(objects.map((o, i) => [o, i]));
setTimeout(() => console.log(byObject.get(objects[1]), byObject.get({}), new Map([[NaN, "nan"]]).get(NaN), new Map([[-0, "zero"]]).get(0)), 30);
console.log(new Set([1, 2, 3]).union(new Set([3, 4])), new Set([1, 2]).isSubsetOf(new Set([1, 2, 3])));
