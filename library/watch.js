/* SPDX-License-Identifier: MIT */
/* watch.js - $.watch, for torpor:fs: an async iterator of what changes in a
 * folder, or a file.
 *
 * After waking it watches anew, and says so by an event "missed". */
(function ($) {
  "use strict";

  $.load("descriptor");
  $.load("lost");
  const { descriptors, fs, lost, signalOf, uncurry, wait } = $;
  const { Error, Promise } = $.global;
  const then = uncurry(Promise.prototype.then);

  const event = (kind, name, path) => ({
    kind,
    name,
    path: name === "" ? path : path + "/" + name,
  });

  /* Watches anew; false: what was watched is gone. */
  const rearm = async (state) => {
    descriptors.release(state.fd);
    state.fd = descriptors.number();
    try {
      await wait("watch", { fd: state.fd, path: state.path }, 0, state.signal);
      return true;
    } catch (error) {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    }
  };

  /* The next events, as in loop/files/watcher.c. */
  const nextEvents = async (state) => {
    try {
      return await descriptors.next(state.fd, state.signal);
    } catch (error) {
      if (!lost.is(error)) throw error;
    }
    return await rearm(state) ? ["missed", ""] : ["missed", "", "gone", ""];
  };

  async function* events(state) {
    try {
      await state.started;
      for (;;) {
        const found = await nextEvents(state);
        for (let i = 0; i < found.length; i += 2) {
          yield event(found[i], found[i + 1], state.path);
          if (found[i] === "gone") return;
        }
      }
    } finally {
      await descriptors.close(state.fd);
    }
  }

  $.watch = (path, options = undefined) => {
    fs.checkPath(path, "watch");
    if (options !== undefined && options.recursive) {
      const error = new Error(
        "watch: 'recursive' is not there on Linux; watch each folder",
      );
      error.code = "ENOTSUP";
      throw error;
    }
    const signal = signalOf(options);
    const fd = descriptors.number();
    const started = wait("watch", { fd, path }, 0, signal);
    then(started, undefined, () => undefined); /* the iterator says it */
    descriptors.opened(fd, started);
    return events({ __proto__: null, fd, path, signal, started });
  };
})
