// SPDX-License-Identifier: MIT
//
// random.js - random calls, beside a header list as the standard writes it.

let state = 12345;
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
};

class Model {
  list = [];
  append(name, value) {
    this.list.push([name.toLowerCase(), value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "")]);
  }
  delete(name) {
    this.list = this.list.filter(([other]) => other !== name.toLowerCase());
  }
  values(name) {
    return this.list.filter(([other]) => other === name.toLowerCase()).map(([, value]) => value);
  }
  get(name) {
    return this.has(name) ? this.values(name).join(", ") : null;
  }
  has(name) {
    return this.values(name).length > 0;
  }
  getSetCookie() {
    return this.values("set-cookie");
  }
  set(name, value) {
    const at = this.list.findIndex(([other]) => other === name.toLowerCase());
    if (at < 0) return this.append(name, value);
    const rest = this.list.slice(at + 1).filter(([other]) => other !== name.toLowerCase());
    this.list.length = at;
    this.append(name, value);
    this.list.push(...rest);
  }
  sorted() {
    const names = [...new Set(this.list.map(([name]) => name))].sort();
    return names.flatMap((name) =>
      name === "set-cookie"
        ? this.values(name).map((value) => [name, value])
        : [[name, this.get(name)]]
    );
  }
}

const methods = ["append", "append", "set", "delete", "get", "has", "getSetCookie"];
const names = ["Set-Cookie", "set-cookie", "A", "a", "b-c", "B-C", "x", "Accept", "z~", "!"];
const values = ["", "1", " two ", "\t3\r\n", "4, 5", "\u00e9", "a  b"];
for (let round = 0; round < 300; round++) {
  const headers = new Headers();
  const model = new Model();
  const iterator = headers.entries();
  let index = 0;
  for (let step = 0; step < 40; step++) {
    const method = methods[below(methods.length)];
    const args = [names[below(names.length)], values[below(values.length)]];
    same(headers[method](...args), model[method](...args), method);
    if (below(5) === 0) {
      const pairs = model.sorted();
      const { value, done } = iterator.next();
      same([value, done], [pairs[index], index >= pairs.length]);
      if (!done) index++;
    }
  }
  same([...headers], model.sorted());
  const trimmed = model.sorted().map(([name, value]) => [name, value.trimEnd()]);
  same([...new Headers(headers)], trimmed, "a copy takes space off joined values");
}
