// A chain of three hundred jobs, with a boundary before each.
// expect: 4950
// expect: 4950
// expect: bottom
let sum = 0;
for (let i = 0; i < 100; i++) sum += await i;
console.log(sum);
const chain = Array.from({ length: 100 }).reduce((p, _, i) => p.then((v) => v + i), Promise.resolve(0));
console.log(await chain);
const countdown = async (n) => (n === 0 ? "bottom" : countdown(n - 1));
console.log(await countdown(50));
