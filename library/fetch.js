/* SPDX-License-Identifier: MIT */
/* fetch.js - the global fetch: an operation of kind "fetch", so that a request
 * under way sleeps with the program.
 *
 *   fetch(input, init)      a promise of a Response
 *
 * In 'init', beyond the standard:
 *
 *   repeat    true: may be made again if the program slept meanwhile, or its
 *             worker died, whatever its method
 *   stream    true: a durable run gets the response when its head has come
 *   largest   most bytes that text() and the like collect
 *   idle      most milliseconds without a byte
 *
 * The request, the answer: loop/fetch/fetch-request.h, fetch.c. A host may also
 * have a driver of its own, which answers with all of the body.
 *
 *  (1) A number for the body's descriptor is used by one request, and
 *      forgotten when there is none.
 *  (2) A source whose descriptor may be open is in 'registry': when nobody can
 *      read it any more, it is closed. */
(function ($) {
  "use strict";

  $.load("descriptor");
  $.load("request");
  $.load("response");
  const { bodies, classOf, define, descriptors, push, requests, responses,
    signals, uncurry } = $;
  const { Error, FinalizationRegistry, Headers, Promise, TypeError,
    Uint8Array } = $.global;
  const then = uncurry(Promise.prototype.then);
  const append = uncurry(Headers.prototype.append);
  const eachHeader = uncurry(Headers.prototype.forEach);
  const setCookies = uncurry(Headers.prototype.getSetCookie);
  const watch = uncurry(FinalizationRegistry.prototype.register);
  const unwatch = uncurry(FinalizationRegistry.prototype.unregister);

  const CHUNK = 262144;
  const ignore = () => undefined;
  const quietly = (promise) => then(promise, ignore, ignore);
  const closeQuietly = (fd) => quietly(descriptors.close(fd));
  const registry = new FinalizationRegistry(closeQuietly);

  /* ---- The body of a response ---- */

  /* A source of what descriptor 'fd' gives, until 'signal' is aborted. */
  const sourceOf = (fd, signal) => {
    const state = { __proto__: null, open: true, failed: false,
      reason: undefined };
    const source = { __proto__: null };
    const end = () => {
      if (!state.open) return;
      state.open = false;
      unwatch(registry, state);
      if (signal !== undefined) signals.remove(signal, stop);
      closeQuietly(fd);
    };
    const stop = (reason) => {
      state.failed = true;
      state.reason = reason;
      end();
    };
    const arrived = (chunk) => {
      if (chunk === null) end();
      return chunk;
    };
    const broke = (error) => {
      const cause = state.failed ? state.reason : error;
      end();
      throw cause;
    };
    source.read = () => {
      if (state.failed)
        return new Promise((resolve, reject) => reject(state.reason));
      if (!state.open) return new Promise((resolve) => resolve(null));
      return then(descriptors.read(fd, CHUNK), arrived, broke);
    };
    source.cancel = () => {
      end();
    };
    if (signal !== undefined) signals.add(signal, stop);
    watch(registry, source, fd, state);
    return source;
  };

  const headersOf = (pairs) => {
    const headers = new Headers();
    for (let i = 0; i < pairs.length; i++)
      append(headers, pairs[i][0], pairs[i][1]);
    return headers;
  };

  const isBytes = (value) =>
    typeof value === "object" && value !== null &&
    classOf(value) === "Uint8Array";

  const bodyOf = (request, fd, answer) => {
    if (isBytes(answer.body))
      return request.method === "HEAD" || responses.isBodiless(answer.status)
        ? bodies.none()
        : bodies.ofBytes(answer.body);
    return bodies.ofSource(sourceOf(fd, request.signal));
  };

  const responseOf = (request, fd, answer) =>
    responses.make({
      type: "basic",
      url: answer.url,
      redirected: answer.redirected === true,
      status: answer.status,
      statusText: answer.statusText,
      headers: headersOf(answer.headers),
      body: bodyOf(request, fd, answer),
      largest: request.largest,
    });

  /* ---- The body of a request ---- */

  /* Writes all of a stream to descriptor 'fd'. 'fail' is called when the stream
   * does not give it. */
  const upload = async (stream, fd, fail) => {
    const reader = $.readable.reader(stream);
    for (;;) {
      let chunk;
      try {
        chunk = await reader.read();
        if (!chunk.done && !isBytes(chunk.value))
          throw new TypeError("a stream that is a body gives Uint8Arrays");
      } catch (error) {
        fail(error);
        quietly(reader.cancel(error));
        return closeQuietly(fd);
      }
      try {
        if (chunk.done) {
          await descriptors.end(fd);
          return closeQuietly(fd);
        }
        await descriptors.write(fd, own(chunk.value));
      } catch (error) {
        quietly(reader.cancel(error));
        return closeQuietly(fd);
      }
    }
  };

  /* Bytes of which nothing more than they travels. */
  const copy = uncurry(Uint8Array.prototype.slice);
  const own = (bytes) =>
    bytes.length === bytes.buffer.byteLength ? bytes : copy(bytes);

  /* ---- fetch ---- */

  const HEX = "0123456789abcdef";
  const nonce = () => {
    const bytes = new Uint8Array(16);
    $.random(bytes);
    let text = "";
    for (let i = 0; i < 16; i++)
      text += HEX[bytes[i] >> 4] + HEX[bytes[i] & 15];
    return text;
  };

  const pairsOf = (headers) => {
    const pairs = [];
    eachHeader(headers, (value, name) => {
      if (name !== "set-cookie") push(pairs, [name, value]);
    });
    const cookies = setCookies(headers);
    for (let i = 0; i < cookies.length; i++)
      push(pairs, ["set-cookie", cookies[i]]);
    return pairs;
  };

  const lost = (request, error) => {
    const { code, message, name } = error;
    if (name !== "LostError") return error;
    const told = new Error(request.method + " " + request.url + ": " + message +
      (bodies.isNone(request.body) || request.uploads === undefined
        ? "; { repeat: true } lets fetch repeat it"
        : "; its body is a stream, which cannot be repeated"));
    define(told, "name", name);
    define(told, "code", code);
    return told;
  };

  const perform = (request) => new Promise((resolve, reject) => {
    const { body, signal } = request;
    const fd = descriptors.number();
    const given = {
      url: request.url,
      method: request.method,
      headers: pairsOf(request.headers),
      redirect: request.redirect,
      repeat: request.repeat,
      stream: request.stream,
      idle: request.idle,
      nonce: nonce(),
      fd,
    };
    let pending = true;
    const done = () => {
      pending = false;
      if (signal !== undefined) signals.remove(signal, stop);
    };
    const stop = (reason) => {
      if (!pending) return;
      done();
      reject(reason);
      if ($.cancel(id)) descriptors.release(fd);
      else closeQuietly(fd);
    };
    const arrived = (answer) => {
      if (!pending) {
        closeQuietly(fd);
        return;
      }
      done();
      if (isBytes(answer.body)) descriptors.release(fd);
      try {
        resolve(responseOf(request, fd, answer));
      } catch (error) {
        closeQuietly(fd);
        reject(error);
      }
    };
    const failed = (error) => {
      if (!pending) return;
      done();
      descriptors.release(fd);
      reject(lost(request, error));
    };
    if (body.kind === "bytes" && body.stream === undefined) {
      given.body = own(body.value);
    } else if (!bodies.isNone(body)) {
      given.upload = descriptors.number();
    }
    const id = $.begin("fetch", given, 0, arrived, failed);
    if (signal !== undefined) signals.add(signal, stop);
    if (given.upload === undefined) return;
    request.uploads = given.upload;
    quietly(upload(bodies.stream(body), given.upload, stop));
  });

  /* ---- data: ---- */

  const dataOf = (request) => {
    const found = exec(/^data:([^,]*?)(;\s*base64)?\s*,([^#]*)/i, request.url);
    if (found === null || request.method !== "GET")
      throw new TypeError("fetching a data: URL that is none, or not by GET");
    const raw = percentDecode(found[3]);
    const bytes = found[2] === undefined ? raw : fromBase64(raw);
    const type = found[1] === "" || found[1][0] === ";"
      ? "text/plain" + (found[1] === "" ? ";charset=US-ASCII" : found[1])
      : found[1];
    return responses.make({ type: "basic", url: request.url, status: 200,
      statusText: "OK", headers: headersOf([["content-type", type]]),
      body: bodies.ofBytes(bytes), largest: request.largest });
  };

  const { RegExp, String } = $.global;
  const exec = uncurry(RegExp.prototype.exec);
  const charCode = uncurry(String.prototype.charCodeAt);
  const hex = (code) =>
    code >= 48 && code <= 57
      ? code - 48
      : (code | 32) >= 97 && (code | 32) <= 102 ? (code | 32) - 87 : -1;

  const percentDecode = (text) => {
    const given = $.bytes(text);
    const bytes = new Uint8Array(given.length);
    let size = 0;
    for (let i = 0; i < given.length; i++) {
      const high = given[i] === 37 ? hex(given[i + 1]) : -1;
      const low = high < 0 ? -1 : hex(given[i + 2]);
      bytes[size++] = low < 0 ? given[i] : high * 16 + low;
      if (low >= 0) i += 2;
    }
    return copy(bytes, 0, size);
  };

  const digit = (code) =>
    code >= 65 && code <= 90
      ? code - 65
      : code >= 97 && code <= 122
        ? code - 71
        : code >= 48 && code <= 57
          ? code + 4
          : code === 43 ? 62 : code === 47 ? 63 : -1;

  const fromBase64 = (text) => {
    const bytes = new Uint8Array(text.length);
    let size = 0;
    let bits = 0;
    let count = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text[i];
      if (code === 32 || code >= 9 && code <= 13 || code === 61) continue;
      const value = digit(code);
      if (value < 0) throw new TypeError("that is no base64");
      bits = (bits << 6 | value) & 0xffff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes[size++] = bits >> count & 255;
    }
    return copy(bytes, 0, size);
  };

  const { Request } = $.global;
  const fetch = (input, init = undefined) => $.promised(() => {
    const request = requests.of(new Request(input, init));
    const { signal } = request;
    if (signal !== undefined) signals.throwIfAborted(signal);
    if (exec(/^data:/, request.url) !== null) return dataOf(request);
    return perform(request);
  });

  define(fetch, "name", "fetch");
  $.defineGlobal("fetch", fetch);
})
