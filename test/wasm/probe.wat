;; SPDX-License-Identifier: MIT
;;
;; probe.wat - a module with one export for each thing that the tests of wasm/
;; provoke: loads and stores at any address, each trap, endless loops and
;; recursion, calls of the host.

(module
  (import "host" "call" (func $host (param i32) (result i32)))
  (type $plain (func (param i32) (result i32)))
  (type $other (func (param i64) (result i64)))
  (memory (export "memory") 4 64)
  (global $kept (export "kept") (mut i32) (i32.const 77))
  (table $functions 4 4 funcref)
  (elem (i32.const 1) $double $identity)
  (data (i32.const 65528) "edge")

  (func $double (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 2)))
  (func $identity (param i64) (result i64)
    (local.get 0))

  (func (export "load") (param i32) (result i32)
    (i32.load (local.get 0)))
  (func (export "load_wide") (param i32) (result i64)
    (i64.load offset=1000000 (local.get 0)))
  (func (export "load_byte") (param i32) (result i32)
    (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32)
    (i32.store (local.get 0) (local.get 1)))
  (func (export "store_byte") (param i32 i32)
    (i32.store8 (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32) (result i32)
    (memory.grow (local.get 0)))
  (func (export "pages") (result i32)
    (memory.size))

  ;; The sum of the bytes of [0, end), for optimised loads in a loop.
  (func (export "sum") (param $end i32) (result i32)
    (local $at i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum
          (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $sum))

  (func (export "divide") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func (export "truncate") (param f64) (result i32)
    (i32.trunc_f64_s (local.get 0)))
  (func (export "unreachable")
    (unreachable))
  (func (export "indirect") (param i32 i32) (result i32)
    (call_indirect (type $plain) (local.get 1) (local.get 0)))

  (func (export "spin")
    (loop $again (br $again)))
  ;; Loops for ever, calling the host each time round.
  (func (export "spin_calling")
    (loop $again
      (drop (call $host (i32.const 0)))
      (br $again)))
  ;; Calls itself for ever. The store after the call keeps a compiler from
  ;; making a loop of it.
  (func $recurse (export "recurse") (param i32) (result i32)
    (i32.store (i32.const 0)
      (call $recurse (i32.add (local.get 0) (i32.const 1))))
    (local.get 0))
  (func (export "call_host") (param i32) (result i32)
    (i32.add (call $host (local.get 0)) (i32.const 1)))
)
