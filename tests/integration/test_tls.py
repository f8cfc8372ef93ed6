"""TLS towards clients, against the running gateway, by Python's ssl and `openssl s_client`: what is negotiated, who is let in,
what is resumed, and what a change of files does."""
import os
import signal
import socket
import struct
import subprocess
import time
import unittest

from gateway import PATIENCE, eventually
from tls import Certificates, TlsGateway, client_hello, context, serial, wait_for_line

OK = 200


def setUpModule():
    global certificates  # made once: nobody changes these
    certificates = Certificates()


def tearDownModule():
    certificates.__exit__()


def gateway(names=("server",), own=None, **tls):
    return TlsGateway(dict({"keys": [certificates.pair(n) for n in names]}, **tls), own=own)


class Negotiation(unittest.TestCase):
    def test_versions(self):
        """min_version and max_version against what a client speaks: which are served."""
        offers = ["1.0", "1.1", "1.2", "1.3"]
        cases = [
            ({}, "1.3"),
            ({"min_version": "TLS12"}, "1.2 1.3"),
            ({"min_version": "TLS11"}, "1.1 1.2 1.3"),
            ({"min_version": "TLS10"}, "1.0 1.1 1.2 1.3"),
            ({"min_version": "SSL3.0"}, "1.0 1.1 1.2 1.3"),
            ({"min_version": "TLS12", "max_version": "TLS12"}, "1.2"),
            ({"min_version": "TLS10", "max_version": "TLS11"}, "1.0 1.1"),
            ({"min_version": "tls12"}, "1.3"),
            ({"min_version": "TLS1.2", "max_version": "x"}, "1.3"),
            ({"max_version": "TLS12"}, ""),
            ({"min_version": "TLS12", "max_version": "SSL3.0"}, ""),
        ]
        for tls, served in cases:
            tls = dict(tls, cipher_suites=[49199, 49195, 49171, 49161])  # one of CBC, which the old versions need
            with self.subTest(tls), gateway(**tls) as g:
                self.assertEqual(" ".join(v for v in offers if g.ask(context(low=v, high=v)) == OK), served)
                if served in ("", "1.3"):
                    wait_for_line(g, r"http: TLS handshake error from 127\.0\.0\.1:\d+: tls: client offered only unsupported "
                                     r"versions: \[303 302 301\]")

    def test_suites_and_curves(self):
        """What s_client offers, and what the two agree on; None: nothing."""
        rsa, ecdsa, both = ("rsaserver",), ("server",), ("rsaserver", "server")
        low = {"min_version": "TLS12"}
        cases = [
            (rsa, low, ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "ECDHE-RSA-AES128-GCM-SHA256"),
            (rsa, low, ["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], "ECDHE-RSA-CHACHA20-POLY1305"),
            (rsa, low, ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"], "ECDHE-RSA-AES128-GCM-SHA256"),
            (rsa, low, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], None),
            (rsa, low, ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], None),
            (rsa, low, ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], None),
            (rsa, low, ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"], None),
            (ecdsa, low, ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], None),
            (both, low, ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "ECDHE-RSA-AES128-GCM-SHA256"),
            (both, low, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDHE-ECDSA-AES128-GCM-SHA256"),
            (rsa, dict(low, cipher_suites=[49199, 156]), ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "AES128-GCM-SHA256"),
            (rsa, dict(low, cipher_suites=[49199, 158]), ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], None),
            (rsa, {"cipher_suites": [49200]}, ["-tls1_3"], "TLS_AES_256_GCM_SHA384|TLS_AES_128_GCM_SHA256"),
            (ecdsa, {}, ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
            (ecdsa, {}, ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], None),
            (ecdsa, {}, ["-tls1_3", "-curves", "P-256"], "TLS_AES"),
            (ecdsa, {}, ["-tls1_3", "-curves", "P-521"], "TLS_AES"),
            (ecdsa, {}, ["-tls1_3", "-curves", "X25519"], None),
            (ecdsa, {"curve_preferences": [29]}, ["-tls1_3", "-curves", "X25519"], "TLS_AES"),
            (ecdsa, {"curve_preferences": [29]}, ["-tls1_3", "-curves", "P-256"], None),
            (ecdsa, {"curve_preferences": [24, 4588]}, ["-tls1_3", "-curves", "P-384"], "TLS_AES"),
            (ecdsa, low, ["-tls1_2", "-curves", "X25519"], None),
            (rsa, low, ["-tls1_2", "-curves", "P-384"], "ECDHE-RSA"),
        ]
        for names, tls, options, agreed in cases:
            with self.subTest(names=names, tls=tls, options=options), gateway(names, **tls) as g:
                out = g.s_client(*options)
                if agreed:
                    self.assertRegex(out, "Cipher is (%s)" % agreed)
                else:
                    self.assertRegex(out, r"Cipher is \(NONE\)|alert handshake failure")

    def test_alpn(self):
        """The client's list, and what is chosen; a client with none of ours is refused."""
        with gateway(min_version="TLS12", cipher_suites=[49195, 49161]) as g:
            for offer, chosen in [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["x", "http/1.1"], "http/1.1"), ([], None)]:
                with self.subTest(offer), g.shake(context(alpn=offer or None)) as s:
                    self.assertEqual(s.selected_alpn_protocol(), chosen)
            self.assertIn("no application protocol", str(g.ask(context(alpn=["spdy/1"]))))
            wait_for_line(g, r'tls: client requested unsupported application protocols \(\["spdy/1"\]\)')
            # HTTP/2 forbids such suites (RFC 9113 appendix A): the older protocol is chosen with them
            with g.shake(context(high="1.2", alpn=["h2", "http/1.1"], ciphers="ECDHE-ECDSA-AES128-SHA")) as s:
                self.assertEqual(s.selected_alpn_protocol(), "http/1.1")

    def test_names(self):
        """The certificate that a client gets for the name it asks for."""
        first, second = serial(certificates("server.pem")), serial(certificates("second.pem"))
        with gateway(("server", "second")) as g:
            for name, expected in [("localhost", first), ("second.example", second), ("SECOND.example", second), ("a.wild.example", second),
                                   ("a.b.wild.example", first), ("wild.example", first), ("other.example", first), (None, first)]:
                with self.subTest(name):
                    self.assertEqual(g.peer(context(), name), expected)

    def test_several_kinds_of_keys(self):
        """Without a name the first certificate is taken whose key the client can verify."""
        rsa, ecdsa = serial(certificates("rsaserver.pem")), serial(certificates("server.pem"))
        with gateway(("rsaserver", "server"), min_version="TLS12") as g:
            for ciphers, expected in [("ECDHE-RSA-AES128-GCM-SHA256", rsa), ("ECDHE-ECDSA-AES128-GCM-SHA256", ecdsa), ("DEFAULT", rsa)]:
                with self.subTest(ciphers):
                    self.assertEqual(g.peer(context(high="1.2", ciphers=ciphers), None), expected)
            self.assertRegex(g.s_client("-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"), "Peer signature type: ECDSA")

    def test_renegotiation_is_refused(self):
        with gateway(min_version="TLS12") as g:
            client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % g.port, "-tls1_2"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            # "R" asks for it once the handshake is over, which is when the client reads its input
            out, _ = client.communicate(b"R\n", PATIENCE)
            self.assertIn(b"no renegotiation", out)
            self.assertEqual(g.ask(context()), OK)

    def test_a_request_without_tls(self):
        answer = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        with gateway() as g:
            for method, expected in [("GET", answer), ("HEAD", answer), ("POST", answer), ("PUT", answer), ("OPTIONS", answer), ("DELETE", answer),
                                     ("PATCH", answer), ("SSH-2.0-x", b"")]:
                with self.subTest(method), socket.create_connection(("127.0.0.1", g.port), PATIENCE) as s:
                    s.sendall(("%s / HTTP/1.1\r\nHost: x\r\n\r\n" % method).encode())
                    got = b""
                    try:
                        while True:
                            part = s.recv(4096)
                            if not part:
                                break
                            got += part
                    except ConnectionResetError:
                        pass
                    self.assertEqual(got, expected)
            wait_for_line(g, r"127\.0\.0\.1:\d+: client sent an HTTP request to an HTTPS server\n")
            wait_for_line(g, r"127\.0\.0\.1:\d+: tls: first record does not look like a TLS handshake\n")


class Clients(unittest.TestCase):
    def test_certificates(self):
        """Who is let in by enable_mtls, in both versions, and what is said of the others."""
        lines = {
            None: "tls: client didn't provide a certificate",
            "foreign": "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "server": "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage",
            "expired": "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time ",
        }
        for version in ("1.2", "1.3"):
            with gateway(enable_mtls=True, disable_system_ca_pool=True, ca_certs=[certificates("ca.pem")], min_version="TLS12") as g:
                for name in ("client", "both", None, "foreign", "server", "expired"):
                    with self.subTest(version=version, name=name):
                        got = g.ask(context(low=version, high=version, certificate=name and certificates(name)))
                        self.assertEqual(got == OK, name in ("client", "both"), got)
                        if name in lines:
                            wait_for_line(g, r"TLS handshake error from 127\.0\.0\.1:\d+: " + lines[name])

    def test_alerts(self):
        """The client can read why it is refused, although it has sent more meanwhile."""
        with gateway(enable_mtls=True, disable_system_ca_pool=True, ca_certs=[certificates("ca.pem")], min_version="TLS12") as g:
            for version, name, alert in [("1.3", None, "CERTIFICATE_REQUIRED"), ("1.2", None, "HANDSHAKE_FAILURE"), ("1.3", "foreign", "UNKNOWN_CA"),
                                         ("1.2", "foreign", "UNKNOWN_CA"), ("1.3", "expired", "CERTIFICATE_EXPIRED"), ("1.3", "server", "BAD_CERTIFICATE")]:
                with self.subTest(version=version, name=name):
                    got = g.ask(context(low=version, high=version, certificate=name and certificates(name)))
                    self.assertIn(alert, str(got))

    def test_pools(self):
        """Which authorities verify clients: ca_certs, the certificates of `keys`, not the old single one."""
        own = dict(enable_mtls=True, disable_system_ca_pool=True)
        old = {"public_key": certificates("both.pem"), "private_key": certificates("both.key")}
        cases = [
            (dict(own, keys=[certificates.pair("both")]), "both", True),
            (dict(own, keys=[certificates.pair("both")]), "client", False),
            (dict(own, **old), "both", False),
            (dict(own, ca_certs=[certificates("ca.pem")], **old), "client", True),
            (dict(own, keys=[certificates.pair("both")], ca_certs=[certificates("nope.pem"), certificates("ca.pem")]), "client", True),
            ({"enable_mtls": True, "keys": [certificates.pair("server")]}, "client", False),
        ]
        for tls, name, let_in in cases:
            with self.subTest(tls=tls, name=name), TlsGateway(tls) as g:
                self.assertEqual(g.ask(context(certificate=certificates(name))) == OK, let_in)

    def test_the_client_verifies(self):
        with gateway() as g:
            ca = certificates("ca.pem")
            self.assertEqual(g.ask(context(ca=ca)), OK)
            self.assertIn("CERTIFICATE_VERIFY_FAILED", str(g.ask(context(ca=certificates("foreign.pem")))))
            self.assertIn("CERTIFICATE_VERIFY_FAILED", str(g.ask(context(ca=ca), "wrong.example")))
            wait_for_line(g, r"remote error: tls: (unknown certificate authority|bad certificate)")


class Sessions(unittest.TestCase):
    def visit(self, g, c, session=None):
        """One request; was the session resumed, and the session for the next time."""
        with g.shake(c, session=session) as s:
            s.sendall(b"GET /__health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while s.recv(4096):
                pass
            return s.session_reused, s.session

    def chain(self, g, version, n=6):
        """How many of n visits, each with the ticket of the one before, were resumed."""
        c, session, resumed = context(low=version, high=version), None, 0
        for _ in range(n):
            again, session = self.visit(g, c, session)
            resumed += again
        return resumed, c, session

    def test_resumption(self):
        """Every visit but the first, whichever worker gets it; also after a reload, not after a restart."""
        for version in ("1.2", "1.3"):
            with self.subTest(version):
                with gateway(min_version="TLS12") as g:
                    resumed, c, session = self.chain(g, version)
                    self.assertEqual(resumed, 5)
                    g.write(g.config(ca_certs=[certificates("ca.pem")]))  # another object, the same keys of tickets
                    g.signal(signal.SIGHUP)
                    g.write(dict(g.config(), endpoints=[{"endpoint": "/new", "backend": [{"host": ["http://127.0.0.1:1"], "url_pattern": "/"}]}]))
                    again, session = self.visit(g, c, session)
                    self.assertTrue(again)
                with gateway(min_version="TLS12") as g:
                    again, _ = self.visit(g, c, session)
                    self.assertFalse(again)

    def test_client_certificates(self):
        """A session with a client certificate is resumed, but not when the authorities have changed since."""
        mutual = dict(enable_mtls=True, disable_system_ca_pool=True, ca_certs=[certificates("ca.pem")], min_version="TLS12")
        for version in ("1.2", "1.3"):
            with self.subTest(version), gateway(**mutual) as g:
                c = context(low=version, high=version, certificate=certificates("client"))
                _, session = self.visit(g, c)
                again, session = self.visit(g, c, session)
                self.assertTrue(again)
                g.write(g.config(ca_certs=[certificates("foreign.pem")]))
                g.signal(signal.SIGHUP)
                eventually(lambda: g.ask(context(low=version, high=version, certificate=certificates("client"))) != OK, "the reload")
                try:
                    again, _ = self.visit(g, c, session)
                    self.fail("let in, resumed: %s" % again)
                except OSError:
                    pass

    def test_rotation(self):
        """A ticket of the key before the present one opens; then it is too old."""
        with gateway(min_version="TLS12", own={"ticket_rotation": "2s"}) as g:
            c = context(high="1.2")
            _, session = self.visit(g, c)
            again, _ = self.visit(g, c, session)
            self.assertTrue(again)
            time.sleep(5)  # both clocks only go on: it is older than that at least
            again, _ = self.visit(g, c, session)
            self.assertFalse(again)


class Files(unittest.TestCase):
    def setUp(self):
        self.own = Certificates()
        self.addCleanup(self.own.__exit__)

    def gateway(self, *names, own=None, **tls):
        return TlsGateway(dict({"keys": [self.own.pair(n) for n in names]}, **tls), own=own, stdout=self.log())

    def log(self):
        self.lines = open(self.own("log"), "w+b")
        self.addCleanup(self.lines.close)
        return self.lines

    def wait_for(self, text):
        def there():
            with open(self.own("log"), "rb") as f:
                return text.encode() in f.read()
        eventually(there, "a line of the log: " + text)

    def count(self, text):
        with open(self.own("log"), "rb") as f:
            return f.read().count(text.encode())

    def test_staple(self):
        """The answer that belongs to the certificate is sent to those who ask; an old one is not."""
        self.own.make("ca1")
        self.own.make("leaf", authority="ca1")
        self.own.make("leaf2", authority="ca1")
        self.own.staple("leaf", "ca1")
        with self.gateway("server", "leaf", own={"ocsp_file": self.own("leaf.ocsp")}) as g:
            self.assertIn("no response sent", g.s_client("-status", "-servername", "other.example"))
        with self.gateway("leaf", own={"ocsp_file": [self.own("leaf.ocsp")]}, min_version="TLS12") as g:
            for version in ("-tls1_2", "-tls1_3"):
                out = g.s_client("-status", version)
                self.assertIn("OCSP Response Status: successful", out)
                self.assertIn("Cert Status: good", out)
            self.assertNotIn("OCSP", g.s_client())
            # a staple for another certificate is refused, and the present one stays
            with open(self.own("leaf.ocsp"), "ab"):
                pass
            self.own.staple("leaf2", "ca1")
            os.replace(self.own("leaf2.ocsp"), self.own("leaf.ocsp"))
            self.wait_for("leaf.ocsp: it is about none of the certificates")
            self.assertIn("Cert Status: good", g.s_client("-status"))
        with self.gateway("leaf", own={"ocsp_file": self.own("leaf.pem")}) as g:
            self.assertEqual(g.ask(context()), OK)
            self.wait_for("Cannot load OCSP answer")

    def test_new_certificates(self):
        """A new pair is taken up by itself; half of one, or a broken one, changes nothing and is said once."""
        self.own.make("a")
        self.own.make("b")
        a, b = serial(self.own("a.pem")), serial(self.own("b.pem"))
        certificate, key = self.own.read("b.pem"), self.own.read("b.key")
        with self.gateway("a") as g, g.shake(context()) as kept:
            self.assertEqual(g.peer(context()), a)
            self.own.write("a.pem", certificate)
            self.wait_for("cannot be used: tls: private key does not match public key. The present ones stay in use")
            self.assertEqual(g.peer(context()), a)
            self.own.write("a.key", key)
            eventually(lambda: g.peer(context()) == b, "the new certificate is shown")
            self.own.write("a.pem", "broken")
            self.wait_for("cannot be used: tls: failed to find any PEM data in certificate input")
            self.assertEqual(g.peer(context()), b)
            os.unlink(self.own("a.pem"))
            self.wait_for("cannot be used: open %s: no such file or directory" % self.own("a.pem"))
            self.assertEqual(g.peer(context()), b)
            g.signal(signal.SIGHUP)  # nothing has changed in the configuration: neither does this
            self.assertEqual(g.ask(context()), OK)
            self.assertEqual(self.count("does not match public key"), 1)
            kept.sendall(b"GET /__health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(kept.recv(100).startswith(b"HTTP/1.1 200"))

    def test_reload(self):
        """A reload takes new files at once; one that names bad ones is refused; TLS can come and go."""
        self.own.make("a")
        self.own.make("b")
        a, b = serial(self.own("a.pem")), serial(self.own("b.pem"))
        with self.gateway("a") as g:
            self.own.write("a.key", self.own.read("b.key"))
            self.own.write("a.pem", self.own.read("b.pem"))
            g.signal(signal.SIGHUP)
            eventually(lambda: g.peer(context()) == b, "the new certificate is shown")
            g.write(g.config(keys=[self.own.pair("nope")]))
            g.signal(signal.SIGHUP)
            self.wait_for("open %s: no such file or directory" % self.own("nope.pem"))
            self.assertEqual(g.peer(context()), b)
            g.write(g.config(disabled=True))
            g.signal(signal.SIGHUP)

            def plain():
                try:
                    return g.get("/__health")[0] == OK
                except OSError:
                    return False
                except Exception:  # http.client's own: what came was no answer
                    return False
            eventually(plain, "TLS is off")
            g.write(g.config())
            g.signal(signal.SIGHUP)
            eventually(lambda: g.ask(context()) == OK, "TLS is on again")
        self.assertNotEqual(a, b)

    def test_expiry(self):
        for days, text in [(100, "KRAKEND INFO: [SERVICE: HTTP Server] The certificate "), (10, "KRAKEND WARNING: [SERVICE: HTTP Server] The certificate ")]:
            self.own.make("a", days=days)
            with self.gateway("a") as g:
                self.wait_for(text + self.own("a.pem") + " expires in ")
                self.assertEqual(self.count(" in %d days: " % days) + self.count(" in %d days: " % (days - 1)), 1)
                g.signal(signal.SIGUSR1)
                self.wait_for('"expires":[')
        with self.gateway("expired") as g:
            self.wait_for("KRAKEND ERROR: [SERVICE: HTTP Server] The certificate %s has expired: " % self.own("expired.pem"))
            self.assertEqual(g.ask(context()), OK)

    def ends_with(self, line, **tls):
        g = TlsGateway(tls, stdout=self.log())
        try:
            self.assertEqual(g.ended(), 0)
            self.wait_for("KRAKEND ERROR: [SERVICE: Gin] " + line + "\n")
            self.wait_for("[SERVICE: Gin] Router execution ended")
        finally:
            g.__exit__()

    def test_what_ends_the_start(self):
        pair, own = self.own.pair("server"), self.own
        h2 = ("http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of "
              "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)")
        cases = [
            ("public key not defined", {}),
            ("public key not defined", {"keys": [{"private_key": own("server.key")}]}),
            ("private key not defined", {"keys": [{"public_key": own("server.pem")}]}),
            ("private key not defined", {"keys": [pair], "public_key": own("server.pem")}),
            ("open %s: no such file or directory" % own("nope"), {"keys": [dict(pair, public_key=own("nope"))]}),
            ("open %s: no such file or directory" % own("nope"), {"keys": [pair, dict(pair, private_key=own("nope"))]}),
            ("read %s: is a directory" % own(""), {"keys": [dict(pair, public_key=own(""))]}),
            ("tls: private key does not match public key", {"keys": [dict(pair, private_key=own("second.key"))]}),
            ("tls: private key type does not match public key type", {"keys": [dict(pair, private_key=own("rsaserver.key"))]}),
            ("tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
             {"keys": [{"public_key": own("server.key"), "private_key": own("server.pem")}]}),
            ("tls: found a certificate rather than a key in the PEM for the private key", {"keys": [dict(pair, private_key=own("server.pem"))]}),
            (h2, {"keys": [pair], "min_version": "TLS12", "cipher_suites": [4865, 4866, 4867]}),
        ]
        for line, tls in cases:
            with self.subTest(line):
                self.ends_with(line, **tls)


class Slow(unittest.TestCase):
    def test_timeouts(self):
        """A client that says nothing, a part of its hello, or nothing after it, is closed and named."""
        hello = client_hello()
        with gateway(own={"handshake_timeout": "300ms"}) as g:
            for sent in (b"", hello[:3], hello[:-1], hello):
                with self.subTest(len(sent)), socket.create_connection(("127.0.0.1", g.port), PATIENCE) as s:
                    s.sendall(sent)
                    port = s.getsockname()[1]
                    wait_for_line(g, r"127\.0\.0\.1:%d: read tcp 127\.0\.0\.1:%d->127\.0\.0\.1:%d: i/o timeout\n" % (port, g.port, port))

    def test_ends(self):
        """What is said of clients that go away in the middle."""
        hello = client_hello()
        with gateway() as g:
            for sent, reset, line in [(b"", False, "EOF"), (hello[:3], False, "unexpected EOF"), (hello[:-1], False, "unexpected EOF"), (hello, False, "EOF"),
                                      (b"", True, "read: connection reset by peer"), (b"\x80\x2e\x01\x00\x02\x00", False, "tls: unsupported SSLv2 handshake received"),
                                      (b"\x16\x03\x01\x50\x00", False, "tls: oversized record received with length 20480")]:
                with self.subTest(line=line, n=len(sent)):
                    s = socket.create_connection(("127.0.0.1", g.port), PATIENCE)
                    port = s.getsockname()[1]
                    s.sendall(sent)
                    if reset:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        s.close()
                    else:
                        try:
                            s.shutdown(socket.SHUT_WR)  # closing would answer what the gateway sends with a reset
                        except OSError:
                            pass  # it has been refused already
                    wait_for_line(g, r"127\.0\.0\.1:%d: (read tcp \S+: )?%s\n" % (port, line))
                    s.close()


if __name__ == "__main__":
    unittest.main()
