/* SPDX-License-Identifier: MIT */
/* http2.mjs - a server that speaks HTTP/2, for tests: node http2.mjs FOLDER,
 * where the certificate lies. Prints its port; ends with its standard input. */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const folder = process.argv[2];
const server = createSecureServer({
  key: readFileSync(`${folder}/key.pem`),
  cert: readFileSync(`${folder}/certificate.pem`),
  maxSessionMemory: 1000, // megabytes: bodies that nobody reads yet
});
server.on("request", (request, response) => {
  let size = 0;
  request.on("data", (data) => size += data.length);
  request.on("end", () => {
    response.setHeader("x-version", request.httpVersion);
    response.setHeader("x-got", size);
    response.end(request.url === "/big" ? Buffer.alloc(2e6) : "small");
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
