// SPDX-License-Identifier: MIT
// Prepares something once, then goes on with it in several ways: a plan for a
// trip, and what it costs with different answers.
//
//   torpor run examples/what-if.mjs --id trip --detach
//   torpor worker &                          # until it waits for an answer
//   torpor fork trip --id by-train
//   torpor fork trip --id by-bus
//   torpor signal by-train transport '{"name": "train", "price": 89}'
//   torpor signal by-bus transport '{"name": "bus", "price": 25}'
//   torpor signal trip transport '{"name": "plane", "price": 140}'
//   torpor list
//
// All three go on from the same moment; nothing is computed again.
import { runId, signal } from "torpor:run";

torpor.onwake = ({ clone }) => {
  if (clone) console.log(`${runId()} goes its own way from here`);
};

// The slow part; a real program would search and ask here.
const nights = [];
for (let day = 1; day <= 5; day++) nights.push({ day, price: 40 + ((day * 37) % 50) });
const lodging = nights.reduce((sum, night) => sum + night.price, 0);
console.log(`${nights.length} nights for ${lodging}`);

const transport = await signal("transport");
const total = lodging + 2 * transport.price;
console.log(`by ${transport.name}: ${total}`);
export default { by: transport.name, total };
