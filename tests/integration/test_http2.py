"""HTTP/2 with the clients that people use: curl and nghttp, by prior knowledge and by upgrade; long bodies."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from gateway import LONG, PATIENCE, Backend, Gateway, endpoint, json_reply, no_op

SIZE = (4 << 30) if LONG else (256 << 20)
GROWTH_KB = 16 << 10


def echo(connection, head):
    """What the backend was asked, as JSON; the body by its length."""
    lines = head.split("\r\n")
    fields = {n.lower(): v for n, v in (l.split(": ", 1) for l in lines[1:] if l)}
    left, body = int(fields.get("content-length", 0)), b""
    while len(body) < left:
        body += connection.recv(left - len(body))
    json_reply(connection, {"method": lines[0].split()[0], "fields": fields, "body": body.decode()})


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE * 10, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def config(host, **more):
    every = {"input_headers": ["*"]}
    return dict({"use_h2c": True, "timeout": "3600s", "endpoints": [
        endpoint("/echo", host, **every), endpoint("/echo", host, method="POST", **every),
        no_op("/long", host), no_op("/long", host, method="POST")]}, **more)


class Clients(unittest.TestCase):
    def curl(self, gateway, *more):
        """Version, status and body."""
        code, text = run("curl", "-s", "-m", str(PATIENCE), "-w", "\n%{http_version} %{http_code}", *more[:-1],
                         "http://127.0.0.1:%d%s" % (gateway.port, more[-1]))
        self.assertEqual(0, code)
        body, _, last = text.rpartition("\n")
        return last, body

    def test_curl(self):
        for more in ({}, {"extra_config": {"router": {"use_h2c": True}}, "use_h2c": False}):
            with Backend(echo) as backend, Gateway(config(backend.host, **more)) as gateway:
                for how in ("--http2-prior-knowledge", "--http2"):
                    self.assertEqual("2 200", self.curl(gateway, how, "/echo")[0])
                    last, body = self.curl(gateway, how, "-d", "a=b", "-H", "X-Own: 1", "/echo")
                    self.assertEqual("2 200", last)
                    seen = json.loads(body)
                    self.assertEqual(("POST", "a=b", "1"), (seen["method"], seen["body"], seen["fields"]["x-own"]))
                    self.assertNotIn("upgrade", seen["fields"])
                    self.assertNotIn("http2-settings", seen["fields"])
                    self.assertEqual("2 404", self.curl(gateway, how, "/missing")[0])
                    self.assertEqual(("2 404", ""), self.curl(gateway, how, "-I", "-o", "/dev/null", "/missing"))
                self.assertEqual("1.1 200", self.curl(gateway, "--http1.1", "/echo")[0])
                # a request too long to be kept goes on in HTTP/1
                last, body = self.curl(gateway, "--http2", "-H", "Expect:", "-d", "x" * 30000, "/echo")
                self.assertEqual("1.1 200", last)
                self.assertEqual(30000, len(json.loads(body)["body"]))

    def test_not_offered(self):
        with Backend(echo) as backend, Gateway(config(backend.host, use_h2c=False)) as gateway:
            self.assertEqual("1.1 200", self.curl(gateway, "--http2", "/echo")[0])
            code, _ = run("curl", "-s", "--http2-prior-knowledge", "http://127.0.0.1:%d/echo" % gateway.port)
            self.assertNotEqual(0, code)

    @unittest.skipUnless(shutil.which("nghttp"), "no nghttp")
    def test_nghttp(self):
        with Backend(echo) as backend, Gateway(config(backend.host)) as gateway:
            url = "http://127.0.0.1:%d/echo" % gateway.port
            for how in ([], ["-u"], ["--no-dep", "--padding=100"], ["--continuation"], ["--header-table-size=0"], ["-w", "3"], ["-m", "20"]):
                code, text = run("nghttp", *(["-v"] + how + [url]))
                self.assertEqual(0, code)
                self.assertIn(":status: 200", text, how)
                self.assertNotIn("ERROR", text.replace("NO_ERROR", ""), how)

    @unittest.skipUnless(shutil.which("h2load"), "no h2load")
    def test_h2load(self):
        with Backend(echo) as backend, Gateway(config(backend.host)) as gateway:
            code, text = run("h2load", "-n", "2000", "-c", "8", "-m", "50", "http://127.0.0.1:%d/echo" % gateway.port)
            self.assertEqual(0, code)
            self.assertIn("2000 succeeded, 0 failed, 0 errored", text)

    @unittest.skipUnless(shutil.which("nghttp"), "no nghttp")
    def test_several_at_once(self):
        """One connection, many requests of very different lengths."""
        def serve(connection, head):
            n = int(head.split()[1].rpartition("=")[2])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n + b"x" * n)
        with Backend(serve) as backend, Gateway({"use_h2c": True, "timeout": "60s", "endpoints": [
                no_op("/n", backend.host, input_query_strings=["n"])]}) as gateway:
            sizes = [0, 1, 16384, 16385, 65535, 65536, 1000000] * 5
            urls = ["http://127.0.0.1:%d/n?n=%d&k=%d" % (gateway.port, n, k) for k, n in enumerate(sizes)]
            code, text = run("nghttp", *urls)
            self.assertEqual((0, sum(sizes)), (code, text.count("x")))
            code, text = run("nghttp", "-n", "-s", *urls)
            self.assertEqual(0, code)
            self.assertEqual(len(sizes), len(re.findall(r"^ *[0-9]+ .* 200 .*/n\?n=[0-9]+&k=[0-9]+$", text, re.M)), text)


class Long(unittest.TestCase):
    def test_both_ways(self):
        """Every byte arrives, and the gateway's memory stays where it was."""
        block = os.urandom(1 << 20)
        wanted, got = hashlib.sha256(), []
        for _ in range(SIZE >> 20):
            wanted.update(block)

        def serve(connection, head):
            if head.startswith("GET"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
                for _ in range(SIZE >> 20):
                    connection.sendall(block)
                return
            seen, left = hashlib.sha256(), SIZE
            while left:
                data = connection.recv(min(left, 1 << 20))
                seen.update(data)
                left -= len(data)
            got.append(seen.hexdigest())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with Backend(serve) as backend, Gateway(config(backend.host)) as gateway, tempfile.TemporaryDirectory() as folder:
            gateway.get("/__health")
            first, top, over = gateway.memory_kb(), [0], threading.Event()

            def watch():
                while not over.is_set():
                    top[0] = max(top[0], gateway.memory_kb())
                    time.sleep(0.05)
            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                url = "http://127.0.0.1:%d/long" % gateway.port
                down = subprocess.Popen(["curl", "-s", "--http2-prior-knowledge", url], stdout=subprocess.PIPE)
                seen = hashlib.sha256()
                for data in iter(lambda: down.stdout.read(1 << 20), b""):
                    seen.update(data)
                self.assertEqual(0, down.wait())
                down.stdout.close()
                self.assertEqual(wanted.hexdigest(), seen.hexdigest())
                path = os.path.join(folder, "up")
                with open(path, "wb") as f:
                    for _ in range(SIZE >> 20):
                        f.write(block)
                self.assertEqual((0, "ok"), run("curl", "-s", "--http2-prior-knowledge", "-X", "POST", "-T", path, url))
                self.assertEqual([wanted.hexdigest()], got)
            finally:
                over.set()
                watcher.join()
            self.assertLess(top[0] - first, GROWTH_KB)


if __name__ == "__main__":
    unittest.main()
