"""auth/validator against forged tokens and key servers that misbehave."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import threading
import time
import unittest

from gateway import Backend, Gateway, endpoint, eventually, free_port, json_reply

SECRET = b"a secret of thirty-two bytes!!!!"
FAR = 4102444800
VECTORS = os.path.join(os.path.dirname(__file__), "..", "jose", "vectors.tsv")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(value):
    return value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()


def sign(head, payload, secret=SECRET, digest="sha256"):
    """A token of texts or values, signed whatever they say."""
    signed = b64(text(head)) + "." + b64(text(payload))
    return signed + "." + b64(hmac.new(secret, signed.encode(), getattr(hashlib, digest)).digest())


HEAD = {"alg": "HS256", "kid": "k"}
GOOD = {"sub": "ann", "exp": FAR, "iss": "me", "aud": ["a"]}
KEY = {"kty": "oct", "kid": "k", "k": b64(SECRET)}


def vectors():
    """maker, algorithm, public key, private key, token of tests/jose/vectors.tsv."""
    with open(VECTORS, encoding="utf-8") as f:
        for line in f:
            yield line.rstrip("\n").split("\t")


class KeyServer:
    """Answers with whatever `body` is; counts. A body of None is never answered."""

    def __init__(self, keys):
        self.asked, self.body = 0, json.dumps({"keys": keys}).encode()
        self.release = threading.Event()
        self.backend = Backend(self.serve)
        self.url = self.backend.host + "/keys"

    def serve(self, connection, head):
        self.asked += 1
        if self.body is None:
            self.release.wait()
            return False
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(self.body), self.body))
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()
        self.backend.__exit__()


def echo(connection, head):
    json_reply(connection, {"head": head})


def ask(gateway, path, token=None, **fields):
    """Status and body; the token goes where it usually does."""
    c = gateway.connect()
    try:
        if token is not None:
            fields["Authorization"] = "Bearer " + token
        c.request("GET", path, headers=fields)
        answer = c.getresponse()
        return answer.status, answer.read()
    finally:
        c.close()


def protected(path, host, validator, **more):
    return endpoint(path, host, extra_config={"auth/validator": dict({"disable_jwk_security": True}, **validator)}, **more)


class WithFile(unittest.TestCase):
    """Keys from a file beside the configuration."""

    def start(self, endpoints, files, service=None):
        self.echo = Backend(echo)
        self.addCleanup(self.echo.__exit__)
        folder = os.path.join("/tmp", "krakend-keys-%d" % os.getpid())
        os.makedirs(folder, exist_ok=True)
        for name, keys in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                json.dump({"keys": keys}, f)
        gateway = Gateway({"timeout": "60s", "extra_config": service or {}, "endpoints": [protected(path, self.echo.host,
                          dict({"jwk_local_path": os.path.join(folder, file)}, **validator), input_headers=["X-User", "X-List"])
                          for path, file, validator in endpoints]})
        gateway.__enter__()
        self.addCleanup(gateway.__exit__)
        return gateway


class Attacks(WithFile):
    def test_forged_tokens(self):
        keys = {alg: json.loads(public) for _, alg, public, _, _ in vectors()}
        gateway = self.start([("/hs", "hs.json", {"alg": "HS256", "issuer": "me", "audience": ["a"]}),
                              ("/rs", "rs.json", {"alg": "RS256"}), ("/es", "es.json", {"alg": "ES256"}),
                              ("/use", "use.json", {"alg": "HS256"})],
                             {"hs.json": [KEY], "rs.json": [keys["RS256"]], "es.json": [keys["ES256"]],
                              "use.json": [dict(KEY, use="enc", key_ops=["encrypt"], alg="none")]})
        self.assertEqual(ask(gateway, "/hs", sign(HEAD, GOOD))[0], 200)
        good = sign(HEAD, GOOD)
        refused = {"no token": None, "nothing signed": good.rsplit(".", 1)[0] + ".", "no signature part": good.rsplit(".", 1)[0],
                   "another secret": sign(HEAD, GOOD, b"x"), "an empty secret": sign(HEAD, GOOD, b""),
                   "a longer digest": sign(HEAD, GOOD, digest="sha512")}
        for alg in ("none", "None", "NONE", "nOnE", "none ", "", "HS256 ", "hs256", "HS384", "RS256", "HS256\u0000", None, 1, [], {}):
            refused["alg %r" % (alg,)] = sign(dict(HEAD, alg=alg), GOOD)
            refused["alg %r, not signed" % (alg,)] = refused["alg %r" % (alg,)].rsplit(".", 1)[0] + "."
        refused["two algs"] = sign('{"alg":"none","kid":"k","alg":"HS256"}', GOOD)
        refused["ALG"] = sign('{"ALG":"HS256","kid":"k"}', GOOD)
        for kid in ("../k", "/etc/passwd", "k\u0000", "k' or '1'='1", "K", "", None, 1, ["k"], "k" * 100000, "\r\nX: y", "${jndi:x}"):
            refused["kid %.20r" % (kid,)] = sign(dict(HEAD, kid=kid), GOOD)
        for extra in ({"crit": ["exp"]}, {"crit": [""]}, {"crit": "b64"}, {"crit": [1]}, {"b64": False, "crit": ["b64"]}, {"b64": False},
                      {"nonce": 5}, {"jwk": KEY}, {"jwk": {"kty": "?"}}, {"x5c": ["!"]}):
            refused["head with %s" % extra] = sign(dict(HEAD, **extra), GOOD)
        for claim in ({"exp": "4102444800"}, {"exp": 1}, {"exp": 0}, {"exp": -1}, {"exp": 1e300}, {"exp": -1e300}, {"exp": True},
                      {"exp": [FAR]}, {"exp": {}}, {"nbf": FAR}, {"nbf": "0"}, {"iat": FAR}, {"iat": "0"}, {"iss": "you"}, {"iss": None},
                      {"iss": ["me"]}, {"aud": "b"}, {"aud": []}, {"aud": None}, {"aud": {"a": 1}}, {"aud": ["a", 1]}, {"sub": 1},
                      {"jti": 5}):
            refused["claim %s" % claim] = sign(HEAD, dict(GOOD, **claim))
        for payload in ("", "[]", '"x"', "1", "true", "{", "{}{}", '{"exp":1e999}', '{"exp":4102444800,"exp":4102444801}',
                        '{"exp":4102444800,"iss":"me","aud":"a","x":{"y":1,"y":2}}', '{"exp":4102444800,"iss":"me","aud":"a","x":1e999}'):
            refused["payload %s" % payload] = sign(HEAD, payload)
        refused["a token in a token"] = sign(dict(HEAD, cty="JWT"), good)
        refused["five parts"] = good + ".x.y"
        refused["compressed"] = sign(dict(HEAD, zip="DEF"), __import__("zlib").compress(json.dumps(GOOD).encode()))
        head, payload, signature = good.split(".")
        refused["two signatures"] = json.dumps({"payload": payload, "signatures": [{"protected": head, "signature": signature}] * 2})
        refused["not signed, as JSON"] = json.dumps({"payload": payload, "protected": head})
        refused["an open head"] = json.dumps({"payload": payload, "header": HEAD, "signature": signature})
        refused["a megabyte"] = sign(HEAD, dict(GOOD, x="y" * 700000), b"x")
        refused["a deep head"] = sign('{"alg":"HS256","kid":"k","x":' + "[" * 20000 + "]" * 20000 + "}", GOOD)
        refused["many members"] = sign('{"alg":"HS256","kid":"k"' + "".join(',"%d":1' % i for i in range(30000)) + ',"5":1}', GOOD)
        for name, token in refused.items():
            self.assertEqual(ask(gateway, "/hs", token), (401, b""), name)
        # the public key is no secret
        for file, alg in (("/rs", "RS256"), ("/es", "ES256")):
            public = keys[alg]
            secrets = [json.dumps(public).encode(), base64.urlsafe_b64decode(public.get("n", public.get("x")) + "=="),
                       public.get("n", public.get("x")).encode()]
            for secret in secrets:
                for name in ("HS256", alg):
                    self.assertEqual(ask(gateway, file, sign({"alg": name, "kid": public["kid"]}, GOOD, secret))[0], 401)
            for fill in (b"\0", b"\xff"):
                for size in (0, 32, 63, 64, 65, 96, 132, 256):
                    forged = "%s.%s.%s" % (b64(text({"alg": alg, "kid": public["kid"]})), b64(text(GOOD)), b64(fill * size))
                    self.assertEqual(ask(gateway, file, forged)[0], 401, "%s %r %d" % (alg, fill, size))
        # use, key_ops and alg of a key mean nothing, as in KrakenD
        self.assertEqual(ask(gateway, "/use", good)[0], 200)
        self.assertEqual(ask(gateway, "/hs", good)[0], 200)
        self.assertEqual(ask(gateway, "/hs", sign(HEAD, dict(GOOD, x="y" * 700000)))[0], 200)

    def test_every_algorithm(self):
        rows = list(vectors())
        algorithms = sorted({row[1] for row in rows})
        gateway = self.start([("/" + alg, alg + ".json", {"alg": alg}) for alg in algorithms],
                             {alg + ".json": [json.loads(next(r[2] for r in rows if r[1] == alg))] for alg in algorithms})
        for maker, alg, _, _, token in rows:
            self.assertEqual(ask(gateway, "/" + alg, token)[0], 200, (maker, alg))
            for other in algorithms:
                if other != alg:
                    self.assertEqual(ask(gateway, "/" + other, token)[0], 401, (maker, alg, other))

    def test_claims_cannot_split_heads(self):
        gateway = self.start([("/p", "hs.json", {"alg": "HS256", "propagate_claims": [["sub", "x-user"], ["list", "X-List"]]}),
                              ("/q", "hs.json", {"alg": "HS256", "cookie_key": "tok"})], {"hs.json": [KEY]})
        status, body = ask(gateway, "/p", sign(HEAD, dict(GOOD, sub="ann", list=["a", 1])), **{"X-User": "mallory"})
        self.assertEqual(status, 200)
        self.assertIn("X-User: ann\r\n", json.loads(body)["head"])
        self.assertIn("X-List: a,1\r\n", json.loads(body)["head"])
        self.assertNotIn("mallory", json.loads(body)["head"])
        for value in ("ann\r\nX-Evil: 1", "ann\nX-Evil: 1", "ann\rX-Evil: 1", "ann\u0000", "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"):
            status, body = ask(gateway, "/p", sign(HEAD, dict(GOOD, sub=value)))
            self.assertIn(status, (200, 500), value)
            if status == 200:
                self.assertNotIn("Evil", json.loads(body)["head"])
                self.assertNotIn("/evil", json.loads(body)["head"])
        good = sign(HEAD, GOOD)
        self.assertEqual(ask(gateway, "/q", Cookie="a=b; tok=" + good)[0], 200)
        self.assertEqual(ask(gateway, "/q", Cookie='tok="%s"' % good)[0], 200)
        self.assertEqual(ask(gateway, "/q", Cookie="tok=x; tok=" + good)[0], 401)
        self.assertEqual(ask(gateway, "/q", Cookie="tok=" + good, Authorization="Basic eA==")[0], 401)


class Revoked(WithFile):
    """What the plain HTTP interface of the revoker is told holds for every worker at once."""

    def test_over_http(self):
        port, key = free_port(), "a key"
        block = {"N": 1000, "P": 0.001, "hash_name": "optimal", "TTL": 1000, "port": free_port(), "token_keys": ["jti"],
                 "http_port": port, "http_key": key}
        gateway = self.start([("/a", "k.json", {"alg": "HS256"})], {"k.json": [KEY]}, {"auth/revoker": block})
        tokens = [sign(HEAD, dict(GOOD, jti=jti)) for jti in ("one", "two")]
        self.assertEqual([200, 200], [ask(gateway, "/a", t)[0] for t in tokens])
        self.assertEqual(401, self.revoker(port, "GET", "one", "another key"))
        self.assertEqual(404, self.revoker(port, "GET", "one", key))
        self.assertEqual(200, self.revoker(port, "POST", "one", key))
        self.assertEqual(200, self.revoker(port, "GET", "one", key))
        for _ in range(8):
            self.assertEqual([401, 200], [ask(gateway, "/a", t)[0] for t in tokens])

    def revoker(self, port, method, jti, key):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            c.request(method, "/tokens/jti/" + jti, headers={"Authorization": "Bearer " + key})
            answer = c.getresponse()
            answer.read()
            return answer.status
        finally:
            c.close()


class KeyServers(unittest.TestCase):
    def setUp(self):
        self.echo = Backend(echo)
        self.addCleanup(self.echo.__exit__)
        self.server = KeyServer([KEY])
        self.addCleanup(self.server.__exit__)

    def start(self, **validator):
        gateway = Gateway({"timeout": "60s", "endpoints": [
            protected("/p", self.echo.host, dict({"alg": "HS256", "jwk_url": self.server.url}, **validator)),
            endpoint("/open", self.echo.host)]})
        gateway.__enter__()
        self.addCleanup(gateway.__exit__)
        return gateway

    def test_many_kids_ask_little(self):
        gateway = self.start(cache=True)
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD))[0], 200)
        before, began = self.server.asked, time.monotonic()
        c = gateway.connect()
        for i in range(10000):
            c.request("GET", "/p", headers={"Authorization": sign(dict(HEAD, kid="k%d" % i), GOOD)})
            answer = c.getresponse()
            answer.read()
            self.assertEqual(answer.status, 401)
        c.close()
        asked, took = self.server.asked - before, time.monotonic() - began
        self.assertLessEqual(asked, 20 + 5 * took + 2)
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD))[0], 200)

    def test_rotation(self):
        gateway = self.start(cache=True)
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD))[0], 200)
        other = dict(KEY, kid="new", k=b64(b"another"))
        self.server.body = json.dumps({"keys": [other]}).encode()
        self.assertEqual(ask(gateway, "/p", sign(dict(HEAD, kid="new"), GOOD, b"another"))[0], 200)
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD))[0], 200)  # its time is not over
        self.assertEqual(ask(gateway, "/p", sign(dict(HEAD, kid="new"), GOOD))[0], 401)
        # another key behind the same name: what was verified with the old one does not count any more
        self.server.body = json.dumps({"keys": [dict(KEY, k=b64(b"third"))]}).encode()
        self.assertEqual(ask(gateway, "/p", sign(dict(HEAD, kid="unknown"), GOOD))[0], 401)  # makes it ask
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD))[0], 401)
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD, b"third"))[0], 200)

    def test_nobody_waits_for_a_silent_key_server(self):
        self.server.body = None
        gateway = self.start()
        answers = []
        waiting = [threading.Thread(target=lambda: answers.append(ask(gateway, "/p", sign(HEAD, GOOD))[0])) for _ in range(20)]
        for thread in waiting:
            thread.start()
        eventually(lambda: self.server.asked, "the key server is asked")
        for _ in range(50):
            self.assertEqual(ask(gateway, "/open")[0], 200)
        self.assertEqual(ask(gateway, "/p", "not.a.token")[0], 401)
        self.assertEqual(answers, [])
        self.server.release.set()
        for thread in waiting:
            thread.join()
        self.assertEqual(answers, [401] * 20)
        self.assertLessEqual(self.server.asked, 3)

    def test_documents(self):
        gateway = self.start()
        good, token = self.server.body, sign(HEAD, GOOD)
        bad = [b"", b"<html>", b"{", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[1]}', b'{"keys":[{}]}',
               b"\xff" * 1000, b"[" * 100000, b" " * 10000000, b'{"keys":[' + b'{"kty":"oct","k":"AA"},' * 400000 + b"{}]}"]
        for body in bad:
            self.server.body = body
            self.assertEqual(ask(gateway, "/p", token)[0], 401, body[:20])
            self.server.body = good
            eventually(lambda: ask(gateway, "/p", token)[0] == 200, "the key server is asked again after %r" % body[:20])
        # a long one is read elsewhere; broken keys do not hide the good one
        keys = [dict(KEY, kid="other %d" % i, pad="x" * 300) for i in range(500)]
        self.server.body = json.dumps({"keys": keys + [{"kty": "?"}, KEY]}).encode()
        self.assertGreater(len(self.server.body), 65536)
        self.assertEqual(ask(gateway, "/p", token)[0], 200)

    def test_old_keys_serve_while_the_server_fails(self):
        gateway = self.start(cache=True, cache_duration=1)
        token = sign(HEAD, GOOD)
        self.assertEqual(ask(gateway, "/p", token)[0], 200)
        self.server.body = b"broken"
        asked = self.server.asked

        def failed():
            self.assertEqual(ask(gateway, "/p", token)[0], 200)
            return self.server.asked >= asked + 2
        eventually(failed, "the key server has failed twice")
        self.assertEqual(ask(gateway, "/p", sign(HEAD, GOOD, b"x"))[0], 401)
        # once it answers again, a key that it does not have any more ends
        self.server.body = json.dumps({"keys": [dict(KEY, kid="other")]}).encode()
        eventually(lambda: ask(gateway, "/p", token)[0] == 401, "the key has gone")


if __name__ == "__main__":
    unittest.main()
