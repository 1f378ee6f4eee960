// Proxies and Reflect, also across sleep.
// expect: TypeError
// expect: 1 42 true true [ 'b' ]
// expect: set b, get a, get b, has ghost, delete a, keys
// expect: 300 true function
// expect: TypeError
const log = [];
const proxy = new Proxy({ a: 1 }, {
  get(target, key, receiver) { log.push(`get ${String(key)}`); return Reflect.get(target, key, receiver); },
  set(target, key, value) { log.push(`set ${key}`); target[key] = value * 2; return true; },
  has(target, key) { log.push(`has ${key}`); return key === "ghost" || key in target; },
  deleteProperty(target, key) { log.push(`delete ${key}`); return delete target[key]; },
  ownKeys(target) { log.push("keys"); return Reflect.ownKeys(target); },
});
setTimeout(() => { proxy.b = 21; console.log(proxy.a, proxy.b, "ghost" in proxy, delete proxy.a, Object.keys(proxy)); }, 10);
setTimeout(() => console.log(log.join(", ")), 20);
const callable = new Proxy(function (a, b) { return a + b; }, { apply: (f, self, args) => f(...args) * 100, construct: () => ({ made: true }) });
setTimeout(() => console.log(callable(1, 2), new callable().made, typeof callable), 30);
const { proxy: revocable, revoke } = Proxy.revocable({}, {});
setTimeout(() => { revoke(); try { revocable.x; } catch (error) { console.log(error.name); } }, 40);
try { new Proxy(Object.freeze({ k: 1 }), { get: () => 2 }).k; } catch (error) { console.log(error.name); }
