"""What stands at the edge: CORS, security/http, bots, and what attackers try there."""
import http.client
import re
import shutil
import socket
import subprocess
import threading
import unittest

from gateway import PATIENCE, Backend, Gateway, endpoint, eventually, free_port, json_reply, no_op

PREFLIGHT = "Access-Control-Request-Method"


def raw(gateway, request):
    """Send bytes on a connection of their own; return status, [(name, value)] and body. Names as they came."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE) as s:
        s.sendall(request)
        answer = http.client.HTTPResponse(s, method=request.split(b" ", 1)[0].decode("latin1"))
        answer.begin()
        return answer.status, answer.getheaders(), answer.read()


def ask(gateway, target="/p", *fields, method="GET"):
    """One request with these fields, bytes or text; return status and {name: [values]}."""
    head = b"%s %s HTTP/1.1\r\nConnection: close\r\n" % (method.encode(), target.encode())
    if not any(name.lower() == "host" for name, _ in fields):
        head += b"Host: h.example\r\n"
    for name, value in fields:
        head += name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    status, answer, _ = raw(gateway, head + b"\r\n")
    found = {}
    for name, value in answer:
        found.setdefault(name, []).append(value)
    return status, found


def service(host, extra, more=()):
    return {"timeout": "10s", "endpoints": [endpoint("/p", host)] + list(more), "extra_config": extra}


def start(case, config):
    gateway = Gateway(config)
    case.addCleanup(gateway.__exit__)
    return gateway.__enter__()


class WithBackend(unittest.TestCase):
    def setUp(self):
        self.backend = Backend(lambda c, h: json_reply(c, {"ok": True}))
        self.addCleanup(self.backend.__exit__)


class Cors(WithBackend):
    def allowed(self, gateway, origin, *fields, target="/p"):
        """What an actual request and a preflight of that origin are told, which must agree."""
        _, actual = ask(gateway, target, ("Origin", origin), *fields)
        _, before = ask(gateway, target, ("Origin", origin), (PREFLIGHT, "GET"), *fields, method="OPTIONS")
        self.assertEqual(actual.get("Access-Control-Allow-Origin"), before.get("Access-Control-Allow-Origin"))
        return actual.get("Access-Control-Allow-Origin")

    def test_origins(self):
        """Nothing but what is listed, however much it looks like it."""
        config = {"security/cors": {"allow_origins": ["https://good.example", "https://*.sub.example", "http://localhost:*"],
                                    "allow_credentials": True}}
        good = ["https://good.example", "HTTPS://GOOD.example", "https://a.sub.example", "https://a.b.sub.example",
                "http://localhost:1", "http://localhost:"]
        bad = ["null", "*", "https://good.example.evil.test", "https://evil-good.example", "https://good.exampl",
               "http://good.example", "https://good.example:443", "https://good.example/", "https://good.example@evil.test",
               "https://evil.test?https://good.example", "https://evil.test#.sub.example.", "https://sub.example",
               "https://evilsub.example", "https://a.sub.example.evil.test", "http://localhost", "http://localhost.evil.test",
               "https://good.example, https://evil.test", "https://good.example https://evil.test", "https://good.example\\.evil.test",
               " ", "https://", "//good.example", "good.example", "file://", "https://\u212bood.example", "a" * 20000]
        gateway = start(self, service(self.backend.host, config))
        for origin in good:
            self.assertEqual(self.allowed(gateway, origin), [origin], origin)
        for origin in bad:
            self.assertIsNone(self.allowed(gateway, origin), origin)

    def test_every_origin(self):
        """With an asterisk, credentials or not, the answer names no origin: browsers then send no credentials."""
        for credentials in (False, True):
            gateway = start(self, service(self.backend.host, {"security/cors": {"allow_credentials": credentials}}))
            for origin in ("https://any.example", "null", "https://a\tb"):
                self.assertEqual(self.allowed(gateway, origin), ["*"], origin)

    def test_nothing_splits_the_answer(self):
        """What is echoed holds no line end: such requests are refused before anything looks at them."""
        gateway = start(self, service(self.backend.host, {"security/cors": {"allow_origins": ["http*"]}}))
        for name in ("Origin", PREFLIGHT, "Access-Control-Request-Headers"):
            for bad in (b"http://a\nX-Evil: 1", b"http://a\rX-Evil: 1", b"http://a\0", b"http://a\x0bX-Evil: 1", b"http://a\x7f"):
                fields = {"Origin": b"http://a", PREFLIGHT: b"GET"}
                fields[name] = bad
                status, found = ask(gateway, "/p", *fields.items(), method="OPTIONS")
                self.assertNotIn("X-Evil", found, (name, bad))
                if status != 400:  # a bare LF ends the line: what follows is a field of its own
                    self.assertNotIn("\n", "".join(sum(found.values(), [])))
                    self.assertIn(b"\n", bad)

    def test_what_is_echoed_is_what_was_asked(self):
        gateway = start(self, service(self.backend.host, {"security/cors": {"allow_headers": ["X-A", "X-B"], "allow_methods": ["GET", "X!"]}}))
        for asked, taken in (("x-a,x-b", True), ("x-a, x-b", True), ("x-b,x-a", False), ("x-a,x-a", False), ("X-A", False),
                             ("x-a;q=1", False), ("x-a,x-c", False), ("*", False), ("x-a" + "," * 17, False), ("x-a" * 7000, False)):
            status, found = ask(gateway, "/p", ("Origin", "http://a"), (PREFLIGHT, "GET"),
                                ("Access-Control-Request-Headers", asked), method="OPTIONS")
            self.assertEqual(status, 204)
            self.assertEqual(found.get("Access-Control-Allow-Headers"), [asked] if taken else None, asked[:40])
        for method, taken in (("X!", True), ("GET", True), ("get", False), ("GET, X!", False), ("OPTIONS", True)):
            _, found = ask(gateway, "/p", ("Origin", "http://a"), (PREFLIGHT, method), method="OPTIONS")
            self.assertEqual(found.get("Access-Control-Allow-Methods"), [method] if taken else None, method)

    def test_all_kinds_of_answers(self):
        """Redirects, 404, 405, the health check, faults of the backend; not what no browser sends."""
        extra = {"security/cors": {"allow_origins": ["http://a.example"]}}
        dead = endpoint("/dead", "http://127.0.0.1:%d" % free_port())
        gateway = start(self, service(self.backend.host, extra, [dead, endpoint("/a/{x}", self.backend.host)]))
        for target, status in (("/p", 200), ("/p/", 301), ("/nowhere", 404), ("/__health", 200), ("/dead", 500), ("/a/%25", 400)):
            got, found = ask(gateway, target, ("Origin", "http://a.example"))
            self.assertEqual((got, found.get("Access-Control-Allow-Origin"), found.get("Vary")), (status, ["http://a.example"], ["Origin"]), target)
        got, found = ask(gateway, "/p", ("Origin", "http://a.example"), method="POST")
        self.assertEqual((got, found.get("Allow"), found.get("Vary")), (405, ["GET"], ["Origin"]))
        got, found = ask(gateway, "*", ("Origin", "http://a.example"), method="OPTIONS")
        self.assertEqual((got, found.get("Vary")), (200, None))
        got, found = ask(gateway, "/%zz", ("Origin", "http://a.example"))
        self.assertEqual((got, found.get("Vary")), (400, None))

    def test_at_the_limit(self):
        """A page can read the gateway's own 503, and preflights cost nothing."""
        gate = threading.Event()
        self.addCleanup(gate.set)

        def serve(connection, head):
            if head.startswith("GET /slow"):
                gate.wait(PATIENCE)
            json_reply(connection, {})
        with Backend(serve) as backend:
            extra = {"security/cors": {"allow_origins": ["http://a.example"]}, "gateway/limits": {"max_requests": 1}}
            gateway = start(self, service(backend.host, extra, [endpoint("/slow", backend.host)]))
            slow = gateway.connect()
            slow.request("GET", "/slow")
            seen = {}

            def full():
                seen["status"], seen["fields"] = ask(gateway, "/p", ("Origin", "http://a.example"))
                return seen["status"] == 503
            eventually(full, "the second request is refused")
            self.assertEqual(seen["fields"].get("Access-Control-Allow-Origin"), ["http://a.example"])
            self.assertEqual(seen["fields"].get("Retry-After"), ["1"])
            status, found = ask(gateway, "/p", ("Origin", "http://a.example"), (PREFLIGHT, "GET"), method="OPTIONS")
            self.assertEqual((status, found.get("Access-Control-Allow-Origin")), (204, ["http://a.example"]))
            gate.set()
            self.assertEqual(slow.getresponse().status, 200)
            slow.close()

    @unittest.skipUnless(shutil.which("curl"), "curl is not here")
    def test_http2(self):
        """Every stream, whichever key has switched HTTP/2 on."""
        for config in ({"use_h2c": True}, {"extra": {"router": {"use_h2c": True}}}):
            extra = dict({"security/cors": {"allow_origins": ["http://a.example"]}}, **config.pop("extra", {}))
            gateway = start(self, dict(service(self.backend.host, extra), **config))
            url = "http://127.0.0.1:%d/p" % gateway.port
            command = ["curl", "-sS", "-i", "--http2-prior-knowledge", "-H", "Origin: http://a.example", url]
            for more, status in (["-X", "OPTIONS", "-H", PREFLIGHT + ": GET"], "204"), ([], "200"):
                text = subprocess.run(command + more, stdout=subprocess.PIPE, timeout=PATIENCE, check=True).stdout.decode().lower()
                self.assertEqual(re.findall(r"http/2 (\d+)", text), [status], text)
                self.assertIn("access-control-allow-origin: http://a.example", text)

    def test_endpoints_of_their_own(self):
        """Without a block of the service each endpoint's counts, for the method that the preflight asks for."""
        more = [endpoint("/own", self.backend.host, extra_config={"security/cors": {"allow_origins": ["http://own.example"]}}),
                endpoint("/own", self.backend.host, method="POST", extra_config={"security/cors": {"allow_origins": ["http://post.example"], "allow_methods": ["POST"]}}),
                endpoint("/of/{x}", self.backend.host, extra_config={"security/cors": {}})]
        gateway = start(self, service(self.backend.host, {}, more))
        for target, origin, asked, wanted in (
                ("/own", "http://own.example", "GET", ["http://own.example"]), ("/own", "http://post.example", "GET", None),
                ("/own", "http://post.example", "POST", ["http://post.example"]), ("/own", "http://own.example", "POST", None),
                ("/of/a%20b", "http://any.example", "GET", ["*"])):
            status, found = ask(gateway, target, ("Origin", origin), (PREFLIGHT, asked), method="OPTIONS")
            self.assertEqual((status, found.get("Access-Control-Allow-Origin")), (204, wanted), (target, origin, asked))
            status, found = ask(gateway, target, ("Origin", origin), method=asked)
            self.assertEqual((status, found.get("Access-Control-Allow-Origin")), (200, wanted), (target, origin, asked))
        self.assertEqual(ask(gateway, "/p", ("Origin", "http://own.example"), (PREFLIGHT, "GET"), method="OPTIONS")[0], 405)
        status, found = ask(gateway, "/p", ("Origin", "http://own.example"))
        self.assertEqual((status, found.get("Vary")), (200, None))

    def test_fields_of_the_backend(self):
        """They stand behind the gateway's, as in KrakenD."""
        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nVary: Accept\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\n{}")
        with Backend(serve) as backend:
            gateway = start(self, service(backend.host, {"security/cors": {"allow_origins": ["http://a"]}}, [no_op("/n", backend.host)]))
            _, found = ask(gateway, "/n", ("Origin", "http://a"))
            self.assertEqual((found["Vary"], found["Access-Control-Allow-Origin"]), (["Origin", "Accept"], ["http://a", "*"]))


class Strict(WithBackend):
    def test_hosts(self):
        gateway = start(self, service(self.backend.host, {"security/http": {"allowed_hosts": ["good.example"], "frame_deny": True}}))
        for request, status in (
                (b"GET /p HTTP/1.1\r\nHost: good.example\r\n\r\n", 200),
                (b"GET /p HTTP/1.1\r\nHost: GOOD.example\r\n\r\n", 200),
                (b"GET /p HTTP/1.1\r\nHost: good.example:80\r\n\r\n", 500),
                (b"GET /p HTTP/1.1\r\nHost: good.example.evil.test\r\n\r\n", 500),
                (b"GET /p HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: good.example\r\n\r\n", 500),
                (b"GET http://evil.test/p HTTP/1.1\r\nHost: good.example\r\n\r\n", 500),
                (b"GET http://good.example/p HTTP/1.1\r\nHost: evil.test\r\n\r\n", 200),
                (b"GET /p HTTP/1.1\r\nHost: evil.test\r\nHost: good.example\r\n\r\n", 400),
                (b"GET /p HTTP/1.1\r\nHost: good.example, evil.test\r\n\r\n", 400),
                (b"GET /p HTTP/1.1\r\n\r\n", 400),
                (b"GET /p HTTP/1.0\r\n\r\n", 500),
                (b"POST /p HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n", 500),
                (b"GET /__health HTTP/1.1\r\nHost: evil.test\r\n\r\n", 200)):
            got, fields, body = raw(gateway, request)
            self.assertEqual(got, status, request)
            if status == 500:
                self.assertEqual(body, b"Bad Host\n")
                self.assertNotIn("X-Frame-Options", dict(fields))

    def test_redirect(self):
        extra = {"security/http": {"ssl_redirect": True, "host_proxy_headers": ["X-Host"], "ssl_proxy_headers": {"X-Proto": "https"}}}
        gateway = start(self, service(self.backend.host, extra))
        for fields, target, wanted in (
                ([("Host", "h.example:1")], "/p?a=<b>&c=%0d%0aX-Evil:%201", "https://h.example:1/p?a=<b>&c=%0d%0aX-Evil:%201"),
                ([("Host", "h.example")], "//evil.test/p", "https://h.example//evil.test/p"),
                ([("Host", "h.example")], "/p\"><script>", "https://h.example/p%22%3E%3Cscript%3E"),
                ([("Host", "h.example"), ("X-Host", "evil.test/x?y#z")], "/p", "https://evil.test%2Fx%3Fy%23z/p"),
                ([("Host", "h.example"), ("X-Host", b"\xc3\xa9\" onclick=x")], "/p", "https://%C3%A9\"%20onclick=x/p")):
            request = b"GET %s HTTP/1.1\r\n" % target.encode()
            for name, value in fields:
                request += name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
            status, found, body = raw(gateway, request + b"\r\n")
            found = dict(found)
            self.assertEqual((status, found.get("Location")), (301, wanted))
            self.assertNotIn("X-Evil", found)
            self.assertNotIn(b"<script", body)
            self.assertEqual(body.count(b'"'), 2, body)
        self.assertEqual(ask(gateway, "/p", ("X-Proto", "https"))[0], 200)
        self.assertEqual(ask(gateway, "/p", ("X-Proto", "HTTPS"))[0], 301)
        self.assertEqual(ask(gateway, "/p", ("X-Proto", "http"), ("X-Proto", "https"))[0], 301)
        self.assertEqual(raw(gateway, b"GET https://h.example/p HTTP/1.1\r\nHost: h.example\r\n\r\n")[0], 200)

    def test_nonce(self):
        """New for each answer, the same in one, and % is no format."""
        policy = "script-src $NONCE 100%; style-src $NONCE %s"
        gateway = start(self, service(self.backend.host, {"security/http": {"content_security_policy": policy}}))
        seen = set()
        for _ in range(50):
            _, found = ask(gateway)
            match = re.fullmatch(r"script-src 'nonce-([A-Za-z0-9+/]{22})' 100%; style-src 'nonce-\1' %s", found["Content-Security-Policy"][0])
            self.assertTrue(match, found)
            seen.add(match.group(1))
        self.assertEqual(len(seen), 50)

    def test_endpoint(self):
        """An endpoint's block is looked at after the service's; its fields replace those."""
        own = endpoint("/own", self.backend.host, extra_config={"security/http": {
            "custom_frame_options_value": "SAMEORIGIN", "referrer_policy": "origin", "allowed_hosts": ["h.example"]}})
        gateway = start(self, service(self.backend.host, {"security/http": {"frame_deny": True, "content_type_nosniff": True}}, [own]))
        _, found = ask(gateway, "/own")
        self.assertEqual([found.get(n) for n in ("X-Frame-Options", "Referrer-Policy", "X-Content-Type-Options")],
                         [["SAMEORIGIN"], ["origin"], ["nosniff"]])
        self.assertEqual(ask(gateway, "/own", ("Host", "other"))[0], 500)
        status, found = ask(gateway, "/p", ("Host", "other"))
        self.assertEqual((status, found.get("X-Frame-Options"), found.get("Referrer-Policy")), (200, ["DENY"], None))


class Bots(WithBackend):
    def test_odd_agents(self):
        extra = {"security/bot-detector": {"allow": ["ok"], "deny": ["bad"], "patterns": ["(?i)crawler", "^.evil$", "(a+)+$x"],
                                           "cache_size": 4, "empty_user_agent_is_bot": True}}
        gateway = start(self, service(self.backend.host, extra))
        table = [(b"ok", 200), (b"bad", 403), (b"BAD", 200), (b" bad \t", 403), (b"bad bad", 200), (b"", 403), (b" ", 403),
                 (b"The CRAWLER", 403), (b"\xff\xfecrawler\x80", 403), (b"\xffevil", 403), (b"\xc3\xa9evil", 403), (b"\xc3\xa9\xc3\xa9evil", 200),
                 (b"cr\tawler", 200), (b"\xe2\x80\x8bcrawler", 403), (b"a" * 60000, 200), (b"a" * 60000 + b"crawler", 403),
                 (b"cra\0wler", 400), (b"%63rawler", 200)]
        for _ in range(2):  # the second time much of it is remembered
            for agent, status in table:
                self.assertEqual(ask(gateway, "/p", ("User-Agent", agent))[0], status, agent[:40])
        self.assertEqual(ask(gateway)[0], 403)
        self.assertEqual(ask(gateway, "/p", ("User-Agent", "ok"), ("User-Agent", "bad"))[0], 200)
        self.assertEqual(ask(gateway, "/p", ("User-Agent", "bad"), ("User-Agent", "ok"))[0], 403)
        self.assertEqual(ask(gateway, "/p", ("user-AGENT", "bad"))[0], 403)
        self.assertEqual(ask(gateway, "/__health", ("User-Agent", "bad"))[0], 200)
        status, found = ask(gateway, "/p", ("User-Agent", "bad"), method="POST")
        self.assertEqual((status, found.get("Allow"), found.get("X-Krakend")), (403, ["GET"], None))

    def test_patterns_are_told_apart(self):
        """They are matched in one walk where that means the same: open quotes, names of groups, flags of one alone."""
        for patterns, table in ((["\\Qa", "b\\Q\\E"], (("a", 403), ("b", 403), ("c", 200))),
                                (["(?P<n>x)", "(?P<n>y)"], (("x", 403), ("y", 403), ("z", 200))),
                                (["(?i)one", "TWO"], (("ONE", 403), ("two", 200), ("TWO", 403))),
                                (["a|^b", "c$"], (("ba", 403), ("b1", 403), ("1b", 200), ("c1", 200), ("1c", 403)))):
            gateway = start(self, service(self.backend.host, {"security/bot-detector": {"patterns": patterns}}))
            for agent, status in table:
                self.assertEqual(ask(gateway, "/p", ("User-Agent", agent))[0], status, (patterns, agent))

    def test_many_agents(self):
        """More agents than are remembered: the verdicts stay right, and a reload forgets none of it wrongly."""
        extra = {"security/bot-detector": {"patterns": ["[02468]$"], "cache_size": 16}}
        gateway = start(self, service(self.backend.host, extra))
        client = gateway.connect()
        for i in list(range(300)) * 2:
            client.request("GET", "/p", headers={"User-Agent": "agent %d" % i})
            answer = client.getresponse()
            answer.read()
            self.assertEqual(answer.status, 403 if i % 2 == 0 else 200, i)
        client.close()


class Tokens(unittest.TestCase):
    """auth/client-credentials: what a token server may answer, and what is never told."""

    def setUp(self):
        self.answer, self.seen = {}, []
        self.backend = Backend(self.serve)
        self.addCleanup(self.backend.__exit__)

    def serve(self, connection, head):
        self.seen.append(head)
        if not head.startswith("POST /token"):
            json_reply(connection, {"ok": True})
            return
        left = int(re.search(r"Content-Length: (\d+)", head).group(1))
        while left:
            left -= len(connection.recv(left))
        json_reply(connection, self.answer)

    def gateway(self, **more):
        token = {"client_id": "me", "client_secret": "s3cr3t/+", "token_url": self.backend.host + "/token"}
        e = endpoint("/p", self.backend.host, **more)
        e["backend"][0]["extra_config"] = {"auth/client-credentials": token}
        return {"timeout": "20s", "endpoints": [e], "extra_config": {"router": {"return_error_msg": True}}}

    def test_odd_tokens(self):
        """A token never splits the backend's request: it fails, and nobody is told the token."""
        for answer in ({"access_token": "t0k\r\nX-Evil: 1"}, {"access_token": "t0k\n"}, {"access_token": "t0k\0"}, {"access_token": "t0k\x7f"},
                       {"access_token": "t0k", "token_type": "x\r\nX-Evil: 1\r\n"}):
            self.answer, self.seen = answer, []
            gateway = start(self, self.gateway())
            status, body = gateway.get("/p")
            self.assertEqual(status, 500)
            self.assertIn(b'net/http: invalid header field value for "Authorization"', body)
            self.assertNotIn(b"t0k", body)
            self.assertEqual([h for h in self.seen if h.startswith("GET")], [])

    def test_the_secret_is_not_told(self):
        """Neither in the log nor in an error, whatever fails."""
        for answer in ({"access_token": "t0k"}, {"error": "invalid_client"}, {}, {"access_token": 5}):
            self.answer = answer
            gateway = Gateway(self.gateway(), stdout=subprocess.PIPE)
            self.addCleanup(gateway.__exit__)
            gateway.__enter__()
            _, body = gateway.get("/p")
            gateway.terminate()
            told = gateway.process.stdout.read() + body
            for secret in (b"s3cr3t", b"bWU6", b"t0k"):
                self.assertNotIn(secret, told)

    def test_first_requests_share_a_token(self):
        self.answer = {"access_token": "t0k", "expires_in": 3600}
        gateway = start(self, self.gateway())
        clients = [threading.Thread(target=gateway.get, args=("/p",)) for _ in range(20)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
        self.assertEqual(sum(h.startswith("POST") for h in self.seen), 1)
        self.assertEqual(sum("Authorization: Bearer t0k" in h for h in self.seen), 20)


class Broken(unittest.TestCase):
    """What KrakenD dies of is an error with its place."""

    def test_start(self):
        for extra, words in (({"security/cors": {"max_age": 5}}, "max_age"),
                             ({"security/cors": {"max_age": None}}, "max_age"),
                             ({"security/http": {"allowed_hosts": ["a("], "allowed_hosts_are_regex": True}}, "Error parsing AllowedHost: error parsing regexp: missing closing ): `^a($`")):
            gateway = Gateway(service("http://127.0.0.1:%d" % free_port(), extra), stdout=subprocess.PIPE)
            self.addCleanup(gateway.__exit__)
            command = gateway.process.args
            self.assertEqual(gateway.ended(), 2)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
            self.assertIn(words, done.stderr.decode())
            self.assertRegex(done.stderr.decode(), r"krakend\.json:\d+:\d+: ")

    def test_reload(self):
        """A broken block never replaces a good one."""
        with Backend(lambda c, h: json_reply(c, {})) as backend:
            good = service(backend.host, {"security/cors": {"allow_origins": ["http://a"]}})
            gateway = start(self, good)
            gateway.write(service(backend.host, {"security/cors": {"allow_origins": ["http://b"], "max_age": 5}}))
            gateway.signal(1)
            gateway.write(service(backend.host, {"security/cors": {"allow_origins": ["http://c"]}}))
            self.assertNotEqual(ask(gateway, "/p", ("Origin", "http://b"))[1].get("Access-Control-Allow-Origin"), ["http://b"])
            gateway.signal(1)
            eventually(lambda: ask(gateway, "/p", ("Origin", "http://c"))[1].get("Access-Control-Allow-Origin") == ["http://c"], "the good one is in use")


if __name__ == "__main__":
    unittest.main()
