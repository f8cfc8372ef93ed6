"""The life of every scope, as debug builds log it: what is created ends, whatever becomes of the request."""
import collections
import re
import threading
import unittest

from chaos import PATIENCE, Backend, Watched, eventually, json_reply

LINE = re.compile(r"\[SCOPE\] (.+?) (0x[0-9a-f]+) (created|cancelled|ended)")


class Scopes(unittest.TestCase):
    def test_traced(self):
        gate, arrived = threading.Event(), threading.Event()

        def serve(connection, head):
            if "/slow" in head:
                arrived.set()
                gate.wait(PATIENCE)
            json_reply(connection, {})

        with Backend(serve) as backend:
            def one(path, **more):
                return dict({"endpoint": path, "backend": [{"host": [backend.host], "url_pattern": path}]}, **more)
            shadowed = one("/shadowed")
            shadowed["backend"].append({"host": [backend.host], "url_pattern": "/s", "extra_config": {"proxy": {"shadow": True}}})
            config = {"timeout": "%ds" % PATIENCE, "endpoints": [shadowed, one("/raced", concurrent_calls=3), one("/slow")],
                      "extra_config": {"telemetry/logging": {"level": "DEBUG", "stdout": True}}}
            with Watched(config) as gateway:
                def lives():
                    now = collections.Counter()
                    for line in gateway.lines():
                        found = LINE.search(line)
                        if found:
                            now[found.group(1), found.group(3)] += 1
                    return now

                def quiet():
                    return gateway.counters()["scopes"] == 0

                self.assertEqual(200, gateway.ask("/shadowed")[0])
                eventually(quiet, "the shadow has ended")
                seen = lives()
                if not seen:
                    self.skipTest("only debug builds log scopes")
                self.assertEqual(1, seen["detached exchange", "created"])
                before = seen
                self.assertEqual(200, gateway.ask("/raced")[0])
                eventually(quiet, "the race has ended")
                seen = lives()
                self.assertEqual(3, seen["branch", "created"] - before["branch", "created"])
                self.assertEqual(2, seen["branch", "cancelled"] - before["branch", "cancelled"])
                s = gateway.open(b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
                self.assertTrue(arrived.wait(PATIENCE))
                s.close()
                eventually(quiet, "the clients have left")
                gate.set()
                seen = lives()
                kinds = {kind for kind, _ in seen}
                self.assertEqual({"exchange", "root branch", "branch", "stream", "detached exchange"}, kinds)
                for kind in kinds:
                    self.assertEqual(seen[kind, "created"], seen[kind, "ended"], kind)


if __name__ == "__main__":
    unittest.main()
