"""Messages on a socket: JSON, then raw bytes; never a pickle.

A frame is two lengths, the JSON and its buffers one after the other.  What comes from an answer is
not trusted: a frame that is too large or no JSON raises Garbled.
"""

import json
import struct
import time

MOST = 2**26  # bytes of a frame
HEAD = struct.Struct("<II")


class Garbled(ValueError):  # noqa: N818, it reads so where it is raised
    """What came is no message, in words."""


class Channel:
    """Sends and receives frames.

    patience() is called every tick seconds, also where the other side sends one byte at a time.
    """

    def __init__(self, sock, patience=None, tick=0.1):
        self.sock, self.patience, self.tick, self.asked = sock, patience, tick, time.monotonic()
        sock.settimeout(tick if patience else None)

    def send(self, message, buffers=()):
        """Send a message, JSON, with its buffers; raises Garbled where it is too large."""
        buffers = [memoryview(each).cast("B") for each in buffers]
        text = json.dumps([message, [len(each) for each in buffers]]).encode()
        rest = sum(map(len, buffers))
        if len(text) + rest > MOST:
            raise Garbled(f"{len(text) + rest} bytes in one message, and at most {MOST} may be")
        for part in (HEAD.pack(len(text), rest), text, *buffers):
            self._send(memoryview(part))

    def receive(self):
        """The next message and its buffers; raises EOFError at the end, Garbled for anything else.

        -> message, [bytes, ...]
        """
        length, rest = HEAD.unpack(self._exactly(HEAD.size))
        if length + rest > MOST:
            raise Garbled(f"{length + rest} bytes in one message, and at most {MOST} may be")
        try:
            message, lengths = json.loads(self._exactly(length))
            content, buffers, at = self._exactly(rest), [], 0
            for each in lengths:
                buffers.append(content[at : at + each])
                at += each
        except (ValueError, TypeError, RecursionError) as error:
            raise Garbled(f"no message: {type(error).__name__}") from None
        if at != rest or not isinstance(message, dict):
            raise Garbled("no message: its parts do not add up")
        return message, buffers

    def close(self):
        self.sock.close()

    def _send(self, part):
        while part:
            self._wait()
            try:
                part = part[self.sock.send(part) :]
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise EOFError from None

    def _exactly(self, count):
        content = bytearray(count)
        left = memoryview(content)
        while left:
            self._wait()
            try:
                got = self.sock.recv_into(left)
            except TimeoutError:
                continue
            except ConnectionResetError:
                got = 0
            if not got:
                raise EOFError
            left = left[got:]
        return content

    def _wait(self):
        if self.patience and time.monotonic() - self.asked >= self.tick:
            self.patience()
            self.asked = time.monotonic()
