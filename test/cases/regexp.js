// Regular expressions whose lastIndex and iterators live on while asleep.
// expect: 10 3
// expect: 1
// expect: 06.05.2024 aBBc 42 true
// expect: null [ 'a', 'b', 'c' ] true [ 'b', undefined, 'b', index: 0, input: 'b', groups: undefined ] false
// expect: SyntaxError
// expect: 20 6
// expect: 30 null 0
// expect: b 22
// expect: c 333
// expect: 1 [a-z] g
const sticky = /(\d+)-?/y, global = /[a-z]/g, text = "10-20-30x";
console.log(sticky.exec(text)[1], sticky.lastIndex);
setTimeout(() => console.log(sticky.exec(text)[1], sticky.lastIndex), 5);
setTimeout(() => console.log(sticky.exec(text)[1], sticky.exec(text), sticky.lastIndex), 10);
const matches = "a1b22c333".matchAll(/(?<letter>[a-z])(?<digits>\d+)/g);
console.log(matches.next().value.groups.digits);
setTimeout(() => { for (const { groups: { letter, digits } } of matches) console.log(letter, digits); }, 15);
console.log("2024-05-06".replace(/(\d+)-(\d+)-(\d+)/, "$3.$2.$1"), "aBc".replace(/b/i, (m) => m + m), /(?<=€)\d+/.exec("€42")[0], /^\p{Lu}/u.test("Éa"));
console.log("x".match(/y/), "a,b;c".split(/[,;]/), /\u{1F600}/u.test("😀"), /(a)|(b)/.exec("b"), /[\p{L}--[a-z]]/v.test("a"));
global.test("abc");
setTimeout(() => console.log(global.lastIndex, global.source, global.flags), 20);
try { new RegExp("("); } catch (error) { console.log(error.name); }
