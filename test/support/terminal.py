# SPDX-License-Identifier: MIT
"""What a command writes to a terminal: a real pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios


def on_terminal(words, columns=80, patience=60, **more):
    """Runs 'words' with both of its outputs on a terminal: what it wrote there,
    and its exit code."""
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=terminal,
                             stderr=terminal, **more)
    os.close(terminal)
    said = b""
    try:
        while data := os.read(control, 65536):
            said += data
    except OSError:  # EIO: nobody has the terminal any more
        pass
    os.close(control)
    return said.decode().replace("\r\n", "\n"), child.wait(patience)
