"""What the integration tests share: a gateway in its own process, backends in threads, plain HTTP/1.1 clients."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

BINARY = os.environ.get("KD_BIN") or os.path.join(os.path.dirname(__file__), "..", "..", "build", "krakend")
LONG = bool(os.environ.get("KD_LONG"))
PATIENCE = 60  # seconds after which something counts as hung; nothing here is about speed


def free_port():
    """A port that nothing listens on. It lies below the range for outgoing connections, which could take it meanwhile."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in free_port.given:
                free_port.given.add(port)
                return port
    raise RuntimeError("no free port")


free_port.given = set()


def eventually(condition, what):
    """Wait until a condition holds; a hang is an AssertionError that says what was waited for."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited %d s: %s" % (PATIENCE, what))
        time.sleep(0.01)


class Gateway:
    """A gateway running on a configuration; use it in a with statement."""

    def __init__(self, config, prefix=(), stdout=subprocess.DEVNULL, env=None, stderr=subprocess.DEVNULL):
        self.folder = tempfile.mkdtemp(prefix="krakend-test-")
        self.port = free_port()
        self.file = os.path.join(self.folder, "krakend.json")
        self.write(config)
        command = list(prefix) + [BINARY, "run", "-c", self.file]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                        env=dict(os.environ, USAGE_DISABLE="1", **(env or {})))

    def write(self, config):
        """Lay down the configuration that the next start or reload reads: a dict, or text as it is."""
        if not isinstance(config, str):
            config = json.dumps(dict({"version": 3, "port": self.port, "listen_ip": "127.0.0.1"}, **config))
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            f.write(config)
        os.replace(self.file + ".new", self.file)

    def __enter__(self):
        def up():
            if self.process.poll() is not None:
                raise AssertionError("the gateway ended with %s" % self.process.returncode)
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        try:
            eventually(up, "the gateway listens")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pid(self):
        """The gateway itself, where a program that starts it stands in between (it is the child then)."""
        pid = self.process.pid
        while True:
            with open("/proc/%d/comm" % pid, encoding="utf-8") as f:
                if f.read().strip() == "krakend":
                    return pid
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as f:
                children = f.read().split()
            if not children:
                return pid
            pid = int(children[0])

    def signal(self, number):
        os.kill(self.pid(), number)

    def memory_kb(self):
        """Private dirty memory."""
        with open("/proc/%d/smaps_rollup" % self.pid(), encoding="utf-8") as f:
            return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1))

    def connect(self):
        """A connection with one http.client request at a time; its socket is connected."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        c.connect()
        return c

    def get(self, target):
        """One request on a connection of its own; return status and body."""
        c = self.connect()
        try:
            c.request("GET", target)
            answer = c.getresponse()
            return answer.status, answer.read()
        finally:
            c.close()

    def ended(self):
        """Wait for the end; return the exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("the gateway did not end within %d s" % PATIENCE) from None

    def terminate(self):
        self.signal(signal.SIGTERM)
        return self.ended()


class Backend:
    """A backend: every accepted connection is handed to `serve(connection, head)` for each request head that arrives.

    serve returns False to have the connection closed."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.host = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with connection:
            try:
                while True:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        part = connection.recv(1)
                        if not part:
                            return
                        head += part
                    if self.serve(connection, head.decode("latin1")) is False:
                        return
            except OSError:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listener.close()


def json_reply(connection, value):
    body = json.dumps(value).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def endpoint(path, host, **more):
    """An endpoint with one backend of the same path."""
    return dict({"endpoint": path, "backend": [{"host": [host], "url_pattern": path}]}, **more)


def no_op(path, host, **more):
    """The same, passing the answer through as it is."""
    backend = {"host": [host], "url_pattern": path, "encoding": "no-op"}
    if more.get("method"):
        backend["method"] = more["method"]
    return dict({"endpoint": path, "output_encoding": "no-op", "input_headers": ["*"], "backend": [backend]}, **more)
