// SPDX-License-Identifier: MIT
//
// older-engine.ts - what stands in for exports that an engine of an earlier
// release lacks, so that what sleeps in it can be woken: code runs, jobs run,
// operations are settled, values go out and in. What such an engine cannot do
// is refused by name.
//
// Its results are handles that end together: they are retained when they are
// taken (core.ts), and the others end with each outermost call.

import {
  Brand,
  EVAL_MODULE,
  EXPORT_NAMES,
  FUNCTION_LENGTH,
  FUNCTION_NAME,
  FUNCTION_NAME_SIZE,
  LOOK_BRAND,
  LOOK_DESCRIBE,
  LOOK_TEXT,
  Mode,
  Status,
} from "./abi.js";
import { UNDEFINED_BITS } from "./border.js";
import { UnsupportedError } from "./errors.js";
import type { Exports, Instance } from "./instance.js";

/** An engine is asked for what it lacks; the VM is as good as before. */
export class LackingError extends UnsupportedError {}

function lack(what: string): never {
  throw new LackingError(`this engine is older and lacks ${what}; use the one of torpor-vm`);
}

/** The exports of an older engine, with those that it lacks. */
export function withStandIns(instance: Instance, exports: Exports): Exports {
  const all: Record<string, unknown> = {};
  for (const name of EXPORT_NAMES) all[name] = () => lack(name);
  return { ...all, ...standIns(instance, exports), ...exports } as unknown as Exports;
}

type StandIns = Partial<Exports>;

function standIns(instance: Instance, exports: Exports): StandIns {
  return {
    ...standInsForCode(instance, exports),
    ...standInsForValues(instance, exports),
    torpor_cbor_encode_with: (bits) => exports.torpor_cbor_encode(bits),
    torpor_cbor_decode_with: (address, size) => exports.torpor_cbor_decode(address, size),
    torpor_collected_take: () => Status.NOT_FOUND,
    torpor_promise_handle: () => Status.OK,
    torpor_rejection_next: () => {
      const status = exports.torpor_rejection_take();
      instance.look();
      instance.setResult(1, UNDEFINED_BITS);
      instance.setResult(2, 0n);
      return status;
    },
  };
}

function standInsForCode(instance: Instance, exports: Exports): StandIns {
  return {
    torpor_eval_with: (source, size, file, fileSize, flags) => {
      if ((flags & ~EVAL_MODULE) !== 0) lack("these ways of evaluating code");
      const mode = flags & EVAL_MODULE ? Mode.MODULE : Mode.SCRIPT;
      return exports.torpor_eval(source, size, file, fileSize, mode);
    },
    torpor_configure: (_names, size, collect) =>
      size === 0 && collect === 0 ? Status.OK : lack("the options 'intrinsics' and gcThreshold"),
    torpor_function_make: (at) => {
      const word = (offset: number): number => instance.u32[(at + offset) >>> 2]!;
      return exports.torpor_function_new(
        word(FUNCTION_NAME),
        word(FUNCTION_NAME_SIZE),
        word(FUNCTION_LENGTH),
      );
    },
    torpor_throw: (bits) => {
      instance.look();
      instance.setResult(0, BigInt.asUintN(64, bits));
      return Status.THROWN;
    },
  };
}

function standInsForValues(instance: Instance, exports: Exports): StandIns {
  const brand = (bits: bigint): number => {
    const status = exports.torpor_object_class(bits);
    instance.look();
    instance.setResult(1, 0n);
    instance.setResult(2, instance.integer(0) === Brand.FUNCTION ? 1n : 0n);
    return status;
  };
  return {
    torpor_error_look: (bits) => exports.torpor_error_read(bits),
    torpor_look: (what, bits) => {
      if (what === LOOK_BRAND) return brand(bits);
      if (what === LOOK_DESCRIBE) return exports.torpor_string_read(bits);
      if (what !== LOOK_TEXT) lack("this look at a value");
      const status = exports.torpor_string_read(bits);
      if (status !== Status.OK) return status;
      instance.look();
      const address = instance.integer(0);
      const owned = instance.integer(2) === 1;
      const made = exports.torpor_string_new(address, instance.integer(1));
      if (owned) exports.torpor_release(address);
      return made;
    },
  };
}
