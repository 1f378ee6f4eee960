/* SPDX-License-Identifier: MIT */
/* web.mjs - a server for the benches of fetch: 1,000 bytes for whoever asks.
 * Prints its address, and ends with its standard input. */
import { createServer } from "node:http";

const body = Buffer.alloc(1000, "x");
const server = createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end(body);
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () =>
  console.log(`http://127.0.0.1:${server.address().port}/`));
process.stdin.on("end", () => process.exit(0)).resume();
