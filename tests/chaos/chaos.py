"""What the chaos tests share: a gateway whose counters can be asked for, and whose descriptors and requests must come back."""
import json
import os
import signal
import socket
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from gateway import LONG, PATIENCE, Backend, Gateway, endpoint, eventually, free_port, json_reply, no_op  # noqa: E402,F401


class Watched(Gateway):
    """A gateway that writes its log to a file."""

    def __init__(self, config, env=None, prefix=()):
        self.log = open(os.path.join("/tmp", "krakend-chaos-%d.log" % os.getpid()), "w+b")
        super().__init__(config, prefix, stdout=self.log, env=env)

    def __exit__(self, *_):
        super().__exit__()
        self.log.close()
        os.unlink(self.log.name)

    def lines(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()

    def counters(self):
        """The line of counters that SIGUSR1 has written."""
        def dumps():
            return [line for line in self.lines() if line.startswith('{"ledger"')]
        before = len(dumps())
        self.signal(signal.SIGUSR1)
        eventually(lambda: len(dumps()) > before, "the counters are written")
        return json.loads(dumps()[-1])

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid()))

    def resident(self):
        with open("/proc/%d/statm" % self.pid(), encoding="utf-8") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ticks(self):
        """Time of CPU that the process has used, in the system's ticks."""
        with open("/proc/%d/stat" % self.pid(), encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def keeps_freed_memory(self):
        """Builds with a sanitizer hold back what is freed and need memory of their own."""
        with open("/proc/%d/maps" % self.pid(), encoding="utf-8") as f:
            text = f.read()
        return "libasan" in text or "libtsan" in text

    def settle(self, descriptors, what):
        """Wait until nothing is in flight and there are no more descriptors than that; then it must still answer."""
        def quiet():
            now = self.counters()
            return now["in_flight"] == 0 and now["connections"] == 0 and self.descriptors() <= descriptors
        eventually(quiet, "requests and descriptors come back after: %s" % what)
        if self.get("/__health")[0] != 200:
            raise AssertionError("no health check after: %s" % what)

    def open(self, data=b""):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        s.sendall(data)
        return s

    def ask(self, target, method="GET"):
        """One request; what came until the end: status (0: nothing), body, and whether the answer was whole."""
        with self.open(("%s %s HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n" % (method, target)).encode()) as s:
            data = b""
            try:
                while True:
                    part = s.recv(1 << 16)
                    if not part:
                        break
                    data += part
            except ConnectionError:
                pass
        return take_apart(data)


def take_apart(data):
    """Status, body and wholeness of an answer that ended with its connection."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return 0, b"", False
    fields = head.lower().split(b"\r\n")
    length = next((int(f[15:]) for f in fields if f.startswith(b"content-length:")), None)
    if length is not None:
        whole = len(body) == length
    elif b"transfer-encoding: chunked" in fields:
        whole = body.endswith(b"0\r\n\r\n")
    else:
        whole = True
    return int(head[9:12]), body, whole


def grown(before, after):
    """The classes of failure that were counted in between."""
    return {k: n - before["failures"].get(k, 0) for k, n in after["failures"].items() if n > before["failures"].get(k, 0)}
