"""A terminal for a program that needs one: what it prints is kept, and its questions for the
place of the cursor are answered."""
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

TIMEOUT_SECONDS = 60
CURSOR_QUESTION = b"\x1b[6n"
CURSOR_ANSWER = b"\x1b[1;1R"


# Colours and movements.
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]")
ROWS, COLUMNS = 40, 120


class Terminal:
    def __init__(self, command, environment):
        self.shown = b""
        self.mark = 0
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def type(self, text):
        self.mark = len(self.shown)
        os.write(self.file, text.encode())

    def type_hidden(self, text):
        """Types once the program has stopped the terminal from showing it, as people do."""
        self._wait_for_mode(termios.ECHO, False)
        self.type(text)

    def interrupt(self):
        """Presses Ctrl-C once it is a signal and no longer a character of a line."""
        self._wait_for_mode(termios.ISIG, True)
        self.type("\x03")

    def wait_for_prompt(self, prompt):
        """Waits until the next line can be typed: what is typed while an answer is printed may
        get lost, and the line that was typed repeats its own prompt."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not self._is_at(prompt):
            if time.monotonic() > end or not self._read(0.05):
                raise SystemExit("%r did not come, but:\n%s" % (prompt, self.text()))

    def wait_for(self, text):
        """What was printed since something was typed, up to a text."""
        if not self.comes(text, TIMEOUT_SECONDS):
            raise SystemExit("%r did not come, but:\n%s" % (text, self.text()))
        return self.text()

    def comes(self, text, seconds):
        """Whether a text is printed in time."""
        end = time.monotonic() + seconds
        while text not in self.text():
            if time.monotonic() > end or not self._read(0.2):
                return False
        return True

    def text(self):
        return CONTROL.sub(b"", self.shown[self.mark:]).decode(errors="replace")

    def exit_code(self):
        """Waits for the end."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end and self._read(1):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _is_at(self, prompt):
        shown = self.text()
        is_below = self.mark == 0 or "\n" in shown
        return is_below and shown.endswith(prompt) and not self._has_mode(termios.ISIG)

    def _has_mode(self, mode):
        return bool(termios.tcgetattr(self.file)[3] & mode)

    def _wait_for_mode(self, mode, is_set):
        end = time.monotonic() + TIMEOUT_SECONDS
        while self._has_mode(mode) != is_set:
            if time.monotonic() > end:
                raise SystemExit("the terminal did not change its mode")
            time.sleep(0.01)

    def _read(self, seconds):
        """Whether the program is still there."""
        if not select.select([self.file], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.file, 65536)
        except OSError:
            return False
        self.shown += piece
        for _ in range(piece.count(CURSOR_QUESTION)):
            os.write(self.file, CURSOR_ANSWER)
        return bool(piece)
