/* SPDX-License-Identifier: MIT */
/* fs.js - module torpor:fs, files and folders. docs/modules/fs.md is its
 * reference.
 *
 * Each function is one operation of the host, or several for what is large.
 * This file needs no other of the library until open() or watch() is called,
 * whose files come then: hosts in JavaScript have this one alone.
 *
 *   readFile(path, "utf8" | { encoding, signal })  a promise of a Uint8Array,
 *                                                  or of a string
 *   writeFile(path, string | Uint8Array, { signal })  a promise of nothing
 *
 * are operations of kind "file-read", requested as { path }, which gives bytes,
 * and "file-write", requested as { path, data } with bytes. Text is UTF-8; what
 * is not becomes U+FFFD. Aborting cancels the operation. */
(function ($) {
  "use strict";

  const { promised, push, signalOf, uncurry, wait } = $;
  const { Date, Promise, TypeError } = $.global;
  const then = uncurry(Promise.prototype.then);
  const getTime = uncurry(Date.prototype.getTime);

  const nothing = () => undefined;

  const checkPath = (path, what) => {
    if (typeof path !== "string" || path === "")
      throw new TypeError(what + ": expected the path of a file");
    return path;
  };

  /* True when text is wanted, false when bytes are. */
  const wantsText = (encoding) => {
    if (encoding === undefined || encoding === null) return false;
    if (encoding === "utf8" || encoding === "utf-8") return true;
    throw new TypeError('readFile: the only encoding is "utf8"');
  };

  const bytesOf = (data, what) => {
    if (typeof data === "string") return $.bytes(data);
    if (typeof data === "object" && $.classOf(data) === "Uint8Array")
      return data;
    throw new TypeError(what + ": expected a string or a Uint8Array");
  };

  /* A promise of what an operation gives, made of it by 'convert'. */
  const ask = (kind, request, options, convert) =>
    wait(kind, request, 0, signalOf(options), convert);

  /* ---- Whole files ---- */

  const readFile = (path, options = undefined) =>
    promised(() => {
      checkPath(path, "readFile");
      const { encoding, signal } =
        typeof options === "string" || options === undefined
          ? { __proto__: null, encoding: options }
          : { __proto__: null, encoding: options.encoding,
              signal: signalOf(options) };
      const convert = wantsText(encoding) ? $.text : undefined;
      return wait("file-read", { path }, 0, signal, convert);
    });

  const writeFile = (path, data, options = undefined) =>
    promised(() => {
      checkPath(path, "writeFile");
      const request = { path, data: bytesOf(data, "writeFile") };
      return ask("file-write", request, options, nothing);
    });

  const appendFile = (path, data, options = {}) =>
    promised(() => {
      checkPath(path, "appendFile");
      const bytes = bytesOf(data, "appendFile");
      const request = { path, data: bytes, mode: options.mode };
      return ask("file-append", request, options, nothing);
    });

  const copyFile = (from, to, options = undefined) =>
    promised(() => {
      const request = {
        path: checkPath(from, "copyFile"),
        to: checkPath(to, "copyFile"),
      };
      return ask("file-copy", request, options, nothing);
    });

  /* ---- Looking ---- */

  const kindsOf = (kind) => ({
    kind,
    isFile: kind === "file",
    isDirectory: kind === "directory",
    isSymlink: kind === "symlink",
  });

  const statOf = (found) => ({
    ...kindsOf(found.kind),
    size: found.size,
    mode: found.mode,
    uid: found.uid,
    gid: found.gid,
    nlink: found.links,
    ino: found.inode,
    dev: found.device,
    atimeMs: found.accessed,
    mtimeMs: found.modified,
    ctimeMs: found.changed,
    birthtimeMs: found.created,
  });

  const stat = (path) =>
    promised(() =>
      ask("file-stat", { path: checkPath(path, "stat") }, undefined, statOf));

  const lstat = (path) =>
    promised(() => {
      const request = { path: checkPath(path, "lstat"), link: true };
      return ask("file-stat", request, undefined, statOf);
    });

  const exists = (path) =>
    promised(() => {
      const request = { path: checkPath(path, "exists") };
      const there = wait("file-stat", request, 0, undefined, () => true);
      return then(there, undefined, (error) => {
        if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
        throw error;
      });
    });

  const readLink = (path) =>
    promised(() => wait("file-read-link", { path: checkPath(path, "readLink") }, 0));

  const realPath = (path) =>
    promised(() => wait("file-real-path", { path: checkPath(path, "realPath") }, 0));

  /* ---- Folders ---- */

  /* A part of a folder: { entries, more, after }. */
  const listPart = (path, after, largest, signal) =>
    wait("file-list", { path, after, largest }, 0, signal, (part) => {
      const entries = [];
      const { length } = part.entries;
      for (let i = 0; i < length; i += 2)
        push(entries, {
          name: part.entries[i],
          ...kindsOf(part.entries[i + 1]),
        });
      return {
        __proto__: null,
        entries,
        more: part.more,
        after: length === 0 ? after : part.entries[length - 2],
      };
    });

  const readAll = async (path, signal) => {
    let part = await listPart(path, undefined, 10000, signal);
    const all = part.entries;
    while (part.more) {
      part = await listPart(path, part.after, 10000, signal);
      for (let i = 0; i < part.entries.length; i++) push(all, part.entries[i]);
    }
    return all;
  };

  const readDir = (path, options = undefined) =>
    promised(() => readAll(checkPath(path, "readDir"), signalOf(options)));

  async function* eachEntry(path, signal) {
    let after;
    for (;;) {
      const part = await listPart(path, after, 1000, signal);
      for (let i = 0; i < part.entries.length; i++) yield part.entries[i];
      if (!part.more) return;
      ({ after } = part);
    }
  }

  const iterateDir = (path, options = undefined) =>
    eachEntry(checkPath(path, "iterateDir"), signalOf(options));

  const mkdir = (path, options = {}) =>
    promised(() => {
      const request = {
        path: checkPath(path, "mkdir"),
        recursive: options.recursive === true,
        mode: options.mode,
      };
      return ask("file-make-folder", request, undefined, nothing);
    });

  const makeTempDir = (options = {}) =>
    promised(() => {
      const request = {
        path: options.dir === undefined
          ? undefined
          : checkPath(options.dir, "makeTempDir"),
        prefix: options.prefix === undefined ? undefined : "" + options.prefix,
      };
      return wait("file-make-temporary", request, 0);
    });

  /* ---- Changing ---- */

  const remove = (path, options = {}) =>
    promised(() => {
      const request = {
        path: checkPath(path, "remove"),
        recursive: options.recursive === true,
        force: options.force === true,
      };
      return ask("file-remove", request, options, nothing);
    });

  /* Of two paths. */
  const pair = (kind, what) => (path, to) =>
    promised(() => {
      const request = { path: checkPath(path, what), to: checkPath(to, what) };
      return ask(kind, request, undefined, nothing);
    });

  const symlink = (target, path) =>
    promised(() => {
      const request = {
        target: checkPath(target, "symlink"),
        path: checkPath(path, "symlink"),
      };
      return ask("file-symlink", request, undefined, nothing);
    });

  const chmod = (path, mode) =>
    promised(() => {
      if (typeof mode !== "number" || !(mode >= 0 && mode <= 0o777))
        throw new TypeError("chmod: the mode is a number from 0 to 0o777");
      const request = { path: checkPath(path, "chmod"), mode };
      return ask("file-mode", request, undefined, nothing);
    });

  const timeOf = (time) => {
    const ms = typeof time === "number" ? time : getTime(time);
    if (ms === ms) return ms;
    throw new TypeError("utimes: a time is a Date, or milliseconds");
  };

  const utimes = (path, accessed, modified) =>
    promised(() => {
      const request = {
        path: checkPath(path, "utimes"),
        accessed: timeOf(accessed),
        modified: timeOf(modified),
      };
      return ask("file-times", request, undefined, nothing);
    });

  /* ---- What stays open ---- */

  $.fs = { __proto__: null, bytesOf, checkPath, statOf };

  const open = (path, mode = "r", options = {}) =>
    promised(() => {
      $.load("open-file");
      return $.openFile(path, mode, options);
    });

  const watch = (path, options = undefined) => {
    $.load("watch");
    return $.watch(path, options);
  };

  $.module("fs", {
    appendFile,
    chmod,
    copyFile,
    exists,
    iterateDir,
    link: pair("file-link", "link"),
    lstat,
    makeTempDir,
    mkdir,
    open,
    readDir,
    readFile,
    readLink,
    realPath,
    remove,
    rename: pair("file-rename", "rename"),
    stat,
    symlink,
    utimes,
    watch,
    writeFile,
  });
})
