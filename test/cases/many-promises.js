// Two thousand promises and timers pending at once.
// expect: at 13: 858
// expect: sum 1124250 1500
let done = 0;
const all = [];
for (let i = 0; i < 1500; i++) all.push(new Promise((resolve) => setTimeout(resolve, 10 + (i % 7), i)).then((v) => { done++; return v; }));
for (let i = 0; i < 500; i++) new Promise(() => {}).then(() => console.log("never"));
const cancelled = [];
for (let i = 0; i < 500; i++) cancelled.push(setTimeout(() => console.log("never"), 1000 + i));
setTimeout(() => { console.log("at 13:", done); cancelled.forEach(clearTimeout); }, 13);
Promise.all(all).then((v) => console.log("sum", v.reduce((a, b) => a + b), done));
