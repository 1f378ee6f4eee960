# SPDX-License-Identifier: MIT
"""instrument.py - rewrites a side module so that limits on fuel and time hold
inside it: nothing can go on for ever without a poll.

Code goes on for ever in a loop or by calling itself. So there are polls

  - at the head of each loop: at its first turn in a call, and at each 16th turn
    of any loop after that in the same call. Turns are counted in a variable of
    the function, by a bit that is shifted out, since that is the shortest code:

      if ((turns >>= 1) == 0) turns = count();

  - at the beginning of each function that may call itself, by others too. Calls
    through pointers may reach each function that is in the table. (What calls
    back through the engine is polled for there.)

A poll is a call of count(), one function at the end of the module, which counts
down what the engine's own polls count down:

      if (--*(int *)__torpor_poll_counter <= 0) torpor_extension_poll();
      return 1 << 15;

That takes two imports; the numbers of functions and globals behind them change
everywhere. Names and other notes are left out, since their numbers would be
wrong, and zeros at the end of the data, since memory is zero already; an empty
section torpor.instrumented says what was done. The same module gives the same
bytes.
"""

import opcodes as op
import wasm
from opcodes import emit
from side_module import FUNCTION, GLOBAL, SideModule
from wasm import append, many

POLL, COUNTER, MARK = ("torpor_extension_poll", "__torpor_poll_counter",
                       "torpor.instrumented")
TURNS = 16  # of loops, to a poll
KEPT = ("dylink.0", "torpor.extension")


EMPTY = b"\x40"  # the type of a block that gives nothing
WORD = b"\x02\x00"  # an aligned access of 32 bits at offset 0


class Numbers:
    """How functions and globals are numbered when the imports are there."""

    def __init__(self, module):
        functions = [(one.module, one.name)
                     for one in module.imported(FUNCTION)]
        self.imported = len(functions)
        self.has_poll = ("env", POLL) in functions
        self.poll = (functions.index(("env", POLL)) if self.has_poll
                     else self.imported)
        self.counter = len(module.imported(GLOBAL))
        self.functions = module.count_of(FUNCTION)
        self.variables = module.count_of(GLOBAL)
        self.count = self.functions + (0 if self.has_poll else 1)

    def function(self, number):
        if number >= self.functions:
            raise wasm.Damaged(f"the code names function {number}, which is not "
                               "there")
        if number >= self.imported and not self.has_poll:
            return number + 1
        return number

    def variable(self, number):
        if number >= self.variables:
            raise wasm.Damaged(f"the code names global {number}, which is not "
                               "there")
        return number + 1 if number >= self.counter else number


# ---- Which functions may call themselves -------------------------------------


POINTER = -1  # stands for calls through pointers, of whichever function


def read_calls(module):
    """For each function that is defined, the numbers of those that it may call,
    and whether it has loops."""
    calls = {POINTER: sorted({number for part in module.elements
                              for number in part.content
                              if number is not None})}
    loops = {}
    first = len(module.imported(FUNCTION))
    for number, (_, body) in enumerate(module.code, first):
        called, loop = set(), False
        reader = wasm.Reader(body.data, body.at, body.end)
        for _, kind, operand in op.instructions(reader):
            if kind == op.CALL:
                called.add(operand)
            elif kind == op.CALL_INDIRECT:
                called.add(POINTER)
            elif kind == op.LOOP:
                loop = True
        reader.finish("code of a function")
        calls[number] = sorted(called)
        loops[number] = loop
    return calls, loops


def find_circles(calls):
    """The functions that may call themselves: those on circles of the graph
    (Tarjan's algorithm, without recursion)."""
    order, low, stack, on_stack, circles = {}, {}, [], set(), set()
    for root in calls:
        if root in order:
            continue
        work = [(root, iter(calls[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for called in rest:
                if called not in calls:
                    continue
                if called not in order:
                    order[called] = low[called] = len(order)
                    stack.append(called)
                    on_stack.add(called)
                    work.append((called, iter(calls[called])))
                    break
                if called in on_stack:
                    low[node] = min(low[node], order[called])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    take_circle(node, calls, stack, on_stack, circles)
    return circles


def take_circle(node, calls, stack, on_stack, circles):
    members = []
    while not members or members[-1] != node:
        members.append(stack.pop())
        on_stack.discard(members[-1])
    if len(members) > 1 or node in calls[node]:
        circles.update(members)


# ---- Rewriting code ----------------------------------------------------------


def count_function(numbers):
    """Counts down and gives the turns until the next poll."""
    code = b"".join((
        b"\1\1" + type_byte("i32"),
        emit(op.GLOBAL_GET, numbers.counter),
        emit(op.GLOBAL_GET, numbers.counter), emit(op.I32_LOAD) + WORD,
        emit(op.I32_CONST, 1), emit(op.I32_SUB), emit(op.LOCAL_TEE, 0),
        emit(op.I32_STORE) + WORD,
        emit(op.LOCAL_GET, 0), emit(op.I32_CONST, 0), emit(op.I32_LE_S),
        emit(op.IF) + EMPTY, emit(op.CALL, numbers.poll), emit(op.END),
        emit(op.I32_CONST, 1 << (TURNS - 1)), emit(op.END)))
    return wasm.unsigned(len(code)) + code


def loop_code(numbers, turns):
    """Counts a turn. 'turns' is 0 at first, so the first turn polls."""
    return b"".join((
        emit(op.LOCAL_GET, turns), emit(op.I32_CONST, 1), emit(op.I32_SHR_U),
        emit(op.LOCAL_TEE, turns), emit(op.I32_EQZ), emit(op.IF) + EMPTY,
        emit(op.CALL, numbers.count), emit(op.LOCAL_SET, turns),
        emit(op.END)))


def rewrite_instructions(reader, numbers, at_loop):
    """The instructions with other numbers, and 'at_loop' at each loop's head."""
    out = bytearray()
    for start, kind, operand in op.instructions(reader):
        if kind in (op.CALL, op.REF_FUNC):
            out += emit(kind, numbers.function(operand))
        elif kind in (op.GLOBAL_GET, op.GLOBAL_SET):
            out += emit(kind, numbers.variable(operand))
        else:
            out += reader.data[start:reader.at]
        if kind == op.LOOP:
            out += at_loop
    return bytes(out)


def rewrite_function(module, number, numbers, calls_itself, loops):
    local, body = module.code[number - len(module.imported(FUNCTION))]
    variable = (len(module.function_type(number)[0]) +
                sum(count for count, _ in local))
    reader = wasm.Reader(body.data, body.at, body.end)
    code = rewrite_instructions(reader, numbers, loop_code(numbers, variable))
    if loops and local and local[-1][1] == "i32":
        local = [*local[:-1], (local[-1][0] + 1, "i32")]
    elif loops:
        local = [*local, (1, "i32")]
    groups = [wasm.unsigned(count) + type_byte(kind)
              for count, kind in local]
    if calls_itself:
        code = emit(op.CALL, numbers.count) + emit(op.DROP) + code
    code = wasm.unsigned(len(groups)) + b"".join(groups) + code
    return wasm.unsigned(len(code)) + code


def type_byte(kind):
    return bytes([{"i32": 0x7f, "i64": 0x7e, "f32": 0x7d, "f64": 0x7c,
                   "funcref": 0x70, "externref": 0x6f}[kind]])


# ---- Rewriting sections ------------------------------------------------------


def constant(code, numbers):
    out = bytearray()
    for kind, operand in code:
        if kind == op.REF_FUNC:
            operand = numbers.function(operand)
        elif kind == op.GLOBAL_GET:
            operand = numbers.variable(operand)
        if kind == op.I64_CONST:
            out += bytes([kind]) + wasm.signed(operand)
        elif isinstance(operand, bytes):
            out += bytes([kind]) + operand
        else:
            out += emit(kind, operand)
    return bytes(out) + emit(op.END)


def rewrite_imports(body, numbers, poll_type):
    added = [wasm.name("env") + wasm.name(COUNTER) +
             bytes([GLOBAL, 0x7f, 0])]
    if not numbers.has_poll:
        added.append(wasm.name("env") + wasm.name(POLL) + bytes([FUNCTION]) +
                     wasm.unsigned(poll_type))
    return append(body, added)


def rewrite_exports(module, numbers):
    parts = []
    for title, (kind, index) in module.exports.items():
        if kind == FUNCTION:
            index = numbers.function(index)
        elif kind == GLOBAL:
            index = numbers.variable(index)
        parts.append(wasm.name(title) + bytes([kind]) + wasm.unsigned(index))
    return many(parts)


def rewrite_elements(module, numbers):
    parts = []
    for part in module.elements:
        if part.offset is None or part.target != 0 or None in part.content:
            raise wasm.Damaged("the table is filled in a way that clang does not "
                               "use")
        parts.append(b"\0" + constant(part.offset, numbers) + many(
            [wasm.unsigned(numbers.function(index)) for index in
             part.content]))
    return many(parts)


def rewrite_globals(module, numbers):
    return many([type_byte(kind) + bytes([mutable]) + constant(code, numbers)
                 for (kind, mutable), code in module.globals])


def rewrite_data(module, numbers):
    parts = []
    for part in module.segments:
        if part.offset is None or part.target != 0:
            raise wasm.Damaged("data is placed in a way that clang does not use")
        content = part.content.rstrip(b"\0") or part.content[:1]
        parts.append(b"\0" + constant(part.offset, numbers) +
                     wasm.unsigned(len(content)) + content)
    return many(parts)


def rewrite_code(module, numbers):
    calls, loops = read_calls(module)
    circles = find_circles(calls)
    code = [rewrite_function(module, number, numbers, number in circles,
                             loops[number]) for number in loops]
    return many([*code, count_function(numbers)])


class Types:
    """The types of the two functions, which come behind those that there are."""

    def __init__(self, module):
        self.first = len(module.types)
        self.added = []
        self.poll = self.find(module, ((), ()), b"\x60\0\0")
        self.count = self.find(module, ((), ("i32",)),
                               b"\x60\0\1" + type_byte("i32"))

    def find(self, module, kind, code):
        if kind in module.types:
            return module.types.index(kind)
        self.added.append(code)
        return self.first + len(self.added) - 1


def instrument(data):
    """The module with polls."""
    module = SideModule(data)
    if MARK in module.customs:
        raise wasm.Damaged("the module is instrumented already")
    if any(one.name == COUNTER for one in module.imports):
        raise wasm.Damaged(f"the module imports {COUNTER}, which only this "
                           "program may add")
    if not module.imports or not module.functions:
        raise wasm.Damaged("the module imports nothing, or has no functions")
    numbers = Numbers(module)
    types = Types(module)
    out = bytearray(wasm.MAGIC)
    for number, body in module.sections:
        if number == wasm.CUSTOM:
            title = wasm.Reader(body).name()
            if title not in KEPT:
                continue
        elif number == wasm.TYPE:
            body = append(body, types.added)
        elif number == wasm.IMPORT:
            body = rewrite_imports(body, numbers, types.poll)
        elif number == wasm.FUNCTION:
            body = append(body, [wasm.unsigned(types.count)])
        elif number == wasm.GLOBAL:
            body = rewrite_globals(module, numbers)
        elif number == wasm.EXPORT:
            body = rewrite_exports(module, numbers)
        elif number == wasm.START:
            body = wasm.unsigned(numbers.function(module.start))
        elif number == wasm.ELEMENT:
            body = rewrite_elements(module, numbers)
        elif number == wasm.CODE:
            body = rewrite_code(module, numbers)
        elif number == wasm.DATA:
            body = rewrite_data(module, numbers)
        out += wasm.section(number, body)
    return bytes(out) + wasm.custom(MARK, b"")
