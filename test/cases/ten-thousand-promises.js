// Ten thousand promises are pending while the program sleeps, chained, awaited
// and raced.
// expect: still 0 9997
// expect: first 2
// expect: 4998 2 9996 1
let settle, done = 0;
const gate = new Promise((resolve) => { settle = resolve; });
const all = [];
for (let i = 0; i < 9997; i++) all.push(i % 2 ? gate.then((v) => v + i) : new Promise(() => {}));
const waiting = (async () => { const v = await gate; done++; return v; })();
const raced = Promise.race([...all.slice(0, 3), waiting]);
setTimeout(() => console.log("still", done, all.length), 10);
setTimeout(() => settle(1), 20);
Promise.all(all.filter((_, i) => i % 2)).then((v) => console.log(v.length, v[0], v.at(-1), done));
raced.then((v) => console.log("first", v));
