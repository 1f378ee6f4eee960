// SPDX-License-Identifier: MIT
//
// kernel.js - all kinds of objects that structuredClone knows but plain ones and
// arrays (clone.h has the rest). embed.py puts it into the module as text, without
// comments and blanks, and with other names for those that begin with $.
//
// It is given natives: C begins to clone a value, W writes an object down and reads
// it again, N makes a typed array like another one.
//
// A walk has a state:
//
//   0  a Map: which object has which clone
//   1  a list of what is transferred, which has new buffers as clones
//   2  what is to be filled at the end, when all is cloned: [clone, its class, a
//      clone of an object of items, their number, the next one]
//
// It is compiled at the first call of structuredClone. It takes builtins then, and
// relies on nothing later that a program may have changed: no iterator, no
// constructor, no index that is not there. A builtin that was missing or replaced
// before may throw or give anything.
((C, W, N) => {
  const G = globalThis,
    { Object: O, ArrayBuffer: B, DataView: V, Error: E, Map: M, Set: S } = G,
    { DOMException: D, Uint8Array: Y, Function: { prototype: F } } = G,
    { getPrototypeOf: $above, getOwnPropertyDescriptor: $own, hasOwn: $has } = O,
    $define = O.defineProperty,
    T = G.TypeError,
    $wrong = T?.prototype,
    $null = null,
    $bare = () => ({ __proto__: $null }),
    // A builtin of a class, as a function that takes 'this' first: a method or a
    // getter of its prototype, or of one further up.
    $free = F.bind.bind(F.call),
    $take = ($type, $name, $at = $type?.prototype, $found) => {
      for (; $at && !($found = $own($at, $name));) $at = $above($at);
      return $free($found?.get || $found?.value);
    },
    // An own property that is data, or nothing.
    $data = ($object, $name, $found = $own($object, $name)) =>
      $found && $has($found, "value") && $found,
    $show = ($object, $name, value) =>
      $define($object, $name, {
        __proto__: $null,
        value,
        writable: 1,
        configurable: 1,
      }),
    // What 'work' gives; 'text' when a builtin refused its arguments.
    $try = ($work, $text) => {
      try {
        return $work();
      } catch ($error) {
        if ($above(O($error)) == $wrong) return $text;
        throw $error;
      }
    },
    // Buffers.
    $size = $take(B, "byteLength"),
    $varies = $take(B, "resizable"),
    $most = $take(B, "maxByteLength"),
    $resize = $take(B, "resize"),
    $gone = $take(B, "detached"),
    $fixed = $take(B, "immutable"),
    $fix = $take(B, "transferToImmutable"),
    $detach = $take(B, "transferToFixedLength"),
    $write = $take(Y, "set"),
    $copy = ($from, $to) => $write(new Y($to), new Y($from)),
    $buffer = ($from) => {
      const $to = new B(
        $size($from),
        $varies($from) && { __proto__: $null, maxByteLength: $most($from) },
      );
      $copy($from, $to);
      return $fixed($from) ? $fix($to) : $to;
    },
    // Views.
    $check = $take(Y, "at"),
    $view = ($type) => {
      const $inside = $take($type, "buffer"),
        $start = $take($type, "byteOffset"),
        $bytes = $take($type, "byteLength"),
        $count = $type == Y ? $take(Y, "length") : $bytes,
        // Throws when the view is out of bounds.
        $measure = ($self) => ($type == Y && $check($self, 0), $bytes($self)),
        // Whether its length follows that of its buffer. Nothing tells, so the
        // buffer is resized for a moment, which no code of the program sees: to a
        // byte less than the view needs or, if that is empty, to some more. What
        // is cut off is put back.
        $follows = ($self, $at, $had, $end) => {
          const $old = $size($at), $room = $most($at), $all = new Y($at);
          const $tail = $bare();
          let $i, $answer;
          if (!$varies($at) || $old - $end > 7) return;
          $end += $had ? -1 : 8;
          if ($end > $room) $end = $room;
          for ($i = $end; $i < $old; $i++) $tail[$i] = $all[$i];
          $resize($at, $end);
          try {
            $answer = $measure($self) != $had;
          } catch {}
          $resize($at, $old);
          for ($i in $tail) $all[$i] = $tail[$i];
          return $answer;
        };
      return ($self) => {
        const $had = $measure($self), $from = $inside($self), $at = $start($self);
        const $to = C($from);
        const $length = $follows($self, $from, $had, $at + $had) ? void 0 : $count($self);
        return $type == Y ? N($self, $to, $at, $length) : new V($to, $at, $length);
      };
    },
    $array = $view(Y),
    // Errors. The stack is text that the program sees anyway; accessors of its own
    // are not asked.
    $stack = $take(E, "stack"),
    $trace = ($from, $to) => {
      const $found = $data($from, "stack"), $text = $found ? $found.value : $stack($from);
      if (typeof $text == "string") $show($to, "stack", $text);
      return $to;
    },
    $errors = $bare(),
    // All of them.
    $get = $take(M, "get"),
    $set = $take(M, "set"),
    $add = $take(S, "add"),
    $eachOfMap = $take(M, "forEach"),
    $eachOfSet = $take(S, "forEach"),
    $message = $take(D, "message"),
    $title = $take(D, "name"),
    $kinds = {
      __proto__: $null,
      Boolean: W,
      Number: W,
      String: W,
      BigInt: W,
      Date: W,
      RegExp: W,
      ArrayBuffer: $buffer,
      DataView: $view(V),
      Map: ($from, $put) => ($eachOfMap($from, ($value, $key) => ($put($key), $put($value))), new M()),
      Set: ($from, $put) => ($eachOfSet($from, ($value) => $put($value)), new S()),
      Error: ($from, $put) => {
        const $name = $from.name,
          $to = new (typeof $name == "string" && $errors[$name] || E)();
        let $found = $data($from, "message");
        if ($found) $show($to, "message", `${$found.value}`);
        if ($found = $data($from, "cause")) $put($found.value);
        return $trace($from, $to);
      },
      DOMException: ($from) => $trace($from, new D($message($from), $title($from))),
    };
  for (let $name of "Eval,Range,Reference,Syntax,Type,URI,".split(","))
    $errors[$name += "Error"] = G[$name];

  return [
    M.prototype.get,
    M.prototype.set,

    // make(object, class, state): a clone that is filled in the end. A string: the
    // object cannot be cloned, being that.
    ($from, $class, $state) => {
      let $count = 0, $items = $bare();
      const $work = () => ($kinds[$class] || $array)($from, ($item) => $items[$count++] = $item),
        $to = $class == "Error"
          ? $work()
          : $try($work, typeof $from == "symbol" ? "Symbol" : $class);
      if ($count) $state[2] = [$to, $class, C($items), $count, $state[2]];
      return $to;
    },

    // begin(options): the state. A string: what is transferred cannot be. Spreading
    // iterates as Web IDL does.
    ($options) => {
      const $map = new M();
      const $demand = ($value) => {
        if (O($value) !== $value) throw new T("takes value and options");
        return $value;
      };
      let $list = [], $one;
      if ($options != $null) {
        $one = $demand($options).transfer;
        if ($one !== void 0) $list = [...$demand($one)];
      }
      for ($one = 0; $one < $list.length; $one++) $demand($list[$one]);
      return $try(() => {
        for (let $i = 0; $i < $list.length; $i++) {
          $one = $list[$i];
          // Without an argument it refuses.
          if ($fixed($one) || $get($map, $one)) $size();
          $set($map, $one, $gone($one) ? new B(0) : $buffer($one));
        }
        return [$map, $list, $null];
      }, "what is transferred");
    },

    // finish(state): fills clones, copies what getters may have changed meanwhile in
    // buffers, and detaches these. A string, likewise.
    ($state) => {
      let $i, $list = $state[2];
      for (; $list; $list = $list[4]) {
        const $to = $list[0], $class = $list[1], $items = $list[2];
        for ($i = 0; $i < $list[3];) {
          const $item = $items[$i++];
          if ($class == "Map") $set($to, $item, $items[$i++]);
          else if ($class == "Set") $add($to, $item);
          else $show($to, "cause", $item);
        }
      }
      $list = $state[1];
      for ($i = 0; $i < $list.length; $i++) {
        const $from = $list[$i], $to = $get($state[0], $from);
        if ($gone($from)) return "detached ArrayBuffer";
        if ($size($to) != $size($from)) $resize($to, $size($from));
        $copy($from, $to);
        $detach($from, 0);
      }
    },
  ];
})
