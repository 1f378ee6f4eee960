# SPDX-License-Identifier: MIT
"""What a command writes to a terminal: a real pseudo-terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


def on_terminal(words, columns=80, patience=60, **more):
    """Runs 'words' with its outputs, or those that 'more' leaves, on a
    terminal: what it wrote there, and its exit code.

    The terminal stays open here until the command has ended. A terminal that
    the last one closes says so to whoever reads it even when what was written
    just before has not come through yet."""
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    more = {"stdin": subprocess.DEVNULL, "stderr": terminal, **more}
    child = subprocess.Popen(words, stdout=terminal, **more)
    os.set_blocking(control, False)
    end = time.monotonic() + patience
    said = b""
    while True:
        ended = child.poll() is not None
        if not ended and time.monotonic() > end:
            child.kill()
            child.wait()
            raise AssertionError(f"{words} goes on, having said {said!r}")
        try:
            said += os.read(control, 65536)
        except BlockingIOError:
            if ended:
                break
            select.select([control], [], [], 0.01)
    os.close(terminal)
    os.close(control)
    return said.decode().replace("\r\n", "\n"), child.returncode
