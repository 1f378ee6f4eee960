// Math.random is seeded from the clock as an unpatched engine's is.
// expect: 0.4250777419229457
// expect: 0.7318575301997312
// expect: 0.4407643123773133
console.log(Math.random());
setTimeout(() => console.log(Math.random()), 10);
setTimeout(() => console.log(Math.random()), 20);
