/* SPDX-License-Identifier: MIT */
/* life-scripts.h - what the programs of test_sleepless.c do. */
#ifndef TORPOR_TEST_LIFE_SCRIPTS_H
#define TORPOR_TEST_LIFE_SCRIPTS_H

/* What each begins with; its host has functions 'host' and 'later', and a class
 * Box. */
static const char life_program[] =
    "globalThis.state = {n: 0, list: [], map: new Map, log: [], gen: null,"
    "  weak: [], boxes: [], rx: /a(b+)/gy};"
    "globalThis.ask = async n => { try {"
    "  const v = await host(3, n); state.log.push(['got', v]); await null;"
    "  if (n % 3) state.log.push(await later(n % 11, n, {n})); return v"
    "} catch (e) { state.log.push(String(e)); if (n % 2) throw e } finally {"
    "  state.n++ } };"
    "globalThis.count = function* (n) { try { for (let i = 0; i < n; i++) {"
    "  const more = yield i; if (more) n += more % 3 } } finally {"
    "  state.log.push('done') } };"
    "globalThis.work = (kind, a) => { switch (kind % 6) {"
    "case 0: return state.list.map(x => x.n ?? 0).reduce((s, x) => s + x, a);"
    "case 1: return JSON.stringify(state.log.slice(-3));"
    "case 2: state.list.sort((x, y) => host(0, x.n) - y.n); return 'sorted';"
    "case 3: { let d = 0; const f = () => { d++; f() };"
    "  try { f() } catch (e) { return e.name + (d > 99) } }"
    "case 4: return [...state.map].slice(0, 5);"
    "default: return state.gen?.next(a) } }; 0";

/* Scripts, in which %1$u is a number of the step. */
static const char *const life_scripts[] = {
    "state.list.push({n: state.n += %1$u, at: Date.now()}); state.list.length",
    "state.list.splice(%1$u %% (state.list.length + 1), 3).length",
    "for (let i = 0; i < %1$u * 9; i++) state.map.set('k' + i %% 200,"
    "  {i, s: 'x'.repeat(i)}); state.map.size",
    "for (const k of [...state.map.keys()].slice(0, %1$u)) state.map.delete(k);"
    "state.map.size",
    "ask(%1$u).catch(e => state.log.push('caught')); state.log.length",
    "ask(%1$u); 0",
    "Promise.all([ask(%1$u), ask(1), later(%1$u %% 11, 5, {})])"
    "  .then(v => state.log.push(v.length), e => state.log.push('all'));"
    "state.n",
    "state.gen = count(%1$u); state.gen.next().value",
    "state.gen?.next(%1$u).value",
    "state.gen?.return(5)",
    "[host(0, %1$u), host(1, %1$u), host(6, %1$u).made]",
    "host(2, %1$u, n => host(2, n, m => host(0, m)))",
    "try { host(4, %1$u) } catch (e) { e.message + e.stack.length }",
    "host(4, %1$u)",
    "host(5, 0)[0]",
    "host(7, %1$u, {a: 1}).seen",
    "try { host(8) } catch (e) { String(e) }",
    "try { host(9, %1$u) } catch (e) { String(e) }",
    "state.boxes.push(new Box(%1$u)); state.boxes.at(-1).id",
    "state.boxes.map(b => b.id).join()",
    "state.boxes.splice(0, %1$u %% 4).length",
    "class Big extends Box { get twice() { return this.id * 2 } }"
    "globalThis.big = new Big(%1$u); big.twice",
    "try { new Box(-1) } catch (e) { String(e) }",
    "state.weak.push(new WeakRef({n: %1$u})); state.weak.filter(w => w.deref())"
    "  .length",
    "new FinalizationRegistry(v => state.log.push('gone ' + v))"
    "  .register({}, %1$u); 0",
    "setTimeout(() => state.log.push('time ' + %1$u), %1$u * 10); 0",
    "clearTimeout(setTimeout(() => 1, %1$u)); 0",
    "console.log('n is', state.n, {list: state.list.length}, [%1$u])",
    "import('later-%1$u').then(m => state.log.push(m.name),"
    "  e => state.log.push(e.code ?? String(e))); 0",
    "import('none').catch(e => state.log.push(e.code)); 0",
    "state.rx.exec('abbb'.repeat(%1$u %% 5))?.[1] + state.rx.lastIndex",
    "[1.5, -0, NaN, 2n ** 70n, %1$u / 7, Math.random(), new Date().getHours()]",
    "let u = new Uint8Array(%1$u * 500).fill(%1$u); state.buffer = u.buffer;"
    "u.length",
    "state.buffer &&"
    "(state.buffer = state.buffer.transfer(%1$u * 3)).byteLength",
    "null.x%1$u",
    "({syntax error %1$u",
    "'use strict'; undefinedName%1$u",
    "Object.defineProperty(globalThis, 'p', {get: () => host(0, %1$u),"
    "  configurable: true}); p + p",
    "new Proxy({}, {get: (t, k) => host(10, 0, k)}).key%1$u",
    "Reflect.ownKeys(globalThis).length",
    "globalThis.structuredClone?.({a: [%1$u, new Map([[1, 2]])]}).a[0]",
    "state.log.length = 0",
};

/* They want more memory than there is. */
static const char *const life_greedy[] = {
    "{ const all = []; try { for (;;) all.push(new Uint8Array(%1$u * 5000)) }"
    "  catch (e) { e.message } }",
    "{ let s = 'x'; try { for (;;) s += s + %1$u } catch (e) { e.message } }",
    "{ const a = []; try { for (;;) a.push({a: [%1$u]}) }"
    "  catch (e) { String(e) } }",
};

/* They run for long, or for ever. */
static const char *const life_long[] = {
    "for (let i = 0; ; i++) state.n = i",
    "for (let i = 0; i < %1$u * 50; i++) state.n ^= i; state.n",
    "Array.from({length: 3000}, (_, i) => (i * %1$u) %% 97)"
    "  .sort((a, b) => a - b).length",
    "(async () => { for (;;) { await null; state.n++ } })(); 0",
    "(function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) })(25)",
    "try { for (;;) host(0, 1) } finally { state.n = 0 }",
};

#endif
