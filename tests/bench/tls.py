#!/usr/bin/env python3
"""CPU per request over TLS and HTTP/2, per handshake, and memory of an idle TLS connection, beside nginx.

    tests/bench/tls.py [--rounds 5] [--requests 20000] [--bin PATH] [--memory]

Both proxies have one worker on core 0, one P-256 certificate and the curve P-256; clients (h2load) and the backend (load.c)
run on core 1. In each round both are measured, in alternating order; figures are medians of CPU time over nginx's. Memory is
measured on processes that have just started: one that has had load fills the room that it has kept, which no difference shows.
--memory measures that alone. Needs nginx, h2load, openssl, gcc.
"""
import argparse
import json
import os
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build", "bench")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from run import BACKEND, build  # noqa: E402

OURS, NGINX, IDLE = 9444, 9445, 2000
CONF = """worker_processes 1; daemon off; master_process on; pid run/tls.pid; error_log run/tls.err error; user root; worker_rlimit_nofile 19000;
events { worker_connections 15000; multi_accept on; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_temp_path run/tb; proxy_temp_path run/tp; fastcgi_temp_path run/tf; uwsgi_temp_path run/tu; scgi_temp_path run/ts;
  upstream be { server 127.0.0.1:%d; keepalive 512; keepalive_requests 100000000; }
  server { listen 127.0.0.1:%d ssl http2 backlog=4096; ssl_certificate chain.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    ssl_ecdh_curve prime256v1; ssl_session_tickets off; ssl_session_cache off; http2_max_requests 100000000;
    location / { proxy_pass http://be; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
"""


def start(command, port, env=None):
    p = subprocess.Popen(["taskset", "-c", "0"] + command, cwd=WORK, env=dict(os.environ, **(env or {})), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    while True:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        if p.poll() is not None:
            sys.exit("%s did not start" % command[0])
        time.sleep(0.01)
    time.sleep(0.3)
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid), encoding="utf-8") as f:
        children = f.read().split()
    return p, int((children or [p.pid])[0])


def cpu(pid):
    """Seconds of CPU that the process has used."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="utf-8") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def dirty(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="utf-8") as f:
        return int(f.read().split("Private_Dirty:")[1].split()[0]) * 1024


def load(pid, port, n, *options):
    before = cpu(pid)
    done = subprocess.run(["taskset", "-c", "1", "h2load", "-n", str(n), *options, "https://127.0.0.1:%d/api/v1/users/42" % port],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "%d succeeded" % n not in done.stdout:
        sys.exit(done.stdout)
    return (cpu(pid) - before) / n * 1e6


def idle(pid, port):
    """Bytes of private memory for each of many idle connections that have made one request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before, held = dirty(pid), []
    for _ in range(IDLE):
        s = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        s.sendall(b"GET /api/v1/users/42 HTTP/1.1\r\nHost: a\r\n\r\n")
        s.recv(1 << 16)
        held.append(s)
    time.sleep(3)
    found = (dirty(pid) - before) / IDLE
    for s in held:
        s.close()
    return found


class Started:
    """The servers while they run: the number of the process of each that does the work."""

    def __init__(self, servers):
        self.servers, self.running = servers, []

    def __enter__(self):
        pids = []
        for server in self.servers:
            process, pid = start(*server)
            self.running.append(process)
            pids.append(pid)
        return pids

    def __exit__(self, *_):
        for process in self.running:
            process.terminate()
            process.wait()


def work(opts, pids):
    rows = [("TLS 1.3, keep-alive, no-op 300 B", 0.90, opts.requests, ["--h1", "-c", "64"]),
            ("a new connection each", 1.05, 2000, ["--h1", "-c", "2000", "-r", "400"]),
            ("HTTP/2 over TLS, 10 streams", 0.90, opts.requests, ["-c", "8", "-m", "10"])]
    for name, must, n, options in rows:
        found = [[], []]
        for r in range(opts.rounds):
            for i in ((0, 1), (1, 0))[r % 2]:
                found[i].append(load(pids[i], (OURS, NGINX)[i], n, *options))
        ratios = [a / b for a, b in zip(*found)]
        print("%-34s krakend %.2f (%.2f..%.2f), must %.2f; %.1f us, nginx %.1f us" % (
            name, statistics.median(ratios), min(ratios), max(ratios), must, *(statistics.median(f) for f in found)), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--requests", type=int, default=20000)
    p.add_argument("--bin", default=os.path.join(TOP, "build", "krakend"))
    p.add_argument("--memory", action="store_true")
    opts = p.parse_args()
    os.makedirs(os.path.join(WORK, "run"), exist_ok=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (19000, max(19000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    chain, key = os.path.join(WORK, "chain.pem"), os.path.join(WORK, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=bench", "-keyout", key, "-out", chain], check=True, stderr=subprocess.DEVNULL)
    with open(os.path.join(HERE, "krakend.json"), encoding="utf-8") as f:
        config = json.load(f)
    config.update(port=OURS, tls={"keys": [{"public_key": chain, "private_key": key}], "curve_preferences": [23]})
    with open(os.path.join(WORK, "tls.json"), "w", encoding="utf-8") as f:
        json.dump(config, f)
    with open(os.path.join(WORK, "tls.conf"), "w", encoding="utf-8") as f:
        f.write(CONF % (BACKEND, NGINX))
    backend = subprocess.Popen(["taskset", "-c", "1", build(os.path.join(HERE, "load.c"), "load"), "-p", "0", "-b", str(BACKEND), "-s", "300"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    servers = [([os.path.abspath(opts.bin), "run", "-c", "tls.json"], OURS, {"GOMAXPROCS": "1", "USAGE_DISABLE": "1"}),
               (["nginx", "-p", WORK + "/", "-c", os.path.join(WORK, "tls.conf")], NGINX)]
    try:
        if not opts.memory:
            with Started(servers) as pids:
                work(opts, pids)
        with Started(servers) as pids:
            found = [idle(pid, port) for pid, port in zip(pids, (OURS, NGINX))]
        print("memory of an idle TLS connection: krakend %.0f bytes, nginx %.0f" % tuple(found), flush=True)
    finally:
        backend.kill()


if __name__ == "__main__":
    main()
