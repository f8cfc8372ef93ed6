#!/usr/bin/env python3
"""The rules of RFC 9113 and RFC 7541, one by one, against a running server.

    tests/http2/run.py [--bin KRAKEND | --nginx | --target HOST:PORT] [--verbose] [SECTION …]

Without --target a server is started: the gateway (build/krakend, $KD_BIN or --bin) with a backend of our own, or nginx with
HTTP/2 on a plain port. A target needs: GET / (200, a short body), /large (200, 300 000 bytes at least), POST /post (200, any
body), a path that is missing. Ends with one line: passed, failed, not tried. Needs python3-h2's hpack.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]
import gateway as kit  # noqa: E402
import peer  # noqa: E402
import rules_frames  # noqa: E402,F401
import rules_hpack  # noqa: E402,F401
import rules_http  # noqa: E402,F401

LARGE = 512 * 1024


class Target:
    """Where a server is, and which of its paths do what."""

    def __init__(self, host, port, echo=None, stuck=None, head="/"):
        self.host, self.port, self.name = host, port, "%s:%d" % (host, port)
        self.get, self.large, self.post, self.missing, self.head = "/", "/large", "/post", "/missing", head
        self.echo, self.stuck = echo, stuck

    def has(self, need):
        return bool(getattr(self, need))


def serve(connection, head):
    """The backend: an echo of what it was asked, a long body, and one that never reads."""
    lines = head.split("\r\n")
    method, path = lines[0].split()[:2]
    fields = [l.split(": ", 1) for l in lines[1:] if l]
    if path == "/stuck":
        time.sleep(3600)
    if path == "/large":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % LARGE + b"l" * LARGE)
        return
    named = {n.lower(): v for n, v in fields}
    left = int(named.get("content-length", 0))
    while left:
        left -= len(connection.recv(min(left, 1 << 16)))
    if named.get("transfer-encoding") == "chunked":
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data = data[-8:] + connection.recv(1 << 16)
    kit.json_reply(connection, {"headers": fields, "method": method, "path": path})


def gateway_config(host):
    every = {"input_headers": ["*"]}
    return {"use_h2c": True, "timeout": "3600s", "endpoints": [
        kit.endpoint("/echo", host, **every),
        kit.endpoint("/", host), kit.no_op("/large", host), kit.no_op("/post", host, method="POST"),
        kit.no_op("/stuck", host, method="POST")], "extra_config": {"router": {"disable_access_log": True}}}


class Nginx:
    """nginx of the Debian package, with HTTP/2 by prior knowledge on a plain port."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="http2-nginx-")
        self.port = kit.free_port()
        os.chmod(self.folder, 0o755)
        with open(os.path.join(self.folder, "large"), "wb") as f:
            f.write(b"l" * LARGE)
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write("daemon off; master_process off; worker_processes 1; pid %(d)s/pid; error_log /dev/null;\nevents {}\nhttp {\n access_log off;\n"
                    " client_body_temp_path %(d)s/body; proxy_temp_path %(d)s/p; fastcgi_temp_path %(d)s/f; uwsgi_temp_path %(d)s/u;"
                    " scgi_temp_path %(d)s/s;\n"
                    " server {\n  listen 127.0.0.1:%(p)d http2;\n  client_max_body_size 0;\n  root %(d)s;\n"
                    "  location = / { return 200 \"small\\n\"; }\n"
                    "  location = /post { proxy_pass http://127.0.0.1:%(b)d; }\n }\n"
                    " server { listen 127.0.0.1:%(b)d; client_max_body_size 0; location / { return 200 \"taken\\n\"; } }\n}\n"
                    % {"d": self.folder, "p": self.port, "b": kit.free_port()})
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def up():
            if self.process.poll() is not None:
                raise AssertionError("nginx ended with %s" % self.process.returncode)
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        kit.eventually(up, "nginx listens")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def attempt(target, function):
    """'passed', 'failed' or 'not tried', and why."""
    try:
        function(target)
        return "passed", ""
    except peer.NotTried as e:
        return "not tried", str(e)
    except peer.Wrong as e:
        return "failed", str(e)
    except Exception:
        return "failed", traceback.format_exc()


def run(target, sections, verbose):
    counts = {"passed": 0, "failed": 0, "not tried": 0}
    for section, text, needs, function in peer.RULES:
        if sections and not any(section.endswith(" " + s) or (" " + s + ".") in section for s in sections):
            continue
        missing = [n for n in needs if not target.has(n)]
        result, why = ("not tried", "the target has no " + ", ".join(missing)) if missing else attempt(target, function)
        if result == "failed" and attempt(target, function)[0] == "passed":
            result, why = "passed", "on the second try (at first: %s)" % why
        counts[result] += 1
        if verbose or result != "passed" or why:
            print("%-9s %s: %s%s" % (result, section, text, " (%s)" % why if why else ""), flush=True)
    print("%d passed, %d failed, %d not tried" % (counts["passed"], counts["failed"], counts["not tried"]), flush=True)
    return counts["failed"] == 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sections", nargs="*", metavar="SECTION")
    p.add_argument("--bin")
    p.add_argument("--nginx", action="store_true")
    p.add_argument("--target")
    p.add_argument("--verbose", action="store_true")
    o = p.parse_args()
    if o.target:
        host, _, port = o.target.rpartition(":")
        ok = run(Target(host, int(port)), o.sections, o.verbose)
    elif o.nginx:
        with Nginx() as server:
            ok = run(Target("127.0.0.1", server.port), o.sections, o.verbose)
    else:
        if o.bin:
            kit.BINARY = os.path.abspath(o.bin)
        with kit.Backend(serve) as backend, kit.Gateway(gateway_config(backend.host)) as server:
            ok = run(Target("127.0.0.1", server.port, "/echo", "/stuck", "/missing"), o.sections, o.verbose)
            if server.process.poll() is not None:
                print("the gateway ended with %s" % server.process.returncode)
                ok = False
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
