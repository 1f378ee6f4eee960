// Arrays: holes, lengths, species, and a sort that keeps equals in order.
// expect: [ 1, <1 empty item>, 3, <2 empty items> ] false [ 1, 3 ] -1 true
// expect: 4 true false 4
// expect: 4000 [ '10' ] near 1
// expect: a2 a6 b0 b4 c3 c7 d1 d5
// expect: [ 3, 'x', 'y', 2 ] [ 4, 5, 3, 4, 5 ] [ 0, 1, 4 ] [ 1, 2, 3, 4 ]
// expect: TypeError 3
// expect: [ 1, 10, 9 ] [ 'a', 'b', undefined, <1 empty item> ]
class Stack extends Array { top() { return this.at(-1); } static get [Symbol.species]() { return Array; } }
const holes = [1, , 3], stack = Stack.from([1, 2, 3]), big = [], people = [..."bdacbdac"].map((key, i) => ({ key, i }));
big[5000] = "far"; big.length = 4000; big[10] = "near";
setTimeout(() => { holes.length = 5; console.log(holes, 1 in holes, holes.flat(), holes.indexOf(undefined), holes.includes(undefined)); }, 5);
setTimeout(() => { stack.push(4); console.log(stack.top(), stack instanceof Stack, stack.map((x) => x) instanceof Stack, stack.length); }, 10);
setTimeout(() => console.log(big.length, Object.keys(big), big.findLast((x) => x), big.reduce((n) => n + 1, 0)), 15);
setTimeout(() => console.log(people.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ key, i }) => key + i).join(" ")), 20);
setTimeout(() => console.log([3, 1, 2].toSpliced(1, 1, "x", "y"), [1, 2, 3, 4, 5].copyWithin(0, 3), Array.from({ length: 3 }, (_, i) => i * i), [1, [2, [3, [4]]]].flat(Infinity)), 25);
const fixed = Object.defineProperty([1, 2, 3], "length", { writable: false });
setTimeout(() => { try { fixed.push(4); } catch (error) { console.log(error.name, fixed.length); } console.log([10, 9, 1].sort(), [, "b", undefined, "a"].sort()); }, 30);
