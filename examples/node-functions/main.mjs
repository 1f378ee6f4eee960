// SPDX-License-Identifier: MIT
//
// main.mjs - functions of the host that a program calls: plain ones, ones that
// take functions, asynchronous ones, and errors in both directions.
//
//   npm install torpor-vm && node main.mjs

import { QuickJS } from "torpor-vm";

/** An error class of this application. */
class StockError extends Error {
  constructor(item) {
    super(`${item} is sold out`);
    this.name = "StockError";
    this.code = "SOLD_OUT";
  }
}

const stock = new Map([["pear", 3], ["plum", 0]]);

/** The functions, by the names under which the guest has them. */
function makeFunctions(vm) {
  return {
    // A number needs no handle, on its way in or out.
    area: (width, height) => width.toNumber() * height.toNumber(),

    // Whole values cross as copies.
    sumOf: (list) => vm.dump(list).reduce((sum, n) => sum + n, 0),
    report: () => vm.hostToHandle({ stock, at: new Date(0) }),

    // What this throws, the guest's caller can catch.
    take(name) {
      const item = name.toString();
      const left = stock.get(item);
      if (left === undefined) throw new RangeError(`there is no ${item}`);
      if (left === 0) throw new StockError(item);
      stock.set(item, left - 1);
      return left - 1;
    },

    // Calls the guest back. Its own exceptions pass through.
    repeat(times, callback) {
      for (let i = 0; i < times.toNumber(); i++) {
        const done = vm.callFunction(callback, vm.undefined, vm.newNumber(i));
        if (done.isException) throw done;
        done.dispose();
      }
    },

    // The guest gets a promise.
    async price(name) {
      const item = name.toString();
      await new Promise((done) => setTimeout(done, 10));
      if (!stock.has(item)) throw new RangeError(`no price for ${item}`);
      return item.length * 10;
    },
  };
}

function defineAll(vm) {
  for (const [name, callback] of Object.entries(makeFunctions(vm))) {
    const made = vm.newFunction(name, callback);
    vm.setProp(vm.global, name, made);
    made.dispose();
  }
}

const PROGRAM = `
  console.log("area", area(6, 7));
  console.log("sum", sumOf([1, 2, 3]));
  console.log("report", report());

  for (const item of ["pear", "plum", "fig"])
    try {
      console.log(item, "left", take(item));
    } catch (error) {
      console.log(item, error.name, error.code, error.message, error instanceof RangeError);
    }

  const seen = [];
  try {
    repeat(10, (n) => {
      if (n === 3) throw new SyntaxError("enough");
      seen.push(n);
    });
  } catch (error) {
    console.log("seen", seen, error.name);
  }

  async function prices() {
    const [pear, fig] = await Promise.allSettled([price("pear"), price("fig")]);
    console.log("pear", pear.value, "fig", fig.reason.message);
    throw new Error("no figs", { cause: fig.reason });
  }
`;

const options = { console: (_level, text) => console.log(text) };
const vm = await QuickJS.create(options);
defineAll(vm);
vm.unwrapResult(vm.evalCode(PROGRAM, "shop.js")).dispose();

// A promise of the guest, and an error on its way out.
const promise = vm.evalCode("prices()");
const { error } = await vm.resolvePromise(promise);
const failure = vm.dump(error);
console.log("host:", failure.name, failure.message, "because", failure.cause.message);
error.dispose();
promise.dispose();

// A VM that wakes elsewhere gets the functions again, by name.
const snapshot = vm.snapshot();
vm.dispose();
const woken = await QuickJS.restore(snapshot, options);
const missing = woken.evalCode("area(2, 3)");
console.log("host:", woken.dump(missing).message);
missing.dispose();
for (const [name, callback] of Object.entries(makeFunctions(woken))) {
  woken.registerHostCallback(name, callback);
}
console.log("host: area", woken.evalCode("area(2, 3)").toNumber());
woken.dispose();
