"""How backend hosts are found: /etc/hosts, and short names completed by the search domains, as in a container network."""
import os
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from gateway import Backend, Gateway, endpoint, json_reply

SERVER = "127.0.0.153"  # a loopback address of its own, so that port 53 is free


def mounts_allowed():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Dns:
    """A name server that knows a few A records and remembers what it was asked."""

    def __init__(self, records):
        self.records, self.asked = records, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((SERVER, 53))
        self.socket.settimeout(0.1)
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                query, peer = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode("latin1"))
                at += query[at] + 1
            name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            address = self.records.get(name)
            answers = b""
            if address and kind == 1:
                answers = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
            flags = 0x8180 if address else 0x8183
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", flags, 1, 1 if answers else 0, 0, 0) + query[12:at + 5] + answers, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        self.socket.close()


class Names(unittest.TestCase):
    def asked(self, name, **files):
        """Ask an endpoint whose backend is http://NAME, in a mount namespace where these files of /etc are others."""
        with tempfile.TemporaryDirectory() as folder, Backend(lambda c, h: json_reply(c, {"found": True})) as backend:
            script = ""
            for file, text in files.items():
                path = os.path.join(folder, file)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                target = "/etc/" + file.replace("_", ".")
                script += "mount --bind %s $(readlink -f %s) && " % (path, target)
            prefix = ("unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh") if files else ()
            config = {"endpoints": [endpoint("/x", "http://%s:%d" % (name, backend.port))]}
            with Gateway(config, prefix) as gateway:
                return gateway.get("/x")

    def test_localhost(self):
        self.assertEqual((200, b'{"found":true}'), self.asked("localhost"))

    @unittest.skipUnless(mounts_allowed(), "mount namespaces need root")
    def test_hosts_file(self):
        hosts = "127.0.0.1 localhost\n# a comment\n127.0.0.1\tother.example backend-of-mine  # two names\n"
        self.assertEqual((200, b'{"found":true}'), self.asked("backend-of-mine", hosts=hosts, resolv_conf="nameserver %s\n" % SERVER))

    @unittest.skipUnless(mounts_allowed(), "mount namespaces and port 53 need root")
    def test_search_domains(self):
        with Dns({"orders.shop.internal.test": "127.0.0.1"}) as dns:
            resolv = "nameserver %s\nsearch other.internal.test shop.internal.test\n" % SERVER
            self.assertEqual((200, b'{"found":true}'), self.asked("orders", resolv_conf=resolv, hosts="127.0.0.1 localhost\n"))
            names = [name for name, _ in dns.asked]
            self.assertIn("orders.other.internal.test", names)
            self.assertIn("orders.shop.internal.test", names)

    @unittest.skipUnless(mounts_allowed(), "mount namespaces and port 53 need root")
    def test_ndots(self):
        """options ndots:5, as Kubernetes writes it: a name with dots is tried in the search domains first."""
        with Dns({"api.team.svc.cluster.test": "127.0.0.1"}):
            resolv = "nameserver %s\nsearch svc.cluster.test cluster.test\noptions ndots:5\n" % SERVER
            self.assertEqual((200, b'{"found":true}'), self.asked("api.team", resolv_conf=resolv, hosts="127.0.0.1 localhost\n"))

    @unittest.skipUnless(mounts_allowed(), "mount namespaces and port 53 need root")
    def test_unknown_name(self):
        with Dns({}):
            status, _ = self.asked("nowhere", resolv_conf="nameserver %s\nsearch a.test\n" % SERVER, hosts="127.0.0.1 localhost\n")
            self.assertEqual(500, status)


if __name__ == "__main__":
    unittest.main()
