"""Backends over https, and the proxies of the environment, against the running gateway."""
import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from gateway import Backend, Gateway, endpoint, eventually, json_reply, no_op

# The kit's certificates: a CA, and one for localhost and 127.0.0.1 that it signed.
CASE = os.path.join(os.path.dirname(__file__), "..", "conformance", "cases", "security", "client_tls", "ca_certs.json")


def certificates(folder):
    with open(CASE, encoding="utf-8") as f:
        for name, text in json.load(f)["files"].items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)


class TlsBackend(Backend):
    """A backend that speaks TLS; counts its connections and how many of them resumed a session."""

    def __init__(self, serve, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
        self.connections = self.resumed = 0
        super().__init__(serve)
        self.host = "https://127.0.0.1:%d" % self.port

    def run(self, connection):
        try:
            secure = self.context.wrap_socket(connection, server_side=True)
        except (OSError, ssl.SSLError):
            connection.close()
            return
        self.connections += 1
        self.resumed += secure.session_reused
        super().run(secure)


class Proxy:
    """A proxy that knows CONNECT and the absolute form; every name leads to 127.0.0.1 and the port that was asked for."""

    def __init__(self, refuse=None):
        self.heads, self.refuse = [], refuse
        self.backend = Backend(self.serve)
        self.url = "http://user:secret@127.0.0.1:%d" % self.backend.port

    def serve(self, connection, head):
        self.heads.append(head)
        method, target = head.split(" ")[:2]
        if self.refuse:
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % self.refuse)
            return False
        if method != "CONNECT":
            json_reply(connection, {"asked": target})
            return True
        with socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1]))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self.carry, args=(onward, connection), daemon=True)
            back.start()
            self.carry(connection, onward)
            back.join()
        return False

    @staticmethod
    def carry(source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.backend.__exit__()


class Https(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="krakend-https-")
        self.addCleanup(self.folder.cleanup)
        certificates(self.folder.name)
        self.ca = os.path.join(self.folder.name, "ca.pem")

    def backend(self, serve):
        return TlsBackend(serve, self.folder.name)

    def config(self, *endpoints, **more):
        return dict({"endpoints": list(endpoints), "client_tls": dict({"ca_certs": [self.ca]}, **more)})

    def test_connections_are_kept(self):
        with self.backend(lambda c, head: json_reply(c, {"ok": True})) as b, \
                Gateway(self.config(endpoint("/a", b.host)), env={"GOMAXPROCS": "1"}) as g:
            for _ in range(20):
                self.assertEqual(g.get("/a"), (200, b'{"ok":true}'))
            self.assertEqual(b.connections, 1)

    def test_sessions_are_resumed(self):
        def serve(connection, head):
            json_reply(connection, {"ok": True})
            return False

        with self.backend(serve) as b, Gateway(self.config(endpoint("/a", b.host)), env={"GOMAXPROCS": "1"}) as g:
            for n in range(1, 6):
                self.assertEqual(g.get("/a")[0], 200)
                self.assertEqual(b.connections, n)
            self.assertEqual(b.resumed, 4)

    def test_bodies(self):
        """Large bodies both ways come through whole."""
        sent = os.urandom(1 << 20) * 6

        def serve(connection, head):
            body = connection.makefile("rb").read(int(re.search(r"Content-Length: (\d+)", head).group(1)))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            connection.sendall(body)
            return False

        with self.backend(serve) as b, Gateway(self.config(no_op("/a", b.host, method="POST"))) as g:
            c = g.connect()
            c.request("POST", "/a", body=sent)
            answer = c.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.read(), sent)
            c.close()

    def test_truncation(self):
        """Half a body must not look like a whole one."""
        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
            return False

        with self.backend(serve) as b, Gateway(self.config(no_op("/a", b.host))) as g:
            c = g.connect()
            c.request("GET", "/a")
            with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                c.getresponse().read()
            c.close()

    def test_plain_backend(self):
        """A backend that does not speak TLS is named as such in the log."""
        def serve(connection):
            connection.recv(512)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            def accept():
                connection, _ = listener.accept()
                with connection:
                    serve(connection)
            threading.Thread(target=accept, daemon=True).start()
            host = "https://127.0.0.1:%d" % listener.getsockname()[1]
            with Gateway(self.config(endpoint("/a", host)), stdout=subprocess.PIPE) as g:
                self.assertEqual(g.get("/a")[0], 500)
                g.terminate()
                log = g.process.stdout.read().decode()
        self.assertIn('Get "%s/a": http: server gave HTTP response to HTTPS client' % host, log)

    def test_reload(self):
        """Connections outlive a reload that changes nothing about TLS, and no other."""
        with self.backend(lambda c, head: json_reply(c, {"ok": True})) as b, \
                Gateway(self.config(endpoint("/a", b.host)), env={"GOMAXPROCS": "1"}) as g:
            self.assertEqual(g.get("/a")[0], 200)

            def reload(path, **more):
                g.write(self.config(endpoint("/a", b.host), endpoint(path, b.host), **more))
                g.signal(signal.SIGHUP)
                eventually(lambda: g.get(path)[0] == 200, "the gateway has reloaded")

            reload("/b")
            self.assertEqual(b.connections, 1)
            reload("/c", min_version="TLS12")
            self.assertEqual(g.get("/a")[0], 200)
            self.assertEqual(b.connections, 2)

    def test_proxies(self):
        with self.backend(lambda c, head: json_reply(c, {"secure": True})) as b, Proxy() as p:
            config = self.config(endpoint("/plain", "http://backend.test:8080"),
                                 endpoint("/secure", "https://backend.test:%d" % b.port),
                                 allow_insecure_connections=True)
            env = {"HTTP_PROXY": p.url, "HTTPS_PROXY": p.url, "NO_PROXY": "", "GOMAXPROCS": "1"}
            with Gateway(config, env=env) as g:
                credentials = "Proxy-Authorization: Basic " + base64.b64encode(b"user:secret").decode()
                for _ in range(2):
                    self.assertEqual(g.get("/plain"), (200, b'{"asked":"http://backend.test:8080/plain"}'))
                    self.assertEqual(g.get("/secure"), (200, b'{"secure":true}'))
                plain = [h for h in p.heads if h.startswith("GET ")]
                tunnels = [h for h in p.heads if h.startswith("CONNECT ")]
                self.assertEqual((len(plain), len(tunnels), b.connections), (2, 1, 1))
                self.assertTrue(tunnels[0].startswith("CONNECT backend.test:%d HTTP/1.1\r\nHost: backend.test:%d\r\n"
                                                      % (b.port, b.port)))
                self.assertIn(credentials, plain[0])
                self.assertIn("Host: backend.test:8080\r\n", plain[0])
                self.assertIn(credentials, tunnels[0])

    def test_proxy_that_refuses(self):
        with Proxy(refuse=b"407 Proxy Authentication Required") as p, \
                Gateway(self.config(endpoint("/a", "https://backend.test")), stdout=subprocess.PIPE,
                        env={"HTTPS_PROXY": p.url, "NO_PROXY": ""}) as g:
            self.assertEqual(g.get("/a")[0], 500)
            g.terminate()
            self.assertIn('Get "https://backend.test/a": Proxy Authentication Required', g.process.stdout.read().decode())

    def test_proxy_that_is_not_there(self):
        with Gateway(self.config(endpoint("/a", "https://backend.test")), stdout=subprocess.PIPE,
                     env={"HTTPS_PROXY": "127.0.0.1:1", "NO_PROXY": ""}) as g:
            self.assertEqual(g.get("/a")[0], 500)
            g.terminate()
            self.assertIn("proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
                          g.process.stdout.read().decode())


if __name__ == "__main__":
    unittest.main()
