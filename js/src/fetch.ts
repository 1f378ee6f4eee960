// SPDX-License-Identifier: MIT
//
// fetch.ts - `fetch` for programs: an operation, so that a request that is under
// way sleeps with the program, and its answer comes to whoever woke it.
//
// The request and the answer are data: { url, method, headers, body, repeat } and
// { url, status, statusText, headers, body }. A request that was under way when
// the program went to sleep is made again only if that does no harm: with a method
// that is safe by RFC 9110, or when the program says `repeat: true`. Others are
// rejected with an error that says so.

import type { Driver } from "./driver.js";
import { MisuseError } from "./errors.js";
import type { Operation } from "./operation.js";
import type { QuickJS } from "./vm.js";

/** The name by which the guest's fetch knows its host function. */
const NAME = "torpor-vm.fetch";
const KIND = "fetch";
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

interface FetchRequest {
  url: string;
  method: string;
  headers: [string, string][];
  body: string | Uint8Array | undefined;
  repeat: boolean;
}

/** What `fetchDriver` may reach. */
export interface FetchOptions {
  /** Performs requests; the host's `fetch` if left out. */
  fetch?: typeof globalThis.fetch;
  /** Whether a program may reach this URL; all if left out. */
  allow?: (url: URL) => boolean;
}

/**
 * Performs the requests of programs that `defineFetch` gave a `fetch`.
 *
 * ```js
 * using vm = await QuickJS.create({
 *   drivers: { fetch: fetchDriver({ allow: (url) => url.hostname === "example.com" }) },
 * });
 * defineFetch(vm);
 * ```
 */
export function fetchDriver(options: FetchOptions = {}): Driver {
  const { fetch = globalThis.fetch, allow = () => true } = options;
  if (typeof fetch !== "function" || typeof allow !== "function") {
    throw new MisuseError("fetchDriver takes { fetch, allow }, two functions");
  }
  return (operation, settle) => {
    const stop = new AbortController();
    perform(operation, fetch, allow, stop.signal).then(
      (value) => settle({ value }),
      (error: unknown) => settle({ error }),
    );
    return () => stop.abort();
  };
}

async function perform(
  operation: Operation,
  fetch: typeof globalThis.fetch,
  allow: (url: URL) => boolean,
  signal: AbortSignal,
): Promise<unknown> {
  const { url, method, headers, body, repeat } = takeRequest(operation.request);
  if (operation.resumed && !repeat && !SAFE.has(method)) {
    throw new Error(
      `${method} ${url} was under way when the program went to sleep and is not repeated; fetch with repeat: true allows that`,
    );
  }
  if (!allow(new URL(url))) throw new Error(`this program may not reach ${url}`);
  const init: RequestInit = { method, headers, signal };
  if (body !== undefined) init.body = body as BodyInit;
  const answer = await fetch(url, init);
  return {
    url: answer.url,
    status: answer.status,
    statusText: answer.statusText,
    headers: [...answer.headers],
    body: new Uint8Array(await answer.arrayBuffer()),
  };
}

/** The request as the guest wrote it, which may be anything. */
function takeRequest(given: unknown): FetchRequest {
  const { url, method, headers, body, repeat } = (given ?? {}) as Record<string, unknown>;
  const isBody = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  if (typeof url !== "string" || !URL.canParse(url) || !isBody) {
    throw new TypeError("fetch takes an absolute URL, and a body that is a string or bytes");
  }
  return {
    url,
    method: typeof method === "string" ? method.toUpperCase() : "GET",
    headers: Array.isArray(headers)
      ? headers.map((pair: unknown[]) => [String(pair[0]), String(pair[1])])
      : [],
    body: body as string | Uint8Array | undefined,
    repeat: repeat === true,
  };
}

/**
 * Gives the program a global `fetch`, unless it has one, and binds what that calls. After a
 * restore call it again. Its responses have `ok`, `status`, `statusText`, `url`, `headers` (a Map
 * of names in lower case), `text()`, `json()`, `bytes()` and `arrayBuffer()`.
 * @example defineFetch(vm), vm.evalCode("typeof fetch").toString() // "function"
 */
export function defineFetch(vm: QuickJS): void {
  vm.registerHostCallback(NAME, (request) => vm.beginOperation(KIND, request).promise);
  if (vm.global.hasOwnProperty("fetch")) return;
  const begin = vm.newFunction(NAME, (request) => vm.beginOperation(KIND, request).promise);
  const make = vm.unwrapResult(vm.evalCode(GUEST, "torpor-vm:fetch"));
  const fetch = vm.unwrapResult(vm.callFunction(make, vm.undefined, begin));
  vm.defineProp(vm.global, "fetch", fetch, { writable: true, configurable: true });
  for (const handle of [begin, make, fetch]) handle.dispose();
}

const GUEST = String.raw`((begin) => {
  "use strict";
  const { ArrayBuffer, Error, Map, Promise, String, Symbol, TypeError, Uint8Array } = globalThis;
  const { parse } = JSON;
  const { fromCharCode, fromCodePoint } = String;

  // UTF-8 as the Encoding Standard decodes it: what is no character becomes U+FFFD.
  const decode = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length;) {
      const first = bytes[i++];
      if (first < 0x80) {
        text += fromCharCode(first);
        continue;
      }
      let more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2
        : first >= 0xf0 && first < 0xf5 ? 3 : 0;
      if (more === 0) {
        text += "\ufffd";
        continue;
      }
      let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      let point = first & (0x3f >> more);
      for (; more > 0 && i < bytes.length && bytes[i] >= low && bytes[i] <= high; more--) {
        point = point << 6 | bytes[i++] & 0x3f;
        low = 0x80;
        high = 0xbf;
      }
      text += more > 0 ? "\ufffd" : fromCodePoint(point);
    }
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  };

  class Response {
    #body;
    #used = false;
    constructor({ url, status, statusText, headers, body }) {
      this.url = url;
      this.status = status;
      this.statusText = statusText;
      this.ok = status >= 200 && status < 300;
      this.headers = new Map(headers);
      this.#body = body;
    }
    get bodyUsed() { return this.#used; }
    async bytes() {
      if (this.#used) throw new TypeError("the body was read already");
      this.#used = true;
      return this.#body;
    }
    async arrayBuffer() {
      const bytes = await this.bytes();
      return bytes.slice().buffer;
    }
    async text() { return decode(await this.bytes()); }
    async json() { return parse(await this.text()); }
  }

  const pairs = (headers) => headers == null ? []
    : typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);

  const bodyOf = (body) => body == null ? undefined
    : body instanceof ArrayBuffer ? new Uint8Array(body)
    : ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    : String(body);

  return async function fetch(url, { method = "GET", headers, body, repeat = false } = {}) {
    return new Response(await begin({
      url: String(url),
      method: String(method),
      headers: pairs(headers).map(([name, value]) => [String(name), String(value)]),
      body: bodyOf(body),
      repeat: repeat === true,
    }));
  };
})`;
