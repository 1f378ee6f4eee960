/* SPDX-License-Identifier: MIT */
/* process.js - module torpor:process, programs that run outside.
 *
 *   open(command, mode)          runs a command of the shell: a descriptor, to
 *                                read its output ("r") or write its input ("w")
 *   close(fd)                    ends the stream: a promise of the exit status
 *   spawn(file, args, options)   runs a program: a Process
 *   exec(file, args, options)    the same: a promise of all it has put out
 *   exec(command, options)       a command of the shell
 *
 * An exit status is a number: the code, or 128 plus the number of the signal
 * that ended it, as shells say it. */
(function ($) {
  "use strict";

  $.load("stream");
  const { descriptors, list, push, signalOf, streams, uncurry, wait } = $;
  const { Array, DOMException, Map, Object, Promise, RangeError, Symbol,
    TypeError } = $.global;
  const { isArray } = Array;
  const all = uncurry(Promise.all);
  const then = uncurry(Promise.prototype.then);
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const { keys } = Object;

  const ignore = () => undefined;

  /* Numbers of the signals that processes are sent and end with, of Linux. */
  const SIGNALS = {
    __proto__: null,
    SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6,
    SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12,
    SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGCONT: 18,
    SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGWINCH: 28,
  };
  const signalName = (number) => {
    for (const name in SIGNALS) if (SIGNALS[name] === number) return name;
    return number === 0 ? null : "SIG" + number;
  };
  const signalNumber = (signal) => {
    const number = typeof signal === "number" ? signal : SIGNALS[signal];
    if (number === undefined)
      throw new TypeError("'" + signal + "' is not the name of a signal");
    return number;
  };

  /* ---- Starting ---- */

  const text = (value, what) => {
    if (typeof value !== "string" || value === "")
      throw new TypeError(what + ": expected a text that is not empty");
    return value;
  };

  const argsOf = (args) => {
    if (!isArray(args))
      throw new TypeError("the arguments of a program are an array of texts");
    const copy = [];
    for (let i = 0; i < args.length; i++) push(copy, "" + args[i]);
    return copy;
  };

  /* Variables as "NAME=value". */
  const environmentOf = (env) => {
    if (env === undefined) return undefined;
    if (typeof env !== "object" || env === null)
      throw new TypeError("env: expected an object of texts");
    const variables = [];
    const names = keys(env);
    for (let i = 0; i < names.length; i++)
      if (env[names[i]] !== undefined)
        push(variables, names[i] + "=" + env[names[i]]);
    return variables;
  };

  /* What a process gets as one of its streams, and the number of a new pipe. */
  const streamOf = (given, otherwise, what) => {
    const value = given === undefined ? otherwise : given;
    if (value === "pipe") {
      const fd = descriptors.number();
      return { __proto__: null, request: fd, fd };
    }
    if (value === "null" || value === "inherit" || value === "default")
      return { __proto__: null, request: value };
    if (typeof value === "number")
      return { __proto__: null, request: { fd: value } };
    throw new TypeError(
      what + ': expected "pipe", "inherit", "null" or a descriptor',
    );
  };

  const start = (command, stdio) => {
    const fd = descriptors.number();
    const request = {
      fd,
      file: command.file,
      args: command.args,
      shell: command.shell,
      group: command.group,
      env: command.env,
      cwd: command.cwd,
      stdio: [stdio[0].request, stdio[1].request, stdio[2].request],
    };
    const started = wait("process", request, 0);
    then(started, ignore, ignore); /* whoever asks for the status hears it */
    descriptors.opened(fd, started);
    for (let i = 0; i < 3; i++)
      if (stdio[i].fd !== undefined) descriptors.opened(stdio[i].fd, started);
    return { __proto__: null, fd, started };
  };

  /* A promise of { code, signal } of process 'fd', which is then closed. */
  const ending = (fd) =>
    then(descriptors.next(fd), (end) => {
      descriptors.close(fd);
      return {
        code: end.signal === 0 ? end.code : null,
        signal: signalName(end.signal),
        success: end.code === 0 && end.signal === 0,
        status: end.signal === 0 ? end.code : 128 + end.signal,
      };
    });

  const send = (fd, signal) =>
    wait("process-signal", { fd, signal: signalNumber(signal) }, 0);

  /* ---- open and close ---- */

  const opened = new Map(); /* from a stream's number to its process's end */

  const open = (command, mode = "r") => {
    text(command, "open");
    if (mode !== "r" && mode !== "w")
      throw new TypeError('open: the mode is "r" or "w"');
    const stdio = mode === "r"
      ? [streamOf("default"), streamOf("pipe"), streamOf("default")]
      : [streamOf("pipe"), streamOf("default"), streamOf("default")];
    const { fd } = mode === "r" ? stdio[1] : stdio[0];
    const process = start(
      { __proto__: null, file: command, args: [], shell: true, group: false },
      stdio,
    );
    const end = ending(process.fd);
    then(end, ignore, ignore);
    mapSet(opened, fd, end);
    return fd;
  };

  const close = async (fd) => {
    const end = mapGet(opened, fd);
    mapDelete(opened, fd);
    await descriptors.close(fd);
    return end === undefined ? 0 : (await end).status;
  };

  /* ---- spawn ---- */

  class Process {
    #fd;
    #started;
    #status;
    #streams;

    constructor(process, stdio, status) {
      this.#fd = process.fd;
      this.#started = process.started;
      this.#status = status;
      this.#streams = stdio;
    }

    /* A promise of its number in the system. */
    get pid() {
      return then(this.#started, (started) => started.pid);
    }
    /* A promise of { code, signal, success, status }. */
    get status() {
      return this.#status;
    }
    get stdin() {
      return this.#streams.stdin;
    }
    get stdout() {
      return this.#streams.stdout;
    }
    get stderr() {
      return this.#streams.stderr;
    }

    async kill(signal = "SIGTERM") {
      const number = signalNumber(signal);
      await this.#started;
      try {
        await send(this.#fd, number);
        return true;
      } catch (error) {
        if (error.code === "ESRCH") return false;
        throw error;
      }
    }
  }

  const killSignalOf = ({ killSignal }) =>
    killSignal === undefined ? "SIGTERM" : killSignal;

  const checkLimits = (options) => {
    const { timeout } = options;
    if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0))
      throw new TypeError("timeout: expected milliseconds");
    signalNumber(killSignalOf(options));
  };

  /* Ends the process when 'signal' is aborted or the time is up before 'over'
   * is settled; then calls 'cut', and the promise that it gives is rejected
   * with why. */
  const bounded = (process, over, options, cut) => {
    const signal = signalOf(options);
    const { timeout } = options;
    if (signal === undefined && timeout === undefined) return over;
    let reason;
    let why = false;
    const stop = (given) => {
      if (why) return;
      why = true;
      reason = given;
      const kill = () => send(process.fd, killSignalOf(options));
      then(then(process.started, kill), ignore, ignore);
      cut();
    };
    const expire = () =>
      stop(new DOMException("the process took too long", "TimeoutError"));
    const timer = timeout === undefined
      ? 0
      : $.begin("timer", null, $.dueIn(timeout), expire, ignore);
    if (signal !== undefined) $.signals.add(signal, stop);
    const done = () => {
      if (timer !== 0) $.cancel(timer);
      if (signal !== undefined) $.signals.remove(signal, stop);
    };
    return then(over, (end) => {
      done();
      if (why) throw reason;
      return end;
    }, (error) => {
      done();
      throw why ? reason : error;
    });
  };

  /* Writes 'input' to the process and ends its standard input. A process that
   * does not read it all is no failure. */
  const feed = async (stdin, input) => {
    try {
      await stdin.write(input);
      await stdin.end();
    } catch (error) {
      if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
      await stdin.close();
    }
  };

  const run = (command, options, otherwise) => {
    const signal = signalOf(options);
    if (signal !== undefined) $.signals.throwIfAborted(signal);
    checkLimits(options);
    const stdio = [
      streamOf(options.stdin, otherwise[0], "stdin"),
      streamOf(options.stdout, otherwise[1], "stdout"),
      streamOf(options.stderr, otherwise[2], "stderr"),
    ];
    command.env = environmentOf(options.env);
    command.cwd =
      options.cwd === undefined ? undefined : text(options.cwd, "cwd");
    command.group = options.group === true;
    return {
      __proto__: null,
      process: start(command, stdio),
      streams: {
        __proto__: null,
        stdin: stdio[0].fd === undefined ? null : streams.output(stdio[0].fd),
        stdout: stdio[1].fd === undefined ? null : streams.input(stdio[1].fd),
        stderr: stdio[2].fd === undefined ? null : streams.input(stdio[2].fd),
      },
    };
  };

  const commandOf = (file, args, shell) => ({
    __proto__: null,
    file: text(file, "the program"),
    args: argsOf(args),
    shell,
  });

  const spawn = (file, args = [], options = {}) => {
    const child = run(commandOf(file, args, options.shell === true), options,
      ["null", "pipe", "default"]);
    const { process } = child;
    const status = bounded(process, ending(process.fd), options, ignore);
    then(status, ignore, ignore);
    return new Process(process, child.streams, status);
  };

  /* All that a stream gives. Others may have it when the process has ended, and
   * keep it open: then it ends only by being closed. */
  const collect = (input, options) => {
    if (input === null) return undefined;
    const take = options.encoding === "bytes" ? "bytes" : "text";
    return input[take]({ largest: options.largest });
  };

  const execIn = async (command, options) => {
    const { input } = options;
    if (input !== undefined && options.stdin !== undefined)
      throw new TypeError("input and stdin: give one of them");
    const { process, streams } = run(command, options,
      [input === undefined ? "null" : "pipe", "pipe", "pipe"]);
    const { stdin, stdout, stderr } = streams;
    const cut = () => {
      if (stdout !== null) then(stdout.close(), ignore, ignore);
      if (stderr !== null) then(stderr.close(), ignore, ignore);
      if (stdin !== null) then(stdin.close(), ignore, ignore);
    };
    const ended = ending(process.fd);
    const over = all(Promise, [
      ended,
      collect(stdout, options),
      collect(stderr, options),
      input === undefined ? undefined : feed(stdin, input),
    ]);
    try {
      const done = await bounded(process, over, options, () =>
        then(ended, cut, cut));
      const end = done[0];
      return { code: end.code, signal: end.signal, success: end.success,
        status: end.status, stdout: done[1], stderr: done[2] };
    } catch (error) {
      then(then(process.started, () => send(process.fd, "SIGKILL")),
        ignore, ignore);
      cut();
      throw error;
    }
  };

  const exec = (file, args = undefined, options = undefined) =>
    $.promised(() =>
      isArray(args)
        ? execIn(commandOf(file, args, false), options || {})
        : execIn(commandOf(file, [], true), args || {}));

  $.module("process", { Process, close, exec, open, spawn });
})
