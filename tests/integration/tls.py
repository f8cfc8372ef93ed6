"""What the tests of TLS towards clients share: certificates, a client that tells what a handshake came to, s_client."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile

from gateway import PATIENCE, Gateway

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance", "cases", "security", "tls")
KIT = ["mtls", "several_keys", "default_ciphers"]  # whose files are certificates of one authority


def run(*command, **more):
    """A command of the tests' own; its output, errors included."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False, **more)
    return done.stdout.decode("utf-8", "replace")


class Certificates:
    """A folder with the kit's certificates (server, second, client, foreign, expired ...), and an authority of our own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="krakend-tls-")
        for case in KIT:
            with open(os.path.join(CASES, case + ".json"), encoding="utf-8") as f:
                for name, text in json.load(f)["files"].items():
                    self.write(name, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self(name) + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self(name) + ".new", self(name))

    def read(self, name):
        with open(self(name), encoding="utf-8") as f:
            return f.read()

    def pair(self, name):
        return {"public_key": self(name + ".pem"), "private_key": self(name + ".key")}

    def make(self, name, days=30, key="ec:P-256", authority=None):
        """A certificate for localhost, signed by itself or by an authority made here before."""
        kind = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + key[3:]]
        signed = ["-CA", self(authority + ".pem"), "-CAkey", self(authority + ".key")] if authority else []
        out = run("openssl", "req", "-x509", *kind, "-nodes", "-keyout", self(name + ".key.new"), "-out", self(name + ".pem.new"),
                  "-days", str(days), "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", *signed)
        assert os.path.exists(self(name + ".pem.new")), out
        os.replace(self(name + ".key.new"), self(name + ".key"))
        os.replace(self(name + ".pem.new"), self(name + ".pem"))

    def staple(self, name, authority, days=5):
        """An OCSP answer of the authority that the certificate is good: NAME.ocsp."""
        serial = run("openssl", "x509", "-in", self(name + ".pem"), "-noout", "-serial").strip().split("=")[1]
        self.write("index.txt", "V\t300101000000Z\t\t%s\tunknown\t/CN=%s\n" % (serial, name))
        ask = ["openssl", "ocsp", "-issuer", self(authority + ".pem"), "-cert", self(name + ".pem")]
        out = run(*ask, "-no_nonce", "-reqout", self("request.der"))
        out += run("openssl", "ocsp", "-index", self("index.txt"), "-CA", self(authority + ".pem"), "-rsigner",
                   self(authority + ".pem"), "-rkey", self(authority + ".key"), "-reqin", self("request.der"), "-respout",
                   self(name + ".ocsp"), "-ndays", str(days))
        assert os.path.exists(self(name + ".ocsp")), out


def context(ca=None, certificate=None, low="1.2", high="1.3", ciphers=None, alpn=None):
    """A client's settings; ca None: any certificate will do."""
    numbers = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
               "1.3": ssl.TLSVersion.TLSv1_3}
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.minimum_version, c.maximum_version = numbers[low], numbers[high]
    c.set_ciphers(ciphers or ("ALL:@SECLEVEL=0" if low < "1.2" else "DEFAULT"))
    if ca:
        c.load_verify_locations(ca)
    else:
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if certificate:
        c.load_cert_chain(certificate + ".pem", certificate + ".key")
    if alpn:
        c.set_alpn_protocols(alpn)
    return c


def client_hello():
    """The first bytes of a client of TLS 1.3."""
    out = ssl.MemoryBIO()
    c = context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        c.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class TlsGateway(Gateway):
    """A gateway that serves TLS; its standard error is kept."""

    def __init__(self, tls, own=None, **more):
        self.err = tempfile.TemporaryFile(prefix="krakend-tls-err-")
        self.tls, self.own = tls, own
        super().__init__(self.config(), stderr=self.err, **more)

    def config(self, **tls):
        extra = {"gateway/tls": self.own} if self.own else {}
        return {"endpoints": [], "tls": dict(self.tls, **tls), "extra_config": extra}

    def __exit__(self, *_):
        super().__exit__()
        self.err.close()

    def said(self):
        """What it has written to standard error."""
        size = os.fstat(self.err.fileno()).st_size
        return os.pread(self.err.fileno(), size, 0).decode("utf-8", "replace")

    def shake(self, c, name="localhost", session=None):
        """A connection after its handshake."""
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        try:
            return c.wrap_socket(s, server_hostname=name, session=session)
        except BaseException:
            s.close()
            raise

    def ask(self, c, name="localhost"):
        """The status of a health check on a connection of its own, or the reason why there is none."""
        try:
            with self.shake(c, name) as s:
                s.sendall(b"GET /__health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                head = s.recv(4096)
                return int(head.split(b" ")[1]) if head else "closed"
        except ssl.SSLError as e:
            return e.reason or str(e)
        except OSError as e:
            return type(e).__name__

    def s_client(self, *options, text=b""):
        return run("openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port, *options, input=text)

    def peer(self, c, name="localhost"):
        """The number of the certificate that is shown."""
        with self.shake(c, name) as s:
            der = s.getpeercert(True)
        out = run("openssl", "x509", "-noout", "-serial", input=ssl.DER_cert_to_PEM_cert(der).encode())
        return out.strip()


def serial(path):
    return run("openssl", "x509", "-in", path, "-noout", "-serial").strip()


def wait_for_line(gateway, pattern):
    """Wait until standard error has a line of that form."""
    from gateway import eventually
    eventually(lambda: re.search(pattern, gateway.said()), "a line of standard error: " + pattern)
