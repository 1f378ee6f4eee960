// 'let', 'const' and classes cannot be used before their declaration was run, and
// that is noticed wherever it is not certain. Random functions are made twice: in
// one each access is as it stands, in the other it goes through an arrow function
// of its own, for which nothing is certain. Both have to do the same.
// expect: same
console.log((function () {
  let state = globalThis.letChecks?.seed ?? 2024;
  const next = (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * limit);
  };
  const pick = (list) => list[next(list.length)];

  // An access is written #r:NAME#, #w:NAME:VALUE# and so on.
  const read = (names) => `#r:${pick(names)}#`;
  const write = (names) =>
    pick([
      () => `#w:${pick(names)}:${value(names)}#`,
      () => adding(pick(names), value(names)),
      () => `#u:${pick(names)}#`,
    ])();
  const adding = (name, value) =>
    `#a:${name}:${value}#; if (#r:${name}#.length > 99) #w:${name}:0#`;
  const value = (names) =>
    pick([() => String(next(9)), () => String(next(9)), () => read(names)])();
  const guarded = (text) => `try { ${text} } catch (e) { log(e.name); }`;

  let names = 0;
  const fresh = () => `v${names++}`;

  function use(scope) {
    const text = pick([
      () => `log(${read(scope)});`,
      () => `${write(scope)};`,
      () => `if (${read(scope)} > ${next(9)}) log("more"); else log("less");`,
      () => `log(typeof ${read(scope)});`,
      () => `log(${read(scope)} + ${read(scope)});`,
      () => `log(eval("${read(scope)}"));`,
    ])();
    return next(12) ? guarded(text) : text;
  }

  function declare(name, outer, all) {
    const scope = next(12) ? outer : all;
    return pick([
      () => `let ${name} = ${value(scope)};`,
      () => `const ${name} = ${value(scope)};`,
      () => `let ${name};`,
      () => `let [${name} = ${value(scope)}] = [${pick(["", "1", "undefined"])}];`,
      () => `let { ${name} = ${value(scope)} } = { ${pick(["", `${name}: 2`])} };`,
      () => `class ${name} { static a = ${value(scope)}; static toString() { return "class"; } }`,
      () => `let ${name} = hide(() => ${read(all)});`,
      () => `let ${name} = { valueOf() { if (!tick()) { ${guarded(write(all))} } return "v"; } };`,
      () => `let ${name} = "text";`,
    ])();
  }

  function block(outer, depth, jumps) {
    const own = Array.from({ length: next(3) }, fresh);
    const scope = [...outer, ...own, ...own];
    const lines = [];
    const waiting = own.slice();
    for (let count = 2 + next(4); count > 0 || waiting.length > 0; count--) {
      if (waiting.length > 0 && (next(2) || count <= 0)) {
        lines.push(declare(waiting.shift(), outer, scope));
      } else if (depth > 0 && next(2)) {
        lines.push(statement(scope, depth - 1, jumps));
      } else if (scope.length > 0) {
        lines.push(use(scope));
      }
      if (jumps.length > 0 && next(12) === 0) lines.push(`if (${next(2)}) ${pick(jumps)};`);
      if (next(30) === 0) lines.push(`if (tick()) ${pick(["return 3", "throw 4"])};`);
      if (next(40) === 0) lines.push("yield 5;");
    }
    return lines.join("\n");
  }

  function statement(scope, depth, jumps) {
    const loop = [...jumps, "break", "continue"];
    const body = () => block(scope, depth, jumps);
    const turns = () => `if (tick()) break; ${block(scope, depth, loop)}`;
    const name = fresh();
    const inner = [...scope, name, name];
    const label = `l${names++}`;
    return pick([
      () => `{ ${body()} }`,
      () => `if (${value([...scope, "zero"])}) { ${body()} } else { ${body()} }`,
      () => `try { ${body()} } catch (e) { log(e.name ?? e); ${body()} }`,
      () => `try { ${body()} } finally { log("f"); ${body()} }`,
      () =>
        `try { ${body()} } catch { ${body()} } finally { ${body()} }`,
      () => `while (true) { ${turns()} }`,
      () => `do { ${turns()} } while (${value([...scope, "zero"])} > 3);`,
      () =>
        `for (let ${name} = ${value(inner)}; ${read(inner)} < 9; #u:${name}#) ` +
        `{ if (tick()) break; ${block(inner, depth, loop)} }`,
      () =>
        `for (${pick(["let", "const"])} ${name} of [1, ${value(inner)}, 3]) ` +
        `{ if (tick()) break; ${block(inner, depth, loop)} }`,
      () =>
        `for (let [${name} = ${value(inner)}] of [[], [${value(inner)}]]) ` +
        `{ if (tick()) break; ${block(inner, depth, loop)} }`,
      () =>
        `for (const { a: ${name} = ${value(inner)} } of [{}, { a: 4 }]) ` +
        `{ if (tick()) break; ${block(inner, depth, loop)} }`,
      () =>
        `for (const ${name} in { a: ${value(inner)}, b: 2 }) ` +
        `{ if (tick()) break; ${block(inner, depth, loop)} }`,
      () => switches(scope, depth, jumps),
      () =>
        `with (${pick(["{}", "{ zero: 7 }"])}) { ` +
        `${guarded(`log(${read([...scope, "zero"])});`)} }`,
      () =>
        `${label}: { ${block(scope, depth, [...jumps, `break ${label}`])} }`,
      () =>
        `(function* () { ${block(scope, depth, [])} })().next();`,
      () => `(() => { ${block(scope, depth, []).replaceAll("yield 5;", "")} })();`,
    ])();
  }

  function switches(outer, depth, jumps) {
    const own = [fresh(), fresh()];
    const scope = [...outer, ...own, ...own];
    const cases = own.map((name, i) =>
      `case ${i + next(2)}: ${next(2) ? use(scope) : ""} ${declare(name, outer, scope)} ` +
      `${block(scope, depth, jumps)} ${pick(["break;", ""])}`
    );
    cases.splice(next(3), 0, `default: ${use(scope)}`);
    return `switch (${next(4)}) { ${cases.join("\n")} }`;
  }

  function made(text, direct) {
    const put = (at, value) => direct ? `${at} = ${value}` : `((v) => ${at} = v)(${value})`;
    // Both find the variable before the value, and take what it is then.
    const add = (at, value) => direct ? `${at} += ${value}` : `(() => ${at} += ${value})()`;
    let before;
    do {
      before = text;
      text = text
        .replace(/#r:(\w+)#/g, (_, at) => direct ? `${at}` : `(() => ${at})()`)
        .replace(/#w:(\w+):([^#]*)#/g, (_, at, value) => put(at, value))
        .replace(/#a:(\w+):([^#]*)#/g, (_, at, value) => add(at, value))
        .replace(/#u:(\w+)#/g, (_, at) => direct ? `${at}++` : `(() => ${at}++)()`);
    } while (text !== before);
    return text;
  }

  function outcome(text) {
    const said = [];
    let ticks = 0;
    const log = (what) => said.push(String(what));
    const tick = () => ++ticks > 40;
    const hide = (made) => Object.assign(made, { toString: () => "function" });
    try {
      const steps = new Function("log", "tick", "hide", "zero", `return function* () { ${text} }`)(
        log, tick, hide, 0);
      let step = steps();
      for (let i = 0; i < 20; i++) {
        const { value, done } = step.next();
        log(value);
        if (done) break;
      }
    } catch (error) {
      said.push(String(error.name ?? error));
    }
    return said.join(" ");
  }

  const count = globalThis.letChecks?.count ?? 200;
  let refused = 0, plain = 0;
  for (let i = 0; i < count; i++) {
    names = 0;
    const text = block(["zero"], 3, []);
    const direct = outcome(made(text, true));
    const indirect = outcome(made(text, false));
    if (direct !== indirect) {
      return `${i}: ${direct}\n${indirect}\n${made(text, true)}`;
    }
    if (direct.includes("SyntaxError")) return `${i}: ${made(text, true)}`;
    if (direct.includes("ReferenceError")) refused++;
    else plain++;
  }
  return refused > count / 10 && plain > count / 10 ? "same" : `${refused} ${plain}`;
})());
