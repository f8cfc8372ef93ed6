"""Signals: SIGHUP reloads without losing a request, SIGTERM drains, as process 1 too; a log that nobody reads blocks nothing."""
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from gateway import PATIENCE, Backend, Gateway, endpoint, eventually, free_port, json_reply

RELOADS = 20
CLIENTS = 8


def with_static(host, value):
    """A configuration whose answer tells which generation gave it."""
    return {"timeout": "20s", "endpoints": [
        endpoint("/generation", host, extra_config={"proxy": {"static": {"strategy": "always", "data": {"generation": value}}}})]}


class Load(threading.Thread):
    """A keep-alive client that asks again and again, and keeps count of what went wrong."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.stop, self.answers, self.wrong, self.seen = gateway, False, 0, [], set()

    def run(self):
        client = self.gateway.connect()
        while not self.stop:
            try:
                client.request("GET", "/generation")
                answer = client.getresponse()
                body = json.loads(answer.read())
                if answer.status != 200:
                    self.wrong.append("status %d" % answer.status)
                self.seen.add(body.get("generation"))
                self.answers += 1
                if answer.getheader("Connection", "").lower() == "close":
                    client.close()
            except (OSError, ValueError, EOFError) as e:
                self.wrong.append("%s: %s" % (type(e).__name__, e))
                client.close()
                client = self.gateway.connect()
            except Exception as e:  # http.client has errors of its own for a connection that was cut
                self.wrong.append("%s: %s" % (type(e).__name__, e))
                client.close()
                client = self.gateway.connect()
        client.close()


class Reload(unittest.TestCase):
    def test_no_request_is_lost(self):
        with Backend(lambda c, h: json_reply(c, {})) as backend, Gateway(with_static(backend.host, 0)) as gateway:
            clients = [Load(gateway) for _ in range(CLIENTS)]
            for c in clients:
                c.start()
            for i in range(1, RELOADS + 1):
                gateway.write(with_static(backend.host, i))
                gateway.signal(signal.SIGHUP)
                eventually(lambda: all(i in c.seen or not c.is_alive() for c in clients), "every client sees generation %d" % i)
            for c in clients:
                c.stop = True
            for c in clients:
                c.join(PATIENCE)
            self.assertEqual([], [w for c in clients for w in c.wrong])
            self.assertTrue(all(c.answers > RELOADS for c in clients))

    def test_broken_configuration_replaces_nothing(self):
        with Backend(lambda c, h: json_reply(c, {})) as backend, Gateway(with_static(backend.host, 1)) as gateway:
            for broken in ("{", json.dumps({"version": 2}), json.dumps({"version": 3, "endpoints": "none"})):
                gateway.write(broken)
                gateway.signal(signal.SIGHUP)
                time.sleep(0.3)
                self.assertEqual((200, {"generation": 1}), self.generation(gateway))
            gateway.write(with_static(backend.host, 2))
            gateway.signal(signal.SIGHUP)
            eventually(lambda: self.generation(gateway)[1] == {"generation": 2}, "a good configuration is taken afterwards")

    @staticmethod
    def generation(gateway):
        status, body = gateway.get("/generation")
        return status, json.loads(body)


class Terminate(unittest.TestCase):
    def drain(self, prefix=()):
        """Requests in flight are answered, new ones are refused, the process ends with 0."""
        release, asked = threading.Event(), []

        def serve(connection, head):
            asked.append(1)
            release.wait(PATIENCE)
            json_reply(connection, {"served": True})

        with Backend(serve) as backend, Gateway({"timeout": "50s", "endpoints": [endpoint("/slow", backend.host)]}, prefix) as gateway:
            answers = []
            clients = [threading.Thread(target=lambda: answers.append(gateway.get("/slow")), daemon=True) for _ in range(CLIENTS)]
            for c in clients:
                c.start()
            eventually(lambda: len(asked) == CLIENTS, "all requests are with the backend")
            gateway.signal(signal.SIGTERM)

            def refused():
                with socket.socket() as s:
                    return s.connect_ex(("127.0.0.1", gateway.port)) != 0

            eventually(refused, "new connections are refused")
            release.set()
            for c in clients:
                c.join(PATIENCE)
            self.assertEqual([(200, b'{"served":true}')] * CLIENTS, answers)
            self.assertEqual(0, gateway.ended())

    def test_drain(self):
        self.drain()

    def test_idle_connections_do_not_hold_the_end(self):
        with Backend(lambda c, h: json_reply(c, {})) as backend, Gateway(with_static(backend.host, 0)) as gateway:
            idle = [gateway.connect() for _ in range(CLIENTS)]
            for c in idle:
                c.request("GET", "/generation")
                c.getresponse().read()
            self.assertEqual(0, gateway.terminate())
            for c in idle:
                c.close()

    @unittest.skipUnless(os.geteuid() == 0, "process namespaces need root")
    def test_drain_as_process_one(self):
        probe = subprocess.run(["unshare", "--pid", "--fork", "true"], stderr=subprocess.DEVNULL)
        if probe.returncode != 0:
            self.skipTest("process namespaces are not allowed here")
        self.drain(("unshare", "--pid", "--fork", "--kill-child"))


class Pipes(unittest.TestCase):
    def test_full_stdout_blocks_nothing(self):
        config = {"endpoints": [endpoint("/x", "http://127.0.0.1:%d" % free_port())],
                  "extra_config": {"telemetry/logging": {"level": "DEBUG", "stdout": True}}}
        with Gateway(config, stdout=subprocess.PIPE) as gateway:
            client = gateway.connect()
            for _ in range(3000):  # each writes a line for the access and one for the refused backend: far more than a pipe holds
                client.request("GET", "/x")
                answer = client.getresponse()
                answer.read()
                self.assertEqual(500, answer.status)
                if answer.will_close:
                    client.close()
            client.close()
            self.assertEqual(0, gateway.terminate())

    def test_closed_stdout_kills_nothing(self):
        with Gateway({"endpoints": [endpoint("/x", "http://127.0.0.1:%d" % free_port())]}, stdout=subprocess.PIPE) as gateway:
            gateway.process.stdout.close()
            for _ in range(50):
                self.assertEqual(500, gateway.get("/x")[0])
            self.assertEqual(0, gateway.terminate())


class Cancellation(unittest.TestCase):
    def cancelled(self, **more):
        """The client goes away: the backend sees its connection closed long before the timeout."""
        asked, gone = threading.Event(), threading.Event()

        def serve(connection, head):
            asked.set()
            connection.settimeout(PATIENCE)
            if connection.recv(1) == b"":
                gone.set()
            return False

        with Backend(serve) as backend, \
                Gateway({"timeout": "3600s", "endpoints": [endpoint("/slow", backend.host, **more)]}) as gateway:
            client = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
            self.assertTrue(asked.wait(PATIENCE))
            client.close()
            self.assertTrue(gone.wait(PATIENCE), "the backend's connection stayed open")
            self.assertEqual(200, gateway.get("/__health")[0])

    def test_json(self):
        self.cancelled()

    def test_no_op(self):
        self.cancelled(output_encoding="no-op")

    def test_within_the_body(self):
        gone = threading.Event()

        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
                    time.sleep(0.01)
            except OSError:
                gone.set()
            return False

        config = {"timeout": "3600s", "endpoints": [endpoint("/slow", "", output_encoding="no-op")]}
        with Backend(serve) as backend:
            config["endpoints"][0]["backend"][0].update(host=[backend.host], encoding="no-op")
            with Gateway(config) as gateway:
                client = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
                client.sendall(b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
                self.assertIn(b"200", client.recv(4096))
                client.close()
                self.assertTrue(gone.wait(PATIENCE), "the backend could go on writing")


if __name__ == "__main__":
    unittest.main()
