/* SPDX-License-Identifier: MIT */
/* objects.js - a small order book: objects made and read, Map and Set, class
 * instances, array methods, JSON both ways. */
(function () {
  class Account {
    constructor(id) {
      this.id = id;
      this.balance = 0;
      this.entries = [];
    }
    book(amount, label) {
      this.balance += amount;
      this.entries.push({ amount, label, after: this.balance });
    }
  }

  let seed = 12345;
  function random(limit) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % limit;
  }

  function run() {
    const accounts = new Map();
    const labels = new Set();
    for (let i = 0; i < 20000; i++) {
      const id = "account-" + random(500);
      let account = accounts.get(id);
      if (account === undefined) {
        account = new Account(id);
        accounts.set(id, account);
      }
      const label = "order " + random(2000);
      labels.add(label);
      account.book(random(1000) - 300, label);
    }
    const text = JSON.stringify([...accounts.values()]);
    const copy = JSON.parse(text);
    const totals = copy
      .filter((account) => account.balance > 0)
      .map(({ id, entries }) => ({
        id,
        total: entries.reduce((sum, { amount }) => sum + amount, 0),
      }));
    return text.length + labels.size +
      totals.reduce((sum, { total }) => sum + total, 0);
  }

  let sum = 0;
  for (let round = 0; round < 8; round++) sum += run();
  return sum;
})();
