/* SPDX-License-Identifier: MIT */
/* response.js - Response, as in the Fetch Standard.
 *
 * Others use $.responses.make(state): a Response of what a server answered. */
(function ($) {
  "use strict";

  $.load("body");
  const { bodies, defineInterface, uncurry } = $;
  const { Headers, JSON, RangeError, RegExp, TypeError } = $.global;
  const { stringify } = JSON;
  const exec = uncurry(RegExp.prototype.exec);
  const getHeader = uncurry(Headers.prototype.get);
  const setHeader = uncurry(Headers.prototype.set);

  const secret = { __proto__: null };
  let stateOf;

  const isBodiless = (status) =>
    status === 101 || status === 103 || status === 204 || status === 205 ||
    status === 304;

  const initOf = (init) => {
    if (init === undefined || init === null) return { __proto__: null };
    if (typeof init !== "object" && typeof init !== "function")
      throw new TypeError("expected an object with options");
    return init;
  };

  const statusFrom = (value) => {
    if (value === undefined) return 200;
    const status = +value;
    if (!(status >= 200 && status <= 599) || status !== status >>> 0)
      throw new RangeError("the status of a response is from 200 to 599");
    return status;
  };

  const statusTextFrom = (value) => {
    const text = value === undefined ? "" : "" + value;
    if (exec(/^[\t\x20-\x7e\x80-\xff]*$/, text) === null)
      throw new TypeError("statusText has a character that it must not have");
    return text;
  };

  const newState = (more) => ({
    __proto__: null,
    type: "default",
    url: "",
    redirected: false,
    status: 200,
    statusText: "",
    headers: undefined,
    body: undefined,
    largest: undefined,
    ...more,
  });

  /* A state with what programs give as a body, and its type. */
  const fill = (init, value, typed) => {
    const state = newState({
      status: statusFrom(init.status),
      statusText: statusTextFrom(init.statusText),
      headers: new Headers(init.headers),
    });
    const { body, type } = bodies.from(value);
    if (!bodies.isNone(body) && isBodiless(state.status))
      throw new TypeError("a response with status " + state.status +
        " has no body");
    state.body = body;
    const content = typed === undefined ? type : typed;
    if (content !== null && getHeader(state.headers, "content-type") === null)
      setHeader(state.headers, "content-type", content);
    return state;
  };

  class Response {
    #state;

    static {
      stateOf = (value) => {
        if (typeof value === "object" && value !== null && #state in value)
          return value.#state;
        throw new TypeError("not a Response");
      };
    }

    constructor(body = null, init = undefined) {
      this.#state = body === secret ? init : fill(initOf(init), body, undefined);
    }

    static error() {
      return make({ type: "error", status: 0, headers: new Headers(),
        body: bodies.none() });
    }

    static redirect(url, status = 302) {
      const { href } = new $.global.URL("" + url);
      const code = +status;
      if (code !== 301 && code !== 302 && code !== 303 && code !== 307 &&
        code !== 308)
        throw new RangeError("the status of a redirect is 301, 302, 303, 307 " +
          "or 308");
      const headers = new Headers();
      setHeader(headers, "location", href);
      return make({ status: code, headers, body: bodies.none() });
    }

    static json(data, init = undefined) {
      const text = stringify(data);
      if (text === undefined) throw new TypeError("that has no JSON");
      return new Response(secret,
        fill(initOf(init), text, "application/json"));
    }

    get type() {
      return stateOf(this).type;
    }
    get url() {
      return stateOf(this).url;
    }
    get redirected() {
      return stateOf(this).redirected;
    }
    get status() {
      return stateOf(this).status;
    }
    get ok() {
      const { status } = stateOf(this);
      return status >= 200 && status <= 299;
    }
    get statusText() {
      return stateOf(this).statusText;
    }
    get headers() {
      return stateOf(this).headers;
    }

    clone() {
      const state = stateOf(this);
      return new Response(secret, newState({ ...state,
        headers: new Headers(state.headers),
        body: bodies.clone(state.body) }));
    }
  }

  const make = (state) => new Response(secret, newState(state));

  bodies.mix(
    Response,
    (response) => stateOf(response).body,
    (response) => getHeader(stateOf(response).headers, "content-type"),
    (response) => stateOf(response).largest,
  );
  defineInterface(Response);

  $.responses = { __proto__: null, isBodiless, make };
})
