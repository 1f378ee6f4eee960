// Iterators of all kinds that were begun before the program went to sleep.
// expect: a [ 0, 1 ] 0 2 p 1 [ 'odd', [ 1, 3 ] ]
// expect: 😀 [ 1, 20 ]
// expect: [ 1 ] -2 q
// expect: [ 1, 2, 3, 11, 12 ] [ 'b' ] [ [ 2, 3 ] ] { value: undefined, done: true }
// expect: { value: undefined, done: true } { value: undefined, done: true } [ 2, 4 ] [ [ 'even', [ 2 ] ] ]
const text = "a😀b"[Symbol.iterator](), bytes = new Uint8Array([1, 2, 3]), typed = bytes.entries();
const list = [, "x", "y"], keys = list.keys(), helper = Iterator.from([1, 2, 3, 4]).drop(1).flatMap((x) => [x, -x]);
const set = new Set([1, 2, 3]), seen = [], args = (function () { return arguments[Symbol.iterator](); })("p", "q");
const matches = "k1k2k3".matchAll(/k(\d)/g), dropped = Map.groupBy([1, 2, 3], (x) => (x % 2 ? "odd" : "even")).entries();
console.log(text.next().value, typed.next().value, keys.next().value, helper.next().value, args.next().value, matches.next().value[1], dropped.next().value);
setTimeout(() => { bytes[1] = 20; console.log(text.next().value, typed.next().value); }, 5);
setTimeout(() => { list.length = 2; console.log([...keys], helper.next().value, args.next().value); }, 10);
set.forEach((value) => { seen.push(value); if (value < 3) { set.delete(value); set.add(value + 10); } });
setTimeout(() => console.log(seen, [...text], [...typed], keys.next()), 15);
setTimeout(() => { console.log(helper.return("r"), helper.next(), [...matches].map((m) => m.index), [...dropped]); }, 20);
