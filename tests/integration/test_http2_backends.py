"""HTTP/2 to backends: one connection for many calls, what a server may refuse, reset or end, and what then happens."""
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from gateway import PATIENCE, Gateway, endpoint, eventually, free_port, no_op

try:
    import h2.config
    import h2.connection
    import h2.errors
    import h2.events
    import h2.exceptions
    import h2.settings
except ImportError:
    h2 = None


class Server:
    """A backend that speaks HTTP/2 by a script: `answer(server, connection, stream, fields, body)` for each whole request."""

    def __init__(self, answer, streams=100, context=None):
        self.answer, self.streams, self.context = answer, streams, context
        self.lock, self.connections, self.requests, self.most = threading.Lock(), 0, [], 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.host = "http%s://127.0.0.1:%d" % ("s" * bool(context), self.socket.getsockname()[1])

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self):
        while True:
            try:
                s = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with self.lock:
            self.connections += 1
        try:
            if self.context:
                s = self.context.wrap_socket(s, server_side=True)
            self.speak(s)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        s.close()

    def speak(self, s):
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        c.local_settings = h2.settings.Settings(client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.streams})
        c.initiate_connection()
        s.sendall(c.data_to_send())
        open_streams = {}
        while True:
            data = s.recv(1 << 16)
            if not data:
                return
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    open_streams[event.stream_id] = [dict(event.headers), b""]
                    self.most = max(self.most, len(open_streams))
                elif isinstance(event, h2.events.DataReceived):
                    c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    open_streams[event.stream_id][1] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    fields, body = open_streams.pop(event.stream_id)
                    with self.lock:
                        self.requests.append((fields, body))
                    self.answer(self, c, event.stream_id, fields, body)
                elif isinstance(event, h2.events.StreamReset):
                    open_streams.pop(event.stream_id, None)
                elif isinstance(event, h2.events.WindowUpdated):
                    self.more(c)
            s.sendall(c.data_to_send())

    waiting = None

    def more(self, c):
        """Sends on of what did not fit into the windows."""
        for stream, body in list((self.waiting or {}).items()):
            n = min(c.local_flow_control_window(stream), c.max_outbound_frame_size, len(body))
            while n:
                c.send_data(stream, body[:n], end_stream=n == len(body))
                body = body[n:]
                n = min(c.local_flow_control_window(stream), c.max_outbound_frame_size, len(body))
            self.waiting[stream] = body
            if not body:
                del self.waiting[stream]

    def send(self, c, stream, body, status=200, **fields):
        c.send_headers(stream, [(":status", str(status)), ("content-type", "application/json")] + list(fields.items()))
        self.waiting = dict(self.waiting or {})
        self.waiting[stream] = body
        self.more(c)


def plain(server, c, stream, fields, body):
    server.send(c, stream, b'{"path":"%s","n":%d}' % (fields[":path"].encode(), len(body)))


def http2(config, mode="h2c"):
    for e in config["endpoints"]:
        for b in e["backend"]:
            b["extra_config"] = {"gateway/http2": {"mode": mode}}
    return config


def two(host, **more):
    post = dict(no_op("/post", host), method="POST", input_headers=["*"])
    return dict({"timeout": "%ds" % PATIENCE, "endpoints": [endpoint("/json", host), no_op("/raw", host), post]}, **more)


@unittest.skipUnless(h2, "python3-h2 is not installed")
class Backends(unittest.TestCase):
    def ask(self, gateway, target="/json", method="GET", body=None, headers=None):
        c = gateway.connect()
        c.request(method, target, body=body, headers=headers or {})
        r = c.getresponse()
        found = r.status, r.read()
        c.close()
        return found

    def test_fields(self):
        """What a request looks like there, and that one connection is enough for one after the other."""
        with Server(plain) as server, Gateway(http2(two(server.host)), env={"GOMAXPROCS": "1"}) as gateway:
            self.assertEqual((200, b'{"n":0,"path":"/json"}'), self.ask(gateway))
            self.assertEqual((200, b'{"path":"/raw","n":0}'), self.ask(gateway, "/raw"))
            status, body = self.ask(gateway, "/post", "POST", b"x" * 300000, {"X-Mine": "1", "TE": "gzip", "Content-Type": "a/b"})
            self.assertEqual((200, b'{"path":"/post","n":300000}'), (status, body))
            self.assertEqual(1, server.connections)
            fields = server.requests[0][0]
            self.assertEqual(("GET", "http", server.host[7:], "/json"), tuple(fields[":" + k] for k in ("method", "scheme", "authority", "path")))
            self.assertEqual(set(), {"host", "connection", "transfer-encoding"} & set(fields))
            self.assertEqual("1", server.requests[2][0]["x-mine"])

    def test_many_at_once(self):
        """Thirty-two clients at once: never more streams on a connection than the server allows, and nothing fails."""
        with Server(plain, streams=8) as server, Gateway(http2(two(server.host)), env={"GOMAXPROCS": "1"}) as gateway:
            seen, lock = [], threading.Lock()

            def client():
                for _ in range(25):
                    found = self.ask(gateway)
                    with lock:
                        seen.append(found)

            clients = [threading.Thread(target=client) for _ in range(32)]
            for c in clients:
                c.start()
            for c in clients:
                c.join(PATIENCE)
            self.assertEqual(800, len(seen))
            self.assertEqual({(200, b'{"n":0,"path":"/json"}')}, set(seen))
            self.assertLessEqual(server.most, 8)
            self.assertLess(server.connections, 64)

    def test_large_answers(self):
        """More than every window, to a client that reads it all."""
        big = b'{"a":"' + b"b" * 3000000 + b'"}'
        with Server(lambda s, c, stream, f, b: s.send(c, stream, big)) as server, Gateway(http2(two(server.host))) as gateway:
            for target in ("/json", "/raw"):
                status, body = self.ask(gateway, target)
                self.assertEqual((200, big), (status, body))

    def test_refused_and_goaway(self):
        """What the server has not looked at is asked for once more; what it resets is a failure."""
        turn = [0]

        def moody(server, c, stream, fields, body):
            turn[0] += 1
            if turn[0] == 1:
                c.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            elif turn[0] == 3:
                c.close_connection(last_stream_id=stream - 2)
            elif turn[0] == 5:
                c.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            else:
                plain(server, c, stream, fields, body)

        config = two("", extra_config={"router": {"return_error_msg": True}})
        with Server(moody) as server:
            for e in config["endpoints"]:
                e["backend"][0]["host"] = [server.host]
            with Gateway(http2(config), env={"GOMAXPROCS": "1"}) as gateway:
                self.assertEqual((200, b'{"n":0,"path":"/json"}'), self.ask(gateway))
                self.assertEqual((200, b'{"path":"/post","n":0}'), self.ask(gateway, "/post", "POST", b""))
                status, body = self.ask(gateway)
                self.assertEqual(500, status)
                self.assertIn(b"INTERNAL_ERROR; received from peer", body)
                self.assertEqual(200, self.ask(gateway)[0])

    def test_not_http2(self):
        """A server that answers in HTTP/1.1 to HTTP/2, one that closes, one where nobody listens: failures, no hang."""
        def once(data):
            listener = socket.create_server(("127.0.0.1", 0))

            def run():
                while True:
                    try:
                        s = listener.accept()[0]
                    except OSError:
                        return
                    s.recv(1 << 16)
                    s.sendall(data)
                    s.close()
            threading.Thread(target=run, daemon=True).start()
            return listener

        for data in (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""):
            listener = once(data)
            with self.subTest(data), Gateway(http2(two("http://127.0.0.1:%d" % listener.getsockname()[1]))) as gateway:
                self.assertEqual(500, self.ask(gateway)[0])
                self.assertEqual(500, self.ask(gateway, "/raw")[0])
            listener.close()
        with Gateway(http2(two("http://127.0.0.1:%d" % free_port()))) as gateway:
            self.assertEqual(500, self.ask(gateway)[0])

    def test_client_leaves(self):
        """A client that goes away resets its stream; the connection and its other streams live."""
        held = []

        def hold(server, c, stream, fields, body):
            if fields[":path"] == "/raw":
                c.send_headers(stream, [(":status", "200")])
                c.send_data(stream, b"begun")
                held.append(stream)
            else:
                plain(server, c, stream, fields, body)

        with Server(hold) as server, Gateway(http2(two(server.host)), env={"GOMAXPROCS": "1"}) as gateway:
            s = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
            s.sendall(b"GET /raw HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(b"200", s.recv(1 << 16))
            s.close()
            for _ in range(5):
                self.assertEqual(200, self.ask(gateway)[0])
            self.assertEqual((1, 1), (len(held), server.connections))

    def test_alpn(self):
        folder = tempfile.mkdtemp()
        try:
            chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", chain], check=True, stderr=subprocess.DEVNULL)

            def context(*protocols):
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                made.load_cert_chain(chain, key)
                made.set_alpn_protocols(protocols)
                return made

            with Server(plain, context=context("h2")) as server:
                with Gateway(http2(two(server.host, allow_insecure_connections=True), "alpn"), env={"GOMAXPROCS": "1"}) as gateway:
                    for _ in range(3):
                        self.assertEqual((200, b'{"n":0,"path":"/json"}'), self.ask(gateway))
                    self.assertEqual(1, server.connections)
                    self.assertEqual("https", server.requests[0][0][":scheme"])
            listener = socket.create_server(("127.0.0.1", 0))

            def http1():
                while True:
                    try:
                        s = context("http/1.1").wrap_socket(listener.accept()[0], server_side=True)
                    except OSError:
                        return
                    data = s.recv(1 << 16)
                    if data.startswith(b"GET /json HTTP/1.1"):
                        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"old\":1}")
                    s.close()
            threading.Thread(target=http1, daemon=True).start()
            host = "https://127.0.0.1:%d" % listener.getsockname()[1]
            with Gateway(http2(two(host, allow_insecure_connections=True), "alpn")) as gateway:
                for _ in range(3):
                    self.assertEqual((200, b'{"old":1}'), self.ask(gateway))
            listener.close()
        finally:
            shutil.rmtree(folder)

    def test_wrong_mode(self):
        from gateway import BINARY
        config = http2(two("http://127.0.0.1:8080"), "h3")
        gateway = Gateway(config)
        try:
            done = subprocess.run([BINARY, "run", "-c", gateway.file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(b'expected "h2c" or "alpn"', done.stdout)
        finally:
            gateway.__exit__()


if __name__ == "__main__":
    unittest.main()
