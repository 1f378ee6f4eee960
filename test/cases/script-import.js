// A script may import modules, too.
// expect: counter is evaluated
// expect: 1
// expect: 1
import("./modules/counter.mjs").then((m) => { m.increment(); console.log(m.count); });
setTimeout(() => import("./modules/counter.mjs").then((m) => console.log(m.count)), 10);
