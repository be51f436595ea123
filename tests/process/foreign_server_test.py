#!/usr/bin/python3
"""Drives foreign_server.py with http.client: every route, every option, every planned failure."""
import email.utils
import gzip
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

PROGRAM = str(pathlib.Path(__file__).resolve().parent.parent / "support" / "foreign_server.py")
RESULT_FIELDS = {"id", "serverId", "status", "success", "isConflict", "isNotFound", "version",
                 "newVersion", "lastModified", "seq"}


class Case(unittest.TestCase):
    options = ()

    def setUp(self):
        self.process = subprocess.Popen([sys.executable, PROGRAM, "--port", "0", *self.options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        self.assertRegex(line, r"^listening on http://127\.0\.0\.1:\d+$")
        self.port = int(line.rsplit(":", 1)[1])
        self.connection = self.connect()

    def tearDown(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=5)
        self.assertEqual((self.process.returncode, errors), (0, ""))

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def raw(self, method, target, body=None, headers=None, connection=None):
        """(status, headers, body bytes); an object as body goes as JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection = connection or self.connection
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def call(self, method, target, body=None, headers=None):
        status, answer_headers, text = self.raw(method, target, body, headers)
        self.assertEqual(answer_headers["Content-Type"], "application/json")
        value = json.loads(text)
        if status >= 400:
            self.assertLessEqual({"code", "message"}, set(value["error"]))
        return status, value

    def get(self, target, **query):
        query = "?" + urllib.parse.urlencode(query) if query else ""
        status, value = self.call("GET", target + query)
        self.assertEqual(status, 200, value)
        return value

    def post(self, target, body, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, value = self.call("POST", target, body, named)
        self.assertEqual(status, 200, value)
        return value

    def batch(self, *operations, target="/batch-sync", **headers):
        results = self.post(target, {"operations": list(operations)}, **headers)["results"]
        self.assertEqual(len(results), len(operations))
        for result in results:
            self.assertLessEqual(RESULT_FIELDS, set(result))
        return results

    def create(self, **data):
        return self.batch({"operation": "CREATE", "data": data})[0]["serverId"]

    def error(self, status, code, method, target, body=None, headers=None):
        got, value = self.call(method, target, body, headers)
        self.assertEqual((got, value["error"]["code"]), (status, code), value)
        return value["error"]


class BatchTest(Case):
    def test_results_in_request_order(self):
        a, b = self.create(n=1), self.create(n=2)
        self.post("/control/delete", {"id": b})
        results = self.batch(
            {"operation": "CREATE", "localId": "l1",
             "data": {"title": "x", "version": 9, "id": "evil", "lastModified": 1}},
            {"operation": "UPDATE", "id": a, "version": 1, "data": {"n": 5, "k": {"p": 1}}},
            {"operation": "UPDATE", "id": a, "version": 1, "data": {"n": 6}},
            {"operation": "UPDATE", "id": b, "data": {}},
            {"operation": "UPDATE", "id": "nowhere", "data": {}},
            {"operation": "DELETE", "id": a, "version": 1},
            {"operation": "DELETE", "id": a, "version": 2},
            {"operation": "DELETE", "id": "nowhere"},
            {"operation": "SKIP"},
            {"operation": "UPDATE", "localId": "l1", "increments": {"n": 2}},
            {"operation": "BOGUS", "id": a},
            {"operation": "UPDATE", "data": {}})
        self.assertEqual([r["status"] for r in results], [
            "SYNCED", "SYNCED", "CONFLICT", "DELETE_CONFLICT", "DELETE_CONFLICT",
            "DELETE_CONFLICT", "SYNCED", "SYNCED", "SYNCED", "SYNCED", "FAILED", "FAILED"])
        self.assertEqual([r["isNotFound"] for r in results],
                         [i in (3, 4, 7) for i in range(len(results))])
        for r in results:
            self.assertEqual(r["success"], r["status"] == "SYNCED")
            self.assertEqual(r["isConflict"], "CONFLICT" in r["status"])
            self.assertEqual("error" in r, r["status"] == "FAILED")
        created = results[0]
        self.assertEqual((created["id"], created["localId"], created["serverId"],
                          created["version"]), ("l1", "l1", "srv-3", 1))
        self.assertEqual(results[1]["newVersion"], 2)
        self.assertEqual(results[2]["serverVersion"], {
            "id": a, "n": 5, "k": {"p": 1}, "version": 2,
            "lastModified": results[1]["lastModified"]})
        self.assertEqual(results[5]["serverVersion"]["version"], 2)
        self.assertEqual((results[3]["version"], "serverVersion" in results[3]), (2, False))
        self.assertEqual((results[9]["serverId"], results[9]["version"]), ("srv-3", 2))
        self.assertEqual(results[10]["error"]["retryable"], False)
        item, = self.get("/control/items")["items"]
        self.assertEqual((item["id"], item["title"], item["n"], item["version"]),
                         ("srv-3", "x", 2, 2))

    def test_ids_are_ours_and_a_local_id_lives_in_its_request(self):
        first, second = self.batch({"operation": "CREATE", "id": "mine", "data": {}},
                                   {"operation": "UPDATE", "id": "mine", "data": {"a": 1}})
        self.assertEqual((first["id"], first["serverId"]), ("mine", "srv-1"))
        self.assertEqual((second["status"], second["isNotFound"]), ("DELETE_CONFLICT", True))
        self.batch({"operation": "CREATE", "localId": "x"})
        self.assertTrue(self.batch({"operation": "UPDATE", "localId": "x"})[0]["isNotFound"])

    def test_patch_replace_increments(self):
        a = self.create(a=1, b={"c": 1, "d": 2})
        self.batch({"operation": "UPDATE", "id": a, "data": {"a": None, "b": {"c": 3}},
                    "increments": {"n": 1.5}})
        item, = self.get("/control/items")["items"]
        self.assertEqual((item["b"], item["n"], "a" in item), ({"c": 3, "d": 2}, 1.5, False))
        self.batch({"operation": "UPDATE", "id": a, "data": {"z": "é😀"}, "replace": True})
        item, = self.get("/control/items")["items"]
        self.assertEqual(set(item), {"id", "z", "version", "lastModified"})
        for amounts in ({"z": 1}, {"version": 1}, {"n": "1"}, {"n": True}, {"n": 10**400}):
            result, = self.batch({"operation": "UPDATE", "id": a, "increments": amounts})
            self.assertEqual(result["error"]["code"], "bad_increment")
        for wrong in ({"data": []}, {"version": "1"}, {"version": True}, {"replace": 1},
                      {"increments": 3}, {"localId": 7}):
            result, = self.batch({"operation": "UPDATE", "id": a, **wrong})
            self.assertEqual(result["error"]["code"], "bad_operation", wrong)
        self.assertEqual(self.get("/control/items")["items"][0]["version"], 3)

    def test_idempotency_key(self):
        body = {"operations": [{"operation": "CREATE", "data": {"n": 1}}]}
        first = self.raw("POST", "/batch-sync", body, {"Idempotency-Key": "k"})
        self.create(n=2)
        again = self.raw("POST", "/batch-sync", body, {"Idempotency-Key": "k"})
        other = self.raw("POST", "/batch-sync", {"operations": []}, {"Idempotency-Key": "k"})
        self.assertEqual(first[2], again[2])
        self.assertEqual(first[2], other[2])
        zipped = [self.raw("POST", "/batch-sync", body,
                           {"Idempotency-Key": "k", "Accept-Encoding": "gzip"})[2]
                  for _ in range(2)]
        self.assertEqual(zipped[0], zipped[1])
        self.assertEqual(gzip.decompress(zipped[0]), first[2])
        log = self.get("/control/requests")["requests"]
        self.assertEqual([(e["replayed"], e["sameBody"]) for e in log],
                         [(False, None), (False, None), (True, True), (True, False),
                          (True, True), (True, True)])
        self.assertEqual(len(self.get("/control/items")["items"]), 2)
        for key in ("", "x" * 129):
            self.error(400, "bad_idempotency_key", "POST", "/batch-sync", body,
                       {"Idempotency-Key": key})
        self.raw("POST", "/batch-sync", body, {"Idempotency-Key": "x" * 128})
        self.assertEqual(len(self.get("/control/items")["items"]), 3)

    def test_a_refused_request_does_not_use_up_its_key(self):
        self.error(400, "bad_json", "POST", "/batch-sync", "{", {"Idempotency-Key": "k"})
        self.assertEqual(self.batch({"operation": "CREATE"}, Idempotency_Key="k")[0]["version"], 1)

    def test_one_key_from_many_threads(self):
        bodies = []

        def send():
            connection = self.connect()
            bodies.append(self.raw("POST", "/batch-sync",
                                   {"operations": [{"operation": "CREATE"}] * 20},
                                   {"Idempotency-Key": "same"}, connection)[2])
            connection.close()
        threads = [threading.Thread(target=send) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(bodies), len(set(bodies))), (16, 1))
        self.assertEqual(len(self.get("/control/items")["items"]), 20)


class DeltaTest(Case):
    def walk(self, cursor="0", limit=500):
        seen = {"created": [], "updated": [], "deleted": []}
        while True:
            page = self.get("/delta", cursor=cursor, limit=limit)
            self.assertEqual(set(page), {*seen, "nextCursor", "hasMore"})
            self.assertLessEqual(sum(len(page[name]) for name in seen), limit)
            for name in seen:
                seen[name] += page[name]
            cursor = page["nextCursor"]
            if not page["hasMore"]:
                return seen, cursor

    def test_walk_and_changes(self):
        ids = [r["serverId"] for r in self.batch(*[{"operation": "CREATE"}] * 25)]
        seen, cursor = self.walk(limit=10)
        self.assertEqual([item["id"] for item in seen["created"]], ids)
        self.assertEqual(self.walk(cursor), ({"created": [], "updated": [], "deleted": []}, cursor))
        self.post("/control/put", {"id": ids[24], "data": {"n": 1}})  # born just at the cursor
        new = self.post("/control/put", {"data": {"n": 2}})["item"]
        gone = self.post("/control/delete", {"id": ids[1]})
        self.assertEqual((new["id"], new["version"], gone["version"]), ("srv-26", 1, 2))
        for limit in (1, 2, 500):
            seen, end = self.walk(cursor, limit)
            self.assertEqual(seen["created"], [new])
            self.assertEqual([(i["id"], i["n"], i["version"]) for i in seen["updated"]],
                             [(ids[24], 1, 2)])
            self.assertEqual(seen["deleted"], [ids[1]])
        self.assertEqual(self.get("/delta")["nextCursor"], end)
        back = self.post("/control/put", {"id": ids[1], "data": {}})["item"]
        self.assertEqual((back["version"], self.walk(end)[0]["created"]), (3, [back]))

    def test_a_cursor_must_be_percent_encoded_and_ours(self):
        self.create()
        cursor = self.get("/delta")["nextCursor"]
        self.assertIn("+", cursor)
        for bad in (cursor, "", "1", "pos%2B1", "pos%2B-1.1", "a" * 300):
            self.error(400, "bad_cursor", "GET", "/delta?cursor=" + bad)
        error = self.error(410, "cursor_expired", "GET", "/delta?cursor=pos%2Bff.ff")
        self.assertEqual(error["details"], {"reason": "ahead"})
        for limit in ("0", "501", "-1", "x", "", "1e2"):
            self.error(400, "bad_limit", "GET", "/delta?limit=" + limit)

    def test_etag(self):
        def status(cursor, tag):
            target = "/delta?" + urllib.parse.urlencode({"cursor": cursor, "limit": 1})
            got, headers, body = self.raw("GET", target, None, {"If-None-Match": tag})
            self.assertEqual(headers["Vary"], "Accept, Accept-Encoding")
            self.assertEqual(got == 304, not body)
            return got, headers["ETag"]
        tag = status("0", '"none"')[1]
        self.assertEqual(status("0", tag), (304, tag))  # an empty collection, nothing after 0
        self.create(), self.create()
        middle = self.get("/delta", limit=1)["nextCursor"]
        got, newer = status("0", tag)
        self.assertEqual((got, newer != tag), (200, True))
        end = self.get("/delta")["nextCursor"]
        self.assertEqual([status(c, newer)[0] for c in ("0", middle, end)], [200, 200, 304])
        self.assertEqual([status(end, t)[0] for t in (tag, f'"x", {newer}', newer[2:])],
                         [200, 304, 304])

    def test_collections_are_apart(self):
        self.batch({"operation": "CREATE", "data": {"n": 1}}, target="/batch-sync?collection=notes")
        self.assertEqual(len(self.get("/delta", collection="notes")["created"]), 1)
        self.assertEqual(self.get("/delta")["created"], [])
        self.assertEqual(len(self.get("/control/items", collection="notes")["items"]), 1)


class UpdatesTest(Case):
    def test_look_back_seconds_and_deletions(self):
        a, b = self.create(n=1), self.create(n=2)
        self.post("/control/delete", {"id": b})
        page = self.get("/updates")
        self.assertEqual(set(page), {"items", "deleted", "serverTime", "hasMore", "nextSince"})
        self.assertEqual(([i["id"] for i in page["items"]], page["deleted"]), ([a], [b]))
        self.assertEqual((page["hasMore"], page["nextSince"]), (False, page["serverTime"]))
        now = page["serverTime"]
        for since, count in ((now, 1), (now + 50_000, 1), (now + 61_000, 0), (now / 1000, 1),
                             (f"{now / 1000 + 50:.3f}", 1), (now // 1000 + 62, 0)):
            self.assertEqual(len(self.get("/updates", since=since)["items"]), count, since)
        for bad in ("x", "-1", "nan", "inf", "1e400", ""):
            self.error(400, "bad_since", "GET", "/updates?since=" + bad)

    def test_walk_ends_and_misses_nothing(self):
        for _ in range(4):  # many items in one millisecond, over page boundaries
            self.batch(*[{"operation": "CREATE"}] * 30)
            time.sleep(0.003)
        since, seen, pages = 0, [], 0
        while True:
            page = self.get("/updates", since=since, limit=7)
            seen += [item["id"] for item in page["items"]]
            since, pages = page["nextSince"], pages + 1
            if not page["hasMore"]:
                break
        self.assertEqual(seen, [f"srv-{n}" for n in range(1, 121)])
        self.assertGreater(pages, 3)

    def test_last_modified_rises(self):
        a, stamps = self.create(), []
        for _ in range(50):
            stamps.append(self.batch({"operation": "UPDATE", "id": a})[0]["lastModified"])
        self.assertEqual(stamps, sorted(set(stamps)))


class HttpTest(Case):
    def test_keep_alive(self):
        self.get("/delta")
        first = self.connection.sock
        self.create()
        self.error(404, "not_found", "GET", "/stream")
        self.error(415, "unsupported_media_type", "POST", "/batch-sync", "x",
                   {"Content-Type": "application/x-protobuf"})
        self.error(404, "not_found", "POST", "/nowhere", "a body that must be read")
        self.get("/delta")
        self.assertIsNotNone(first)
        self.assertIs(self.connection.sock, first)

    def test_refusals(self):
        status, headers, _ = self.raw("GET", "/batch-sync")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        self.assertEqual(self.raw("HEAD", "/delta")[::2], (405, b""))
        for bad in ("", "{", b"\xff", '{"operations":NaN}', '{"operations":[{"x":1e999}]}',
                    '{"operations":["\\ud800"]}', "[" * 100_000, "1" * 5000 + "x"):
            self.error(400, "bad_json", "POST", "/batch-sync", bad)
        for bad in ([], {}, {"operations": {}}, {"operations": [1]}):
            self.error(400, "bad_request", "POST", "/batch-sync", bad)
        self.error(415, "unsupported_media_type", "POST", "/batch-sync", "{}",
                   {"Content-Type": "text/plain"})
        self.assertEqual(self.post("/batch-sync", {"operations": []},
                                   Content_Type="Application/JSON; charset=utf-8"), {"results": []})
        with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.sendall(b"POST /batch-sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                         b"\r\n2\r\n{}\r\n0\r\n\r\n")
            answer = peer.recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 411 "), answer)
            self.assertIn(b"Connection: close", answer)

    def test_deep_nesting_never_breaks_an_answer(self):
        statuses = set()
        for depth in range(930, 1000):  # around Python's own limit
            deep = '{"a":' * depth + "1" + "}" * depth
            operation = '{"operation":"%s","id":"i","data":%s}'
            a = self.create()
            for kind in ("CREATE", "UPDATE"):
                body = '{"operations":[%s]}' % (operation % (kind, deep)).replace('"i"', f'"{a}"')
                statuses.add(self.raw("POST", "/batch-sync", body)[0])
            self.raw("POST", "/control/put", '{"data":%s}' % deep)
            stale = {"operations": [{"operation": "UPDATE", "id": a, "version": 0, "data": {}}]}
            self.assertEqual(self.raw("POST", "/batch-sync", stale)[0], 200)
        self.assertEqual(statuses, {200, 400})
        for target in ("/delta", "/updates", "/control/items"):
            self.assertEqual(self.raw("GET", target)[0], 200)

    def test_gzip(self):
        text = json.dumps({"operations": [{"operation": "CREATE", "data": {"t": "é" * 99}}]})
        packed = gzip.compress(text.encode())
        head = {"Content-Encoding": "gzip"}
        self.assertEqual(self.call("POST", "/batch-sync", packed, head)[0], 200)
        for body, looks in ((text, "JSON"), (packed[:-3], "damaged gzip"),
                            (packed + b"x", "damaged gzip"), ("hello", "something else"),
                            (b"\x28\xb5\x2f\xfd", "zstd")):
            error = self.error(400, "bad_encoding", "POST", "/batch-sync", body, head)
            self.assertTrue(error["message"].endswith(looks), error)
        self.error(415, "unsupported_encoding", "POST", "/batch-sync", text,
                   {"Content-Encoding": "zstd"})
        for accept, zipped in (("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False),
                               ("gzip;q=0.0, br", False), ("identity", False), ("GZIP", True)):
            _, headers, body = self.raw("GET", "/delta", None, {"Accept-Encoding": accept})
            self.assertEqual(headers["Content-Encoding"] == "gzip", zipped, accept)
            plain = gzip.decompress(body) if zipped else body
            self.assertEqual(len(json.loads(plain)["created"]), 1)


class ControlTest(Case):
    def test_log(self):
        before = int(time.time() * 1000)
        self.batch({"operation": "CREATE"}, {"operation": "SKIP"}, Idempotency_Key="key")
        self.get("/delta", limit=5)
        self.call("GET", "/nowhere")
        log = self.get("/control/requests")["requests"]
        self.assertEqual([(e["method"], e["path"], e["query"], e["idempotencyKey"], e["status"],
                           e["operations"]) for e in log],
                         [("POST", "/batch-sync", "", "key", 200, 2),
                          ("GET", "/delta", "limit=5", None, 200, 0),
                          ("GET", "/nowhere", "", None, 404, 0)])
        self.assertTrue(all(before <= e["arrivalMs"] <= time.time() * 1000 for e in log))

    def test_bad_control_requests(self):
        for bad in ({}, {"next": 1, "how": "x"}, {"next": -1, "how": "500"},
                    {"next": "1", "how": "500"}, {"next": 1, "how": "slow_ms:"}):
            self.error(400, "bad_request", "POST", "/control/fail", bad)
        self.error(400, "bad_request", "POST", "/control/put", {"data": 1})
        self.error(404, "not_found", "POST", "/control/delete", {"id": "none"})

    def fail(self, how, count=1, **more):
        self.post("/control/fail", {"next": count, "how": how, **more})

    def send(self, key):
        return self.raw("POST", "/batch-sync", {"operations": [{"operation": "CREATE"}]},
                        {"Idempotency-Key": key})

    def count(self):
        return len(self.get("/control/items")["items"])

    def test_planned_statuses(self):
        for how, retry in (("500", None), ("503", "1"), ("429", "1")):
            self.fail(how, 2)
            for _ in range(2):
                status, headers, body = self.send("k" + how)
                self.assertEqual((status, headers["Retry-After"]), (int(how), retry))
                self.assertEqual(json.loads(body)["error"]["code"], "planned_failure")
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.send("k500")[0], 200)
        self.fail("html")
        status, headers, body = self.send("h")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html"))
        self.assertTrue(body.startswith(b"<!doctype html>"))
        self.fail("empty")
        self.assertEqual(self.send("e")[::2], (200, b""))
        self.assertEqual(self.count(), 1)

    def test_cuts(self):
        for how, applied in (("cut_before", 0), ("cut_after", 1)):
            self.fail(how)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
                self.send(how)
            self.connection.close()
            self.assertEqual(self.count(), applied)
            if applied:
                self.assertEqual(json.loads(self.send(how)[2])["results"][0]["serverId"], "srv-1")
        self.assertEqual(self.count(), 1)
        log = self.get("/control/requests")["requests"]
        self.assertEqual([(e["failure"], e["status"], e["replayed"]) for e in log],
                         [("cut_before", 0, False), ("cut_after", 0, False), ("", 200, True)])

    def test_slow_and_by_path(self):
        self.fail("slow_ms:200", path="/batch-sync")
        start = time.monotonic()
        self.get("/delta")  # another path: not slowed, and takes nothing off the plan
        self.assertLess(time.monotonic() - start, 0.15)
        self.assertEqual(self.send("s")[0], 200)
        self.assertGreaterEqual(time.monotonic() - start, 0.2)
        self.fail("500", 5)
        self.fail("500", 0)
        self.get("/delta")


class ClockTest(Case):
    options = ("--clock-offset-ms", "-3600000")

    def test_clock(self):
        a, now = self.create(), time.time() * 1000 - 3_600_000
        page = self.get("/updates")
        self.assertAlmostEqual(page["items"][0]["lastModified"], now, delta=5000)
        self.assertAlmostEqual(page["serverTime"], now, delta=5000)
        date = email.utils.parsedate_to_datetime(self.raw("GET", "/delta")[1]["Date"])
        self.assertAlmostEqual(date.timestamp() * 1000, now, delta=5000)
        self.assertEqual(page["items"][0]["id"], a)


class OnlySinceTest(Case):
    options = ("--only-since",)

    def test_no_delta(self):
        self.create()
        self.error(404, "not_found", "GET", "/delta")
        self.assertEqual(len(self.get("/updates")["items"]), 1)


class NoIdempotencyTest(Case):
    options = ("--no-idempotency",)

    def test_key_is_ignored(self):
        for key in ("k", "k", "x" * 500):
            self.batch({"operation": "CREATE"}, Idempotency_Key=key)
        self.assertEqual(len(self.get("/control/items")["items"]), 3)


class ExpiryTest(Case):
    options = ("--expire-cursors-after", "3")

    def test_expiry(self):
        for _ in range(8):
            self.create()
        cursor = self.get("/delta", limit=1)["nextCursor"]  # a long walk is not an old cursor
        self.get("/delta", cursor=cursor)
        for _ in range(3):
            self.create()
        self.get("/delta", cursor=cursor)
        self.create()
        error = self.error(410, "cursor_expired", "GET",
                           "/delta?" + urllib.parse.urlencode({"cursor": cursor}))
        self.assertEqual(error["details"], {"reason": "floor"})
        self.assertEqual(len(self.get("/delta", cursor="0")["created"]), 12)


class MaxBodyTest(Case):
    options = ("--max-body", "1000")

    def test_too_large(self):
        large = json.dumps({"operations": [], "client": "x" * 2000})
        for body, head in ((large, {}), (gzip.compress(large.encode()),
                                         {"Content-Encoding": "gzip"})):
            self.error(413, "too_large", "POST", "/batch-sync", body, head)
            self.create()

    def test_a_body_that_ends_early(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.sendall(b"POST /batch-sync HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{}")
            peer.shutdown(socket.SHUT_WR)
            self.assertTrue(peer.recv(4096).startswith(b"HTTP/1.1 400 "))


if __name__ == "__main__":
    unittest.main()
