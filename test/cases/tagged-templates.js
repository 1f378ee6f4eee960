// The object of a tagged template is the same one before and after a sleep.
// expect: line\n:1:true line\n:2:true 1
// expect: line\n:3:true [ 3 ]
// expect: [ 3, 1 ] \u00e91\n
// expect: undefined false
const seen = new Map(), tag = (strings, ...values) => { seen.set(strings, (seen.get(strings) ?? 0) + 1); return `${strings.raw[0]}:${values}:${Object.isFrozen(strings)}`; };
const ask = (n) => tag`line\n${n}end`;
console.log(ask(1), ask(2), seen.size);
setTimeout(() => console.log(ask(3), [...seen.values()]), 5);
setTimeout(() => { tag`line\n${4}end`; console.log([...seen.values()], String.raw`\u00e9${1}\n`); }, 10);
setTimeout(() => console.log(((s) => s[0])`\unicode`, [...seen.keys()][0] === [...seen.keys()][1]), 15);
