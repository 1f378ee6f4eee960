// Classes: private members, accessors, statics, inheritance.
// expect: savings of 110.00000000000001 audited 110.00000000000001 1 false Savings { rate: 0.1, computed1: true }
// expect: TypeError
// expect: RangeError: overdrawn
// expect: savings of 110.00000000000001 2 true
// expect: Derived Savings
// expect: class constructors must be invoked with 'new'
class Account {
  static #count = 0;
  #balance;
  static { this.made = () => Account.#count; }
  constructor(balance) { this.#balance = balance; Account.#count++; }
  get balance() { return this.#balance; }
  set balance(value) { if (value < 0) throw new RangeError("overdrawn"); this.#balance = value; }
  #audit() { return `audited ${this.#balance}`; }
  audit() { return this.#audit(); }
  static is(value) { return #balance in value; }
}
class Savings extends Account {
  rate = 0.1; ["computed" + 1] = true;
  get balance() { return `savings of ${super.balance}`; }
  grow() { super.balance = super.balance * (1 + this.rate); return this; }
  static [Symbol.hasInstance](value) { return Account.is(value); }
}
const savings = new Savings(100);
setTimeout(() => {
  console.log(savings.grow().balance, savings.audit(), Account.made(), Account.is({}), savings);
  try { savings.__proto__.__proto__.audit.call({}); } catch (error) { console.log(error.name); }
  try { new Account(1).balance = -1; } catch (error) { console.log(`${error}`); }
}, 10);
setTimeout(() => {
  console.log(savings.balance, Account.made(), new Account(5) instanceof Savings);
  class Base { constructor() { this.made = new.target.name; } }
  console.log(new (class Derived extends Base {})().made, Reflect.construct(Base, [], Savings).made);
  try { Account(1); } catch (error) { console.log(error.message); }
}, 20);
