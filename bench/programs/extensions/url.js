/* SPDX-License-Identifier: MIT */
/* url.js - parsing 10,000 addresses, of all lengths and kinds that programs
 * meet. */
const hosts = [
  "example.com",
  "www.news-site.co.uk",
  "api.shop.example:8443",
  "192.168.0.17",
  "[2001:db8::1]",
  "m\u00fcnchen.example",
  "localhost:3000",
  "cdn.assets.example.net",
  "user:secret@files.example.org",
];
const paths = [
  "/",
  "/index.html",
  "/a/b/../c/./d",
  "/search",
  "/img/photo 1.jpg",
  "/wiki/Caf%C3%A9",
  "/v2/users/12345/orders",
  "/\u65e5\u672c\u8a9e/page",
];
const queries = [
  "",
  "?q=torpor&lang=en",
  "?utm_source=mail&utm_medium=x&id=9f8e7d",
  "?filter[name]=a b&sort=-date",
  "?url=https%3A%2F%2Fexample.com%2F",
];
const hashes = ["", "#top", "#section-2.1", "#/route?x=1"];
const addresses = [];
for (let i = 0; i < 10000; i++) {
  const scheme = i % 7 === 0 ? "http" : "https";
  const pick = (list, n) => list[(i * n) % list.length];
  addresses.push(
    `${scheme}://${pick(hosts, 5)}${pick(paths, 3)}${i % 97}` +
      `${pick(queries, 7)}${pick(hashes, 11)}`,
  );
}
(function () {
  let length = 0;
  for (const address of addresses) length += new URL(address).href.length;
  globalThis.answer = String(length);
});
