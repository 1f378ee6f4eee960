// Private fields and methods of objects whose async methods and generators are
// asleep. The brands stay theirs.
// expect: 1 true false stamped
// expect: [ 2, 4, 10 ] [ 5, 4, 3, 2, 1 ] 4 2
// expect: TypeError
// expect: TypeError
import { sleep } from "torpor:run";
class Vault {
  static #made = 0;
  #coins = 0;
  #log = [];
  get #weight() { return this.#coins * 2; }
  set #weight(grams) { this.#coins = grams / 2; }
  async #slowly(n) { await sleep(5); this.#coins += n; return this.#weight; }
  constructor() { Vault.#made++; }
  async fill(...all) { for (const n of all) this.#log.push(await this.#slowly(n)); return this.#log; }
  *coins() { while (this.#coins > 0) yield this.#coins--; }
  melt(grams) { this.#weight = grams; return this.#coins; }
  static async #count() { await sleep(1); return Vault.#made; }
  static count() { return Vault.#count(); }
  static owns(object) { return #coins in object && #slowly in object; }
}
class Stamp extends (function (object) { return object; }) { #mark = "stamped"; static read(object) { return object.#mark; } }
const vault = new Vault(), other = new Vault(), plain = {};
const filling = vault.fill(1, 2, 3), coins = vault.coins();
new Stamp(plain);
await sleep(7);
console.log(coins.next().value, Vault.owns(vault), Vault.owns(plain), Stamp.read(plain));
console.log(await filling, [...coins], other.melt(8), await Vault.count());
try { new Stamp(plain); } catch (error) { console.log(error.name); }
try { await Vault.prototype.fill.call({}, 1); } catch (error) { console.log(error.name); }
