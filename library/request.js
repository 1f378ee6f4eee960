/* SPDX-License-Identifier: MIT */
/* request.js - Request, as in the Fetch Standard, for programs that have no
 * document: no cookies, no cache, no referrer, no forbidden headers.
 *
 * Beyond the standard: repeat, stream, largest and idle, see fetch.js. Others use
 * $.requests.of(request): its state. */
(function ($) {
  "use strict";

  $.load("body");
  const { bodies, defineInterface, uncurry } = $;
  const { AbortController, Headers, Object, RegExp, String, TypeError } =
    $.global;
  const exec = uncurry(RegExp.prototype.exec);
  const upper = uncurry(String.prototype.toUpperCase);
  const getHeader = uncurry(Headers.prototype.get);
  const setHeader = uncurry(Headers.prototype.set);

  let isRequest;
  let stateOf;

  const NORMAL = /^(?:delete|get|head|options|post|put)$/i;
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;
  const FORBIDDEN = /^(?:connect|trace|track)$/i;

  const methodFrom = (value) => {
    const method = "" + value;
    if (exec(TOKEN, method) === null)
      throw new TypeError("'" + method + "' is not a method");
    if (exec(FORBIDDEN, method) !== null)
      throw new TypeError("fetch cannot make a " + upper(method) + " request");
    return exec(NORMAL, method) === null ? method : upper(method);
  };

  /* An address that is in its normal form already, as far as that can be told
   * at a glance. Others need the extension url, which is large. */
  const SIMPLE = new RegExp(
    "^https?://" +
      "(?:(?!xn--)[a-z][a-z0-9-]*(?:\\.(?!xn--)[a-z][a-z0-9-]*)*" +
      "|127\\.0\\.0\\.1)" +
      "(?::(?!80/|443/)(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?" +
      "(?:/(?!\\.)[A-Za-z0-9_~!$&'()*+,;=:@.-]*)+" +
      "(?:\\?[A-Za-z0-9_~!$&()*+,;=:@/?.-]*)?$",
  );

  const urlFrom = (value) => {
    const text = "" + value;
    if (exec(SIMPLE, text) !== null) return text;
    const url = new $.global.URL(text);
    if (url.username !== "" || url.password !== "")
      throw new TypeError("a URL with a user name or password cannot be " +
        "fetched; send an Authorization header");
    return url.href;
  };

  const oneOf = (value, words, what) => {
    for (let i = 0; i < words.length; i++) if (value === words[i]) return value;
    throw new TypeError(what + ": '" + value + "' is none of " + words);
  };
  const REDIRECT = ["follow", "error", "manual"];

  const countOf = (value, what) => {
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !(value >= 0))
      throw new TypeError(what + ": expected a number from 0");
    return value;
  };

  const initOf = (init) => {
    if (init === undefined || init === null) return { __proto__: null };
    if (typeof init !== "object" && typeof init !== "function")
      throw new TypeError("expected an object with options");
    return init;
  };

  const signalFrom = (signal) => {
    if (signal === undefined || signal === null) return undefined;
    if (!$.signals.is(signal))
      throw new TypeError("signal: expected an AbortSignal");
    return signal;
  };

  const start = (input) =>
    isRequest(input)
      ? stateOf(input)
      : {
          __proto__: null,
          url: urlFrom(input),
          method: "GET",
          headers: undefined,
          body: bodies.none(),
          redirect: "follow",
          signal: undefined,
          repeat: false,
          stream: false,
          largest: undefined,
          idle: undefined,
        };

  const setBody = (state, base, value) => {
    const given = value !== undefined && value !== null;
    if ((given || value === undefined && !bodies.isNone(base.body)) &&
      (state.method === "GET" || state.method === "HEAD"))
      throw new TypeError("a " + state.method + " request has no body");
    if (!given) {
      state.body =
        value === undefined ? bodies.take(base.body) : bodies.none();
      return;
    }
    const { body, type } = bodies.from(value);
    state.body = body;
    if (type !== null && getHeader(state.headers, "content-type") === null)
      setHeader(state.headers, "content-type", type);
  };

  const make = (input, init) => {
    const base = start(input);
    const given = (name) =>
      init[name] === undefined ? base[name] : init[name];
    if (init.integrity !== undefined && init.integrity !== "")
      throw new TypeError("integrity: is not checked here; leave it out");
    const state = {
      __proto__: null,
      url: base.url,
      method: init.method === undefined
        ? base.method
        : methodFrom(init.method),
      headers: new Headers(
        init.headers === undefined ? base.headers : init.headers,
      ),
      body: undefined,
      redirect: oneOf(given("redirect"), REDIRECT, "redirect"),
      signal: signalFrom(init.signal === undefined ? base.signal : init.signal),
      repeat: given("repeat") === true,
      stream: given("stream") === true,
      largest: countOf(given("largest"), "largest"),
      idle: countOf(given("idle"), "idle"),
    };
    setBody(state, base, init.body);
    return state;
  };

  const secret = { __proto__: null };

  class Request {
    #state;

    static {
      isRequest = (value) =>
        typeof value === "object" && value !== null && #state in value;
      stateOf = (value) => {
        if (isRequest(value)) return value.#state;
        throw new TypeError("not a Request");
      };
    }

    constructor(input, init = undefined) {
      if (input === secret) {
        this.#state = init;
        return;
      }
      if (arguments.length === 0)
        throw new TypeError("a Request is made of a URL or another Request");
      this.#state = make(input, initOf(init));
    }

    get method() {
      return stateOf(this).method;
    }
    get url() {
      return stateOf(this).url;
    }
    get headers() {
      return stateOf(this).headers;
    }
    get redirect() {
      return stateOf(this).redirect;
    }
    /* One that is never aborted, if there is none. */
    get signal() {
      const state = stateOf(this);
      if (state.signal === undefined)
        state.signal = new AbortController().signal;
      return state.signal;
    }
    get duplex() {
      return "half";
    }
    get repeat() {
      return stateOf(this).repeat;
    }

    clone() {
      const state = stateOf(this);
      return new Request(secret, { __proto__: null, ...state,
        headers: new Headers(state.headers), body: bodies.clone(state.body) });
    }
  }

  bodies.mix(
    Request,
    (request) => stateOf(request).body,
    (request) => getHeader(stateOf(request).headers, "content-type"),
    (request) => stateOf(request).largest,
  );
  defineInterface(Request);

  $.requests = { __proto__: null, initOf, is: isRequest, of: stateOf, urlFrom };
})
