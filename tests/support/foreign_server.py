#!/usr/bin/python3
"""A foreign data-sync server, as a stranger writes it from the public JSON description alone.

It knows nothing of mutation ids, spaces, epochs or anybody else's cursors: it names the items
itself, counts their versions, remembers answers by Idempotency-Key, and all that in memory.
"""
import argparse
import contextlib
import itertools
import json
import re
import signal
import sys
import threading
import time
import urllib.parse
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOK_BACK_MS = 60_000  # polling clients save their own clock, so /updates looks back this far
SECONDS_BELOW = 10**11  # a smaller `since` is in seconds
MAX_PAGE, MAX_KEY_BYTES = 500, 128
MAX_DRAIN = 64 << 20  # read so much of a body that is too large, so that its sender sees the 413
RESERVED = ("id", "version", "lastModified")  # the server's own fields of a flat item
KINDS = {"id": str, "localId": str, "data": dict, "replace": bool, "increments": dict,
         "version": int}
HOWS = r"500|503|429|cut_before|cut_after|html|empty|slow_ms:[0-9]{1,6}"
SIGN_IN = b"<!doctype html><title>Sign in</title><p>Please sign in.</p>"
VARY = {"Vary": "Accept, Accept-Encoding"}


def dump(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def ok(value, headers=VARY):  # an answer is: status, body, headers
    return 200, dump(value), headers


class Refused(Exception):
    """Raised anywhere, turned into a response {"error": {...}} in one place."""
    def __init__(self, status, code, message, details=None, headers=None):
        self.error = {"code": code, "message": message} | ({"details": details} if details else {})
        self.answer = status, dump({"error": self.error}), headers or {}


def need(condition, *refusal):
    if not condition:
        raise Refused(*refusal)


@dataclass
class Row:
    """An item, or what remains of it: data is None once it is deleted."""
    id: str = ""
    data: dict | None = None
    version: int = 0
    stamp: int = 0  # lastModified
    seq: int = 0  # place of the last change
    birth: int = 0  # place of the creation

    def flat(self):
        own = {"version": self.version, "lastModified": self.stamp}
        return {"id": self.id} | (self.data or {}) | own


def merge_patch(old, patch):
    """RFC 7396: null removes a field, objects recurse, the rest replaces."""
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        nested = isinstance(value, dict)
        result[name] = merge_patch(result.get(name), value) if nested else value
        if value is None:
            del result[name]
    return result


def changed(old, operation, replace):
    """The data that an operation makes of the old data."""
    given = {k: v for k, v in (operation.get("data") or {}).items() if k not in RESERVED}
    data = given if replace else merge_patch(old, given)
    for name, amount in (operation.get("increments") or {}).items():
        before = data.get(name, 0)
        fits = all(type(n) in (int, float) and abs(n) < 1e300 for n in (before, amount))
        need(fits and name not in RESERVED, 400, "bad_increment", f"'{name}' cannot take it")
        data[name] = before + amount
    return data


class Collection:
    """Rows in the order of their last change, as a dict keeps it. Guarded by Server.lock."""
    def __init__(self, clock):
        self.clock, self.rows, self.head, self.stamp = clock, {}, 0, 0

    def commit(self, item_id, data):
        old = self.rows.pop(item_id, Row())
        self.head += 1
        # A clock may stand still or step back; lastModified may not (per item it must even rise).
        self.stamp = max(self.clock(), self.stamp, old.stamp + 1)
        birth = self.head if old.data is None and data is not None else old.birth
        row = Row(item_id, data, old.version + 1, self.stamp, self.head, birth)
        self.rows[item_id] = row
        return row

    def read_cursor(self, text, expire_after):
        if text in (None, "0"):
            return 0
        match = re.fullmatch(r"pos\+([0-9a-f]{1,12})\.([0-9a-f]{1,12})", text)
        need(match, 400, "bad_cursor", "this cursor is not one of ours")
        seq, issued = int(match[1], 16), int(match[2], 16)
        # Ahead: we lost our memory, or the cursor is of another collection.
        for bad, reason in ((max(seq, issued) > self.head, "ahead"),
                            (self.head - issued > expire_after, "floor")):
            need(not bad, 410, "cursor_expired", "start again from 0", {"reason": reason})
        return seq


def result(operation, row, status="SYNCED", missing=False, error=None):
    """One entry of "results"; row is the item as it is now, an empty Row if it never was."""
    conflict, local = "CONFLICT" in status, operation.get("localId")
    fields = {"id": operation.get("id") or local or row.id} | ({"localId": local} if local else {})
    fields |= {"serverId": row.id, "status": status, "success": status == "SYNCED",
               "isConflict": conflict, "isNotFound": missing, "version": row.version,
               "newVersion": row.version, "lastModified": row.stamp, "seq": row.seq}
    fields |= {"serverVersion": row.flat()} if conflict and row.data is not None else {}
    return fields | ({"error": error | {"retryable": False}} if error else {})


def apply(operation, collection, new_ids, local_ids):
    """One operation of a batch. local_ids: localId -> our id, within this request only."""
    kind, version = operation.get("operation"), operation.get("version")
    item_id, local = operation.get("id"), operation.get("localId")
    wrong = [name for name, kind_of in KINDS.items()  # null is absent; a bool is no int here
             if type(operation.get(name)) not in (kind_of, type(None))]
    need(not wrong, 400, "bad_operation", f"wrong type: {wrong}")
    if kind == "SKIP":
        return result(operation, Row())
    if kind == "CREATE":
        row = collection.commit(next(new_ids), changed({}, operation, True))
        local_ids[local] = row.id
        return result(operation, row)
    need(kind in ("UPDATE", "DELETE"), 400, "bad_operation", "unknown 'operation'")
    need(item_id or local, 400, "bad_operation", "neither 'id' nor 'localId'")
    item_id, delete = item_id or local_ids.get(local), kind == "DELETE"
    row = collection.rows.get(item_id, Row())
    if row.data is None:
        return result(operation, row, "SYNCED" if delete else "DELETE_CONFLICT", missing=True)
    if version not in (None, row.version):
        return result(operation, row, "DELETE_CONFLICT" if delete else "CONFLICT")
    data = None if delete else changed(row.data, operation, operation.get("replace"))
    return result(operation, collection.commit(item_id, data))


class Server:
    """The whole state. Every route runs under one lock, so a key is never handled twice."""
    def __init__(self, options):
        self.options, self.lock, self.collections = options, threading.Lock(), {}
        self.ids, self.log = (f"srv-{n}" for n in itertools.count(1)), []
        self.answers = {}  # Idempotency-Key -> (body of the first request, answer)
        self.plan = {"next": 0, "how": "500", "path": None}  # of /control/fail
        self.routes = {("POST", "/batch-sync"): self.batch_sync, ("GET", "/updates"): self.updates}
        if not options.only_since:
            self.routes["GET", "/delta"] = self.delta
        self.routes |= {  # these are neither logged nor made to fail
            ("POST", "/control/put"): self.control_put, ("POST", "/control/fail"): self.fail,
            ("POST", "/control/delete"): self.control_delete, ("GET", "/control/items"): self.items,
            ("GET", "/control/requests"): lambda *_: ok({"requests": self.log})}

    def now(self):
        return int(time.time() * 1000) + self.options.clock_offset_ms

    def handle(self, request, entry):  # entry: its line in the log
        route = self.routes.get((request.command, request.path))
        allow = ", ".join(method for method, path in self.routes if path == request.path)
        need(allow, 404, "not_found", "unknown route")
        need(route, 405, "method_not_allowed", f"takes {allow}", None, {"Allow": allow})
        with self.lock:
            return route(request, entry)

    def batch_sync(self, request, entry):
        operations = request.json().get("operations")
        need(isinstance(operations, list) and all(isinstance(o, dict) for o in operations),
             400, "bad_request", "'operations' must be an array of objects")
        entry["operations"] = len(operations)
        key = None if self.options.no_idempotency else request.headers.get("Idempotency-Key")
        need(key is None or 0 < len(key.encode("latin-1")) <= MAX_KEY_BYTES,
             400, "bad_idempotency_key", f"1 to {MAX_KEY_BYTES} bytes")
        if key in self.answers:
            first_body, answer = self.answers[key]
            entry.update(replayed=True, sameBody=first_body == request.body)
            return answer
        results, collection, local_ids = [], request.collection, {}
        for operation in operations:
            try:
                results.append(apply(operation, collection, self.ids, local_ids))
            except Refused as refused:
                results.append(result(operation, Row(), "FAILED", error=refused.error))
        answer = ok({"results": results}, {})
        if key is not None:
            self.answers[key] = request.body, answer
        return answer

    def delta(self, request, _entry):
        collection, limit = request.collection, request.limit()
        cursor = collection.read_cursor(request.query.get("cursor"), self.options.expire_after)
        tag = f'"{collection.head:x}"'
        headers = {"ETag": "W/" + tag, **VARY}  # weak: the gzip form has the same one
        known = request.headers.get("If-None-Match", "").split(",")
        if cursor == collection.head and tag in [t.strip().removeprefix("W/") for t in known]:
            return 304, b"", headers
        rows = [row for row in collection.rows.values() if row.seq > cursor]
        page, more = rows[:limit], len(rows) > limit
        living = [row for row in page if row.data is not None]
        # The '+' is there for clients that forget to percent-encode: theirs comes back as a 400.
        # The head at issue gives the cursor its age: a long walk over old items is not "old".
        return ok({
            "created": [row.flat() for row in living if row.birth > cursor],
            "updated": [row.flat() for row in living if row.birth <= cursor],
            "deleted": [row.id for row in page if row.data is None],
            "nextCursor": f"pos+{page[-1].seq if more else collection.head:x}.{collection.head:x}",
            "hasMore": more}, headers)

    def updates(self, request, _entry):
        collection, limit = request.collection, request.limit()
        since = request.query.get("since", "0")
        need(re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", since), 400, "bad_since", "not a time")
        after = float(since) * (1000 if float(since) < SECONDS_BELOW else 1) - LOOK_BACK_MS
        rows = [row for row in collection.rows.values() if row.stamp > after]
        # Never end a page inside one millisecond: the next one could not name its place in it.
        while limit < len(rows) and rows[limit].stamp == rows[limit - 1].stamp:
            limit += 1
        more, server_time = len(rows) > limit, max(self.now(), collection.stamp)
        return ok({
            "items": [row.flat() for row in rows[:limit] if row.data is not None],
            "deleted": [row.id for row in rows[:limit] if row.data is None],
            "serverTime": server_time, "hasMore": more,
            # In mid-walk ahead by what we shall look back, else the walk would never advance.
            "nextSince": rows[limit - 1].stamp + LOOK_BACK_MS if more else server_time})

    def control_put(self, request, _entry):
        body = request.json()
        need(isinstance(body.get("data"), dict) and isinstance(body.get("id"), str | None),
             400, "bad_request", "{id?, data} expected")
        item_id, data = body.get("id") or next(self.ids), changed({}, {"data": body["data"]}, True)
        return ok({"item": request.collection.commit(item_id, data).flat()})

    def control_delete(self, request, _entry):
        item_id, collection = str(request.json().get("id")), request.collection
        need(collection.rows.get(item_id, Row()).data is not None, 404, "not_found", "no such item")
        return ok(collection.commit(item_id, None).flat())

    def items(self, request, _entry):
        rows = request.collection.rows.values()
        return ok({"items": [row.flat() for row in rows if row.data is not None],
                   "deleted": [row.flat() for row in rows if row.data is None]})

    def fail(self, request, _entry):
        plan = {"next": None, "how": None, "path": None, **request.json()}
        need(type(plan["next"]) is int and plan["next"] >= 0 and type(plan["how"]) is str
             and re.fullmatch(HOWS, plan["how"]), 400, "bad_request", "{next, how, path?}")
        self.plan = plan
        return ok(plan)


class Handler(BaseHTTPRequestHandler):
    """One connection; the instance is also the request that the routes get to see."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    core: Server  # set in main

    def handle(self):
        with contextlib.suppress(ConnectionError):  # a client that leaves is nobody's error
            super().handle()

    def dispatch(self):
        arrival, (self.path, _, raw_query) = int(time.time() * 1000), self.path.partition("?")
        self.query, self.body = dict(urllib.parse.parse_qsl(raw_query, True)), b""
        self.collection = self.core.collections.setdefault(
            self.query.get("collection", "items"), Collection(self.core.now))
        entry = {"method": self.command, "path": self.path, "query": raw_query, "status": 0,
                 "idempotencyKey": self.headers.get("Idempotency-Key"), "operations": 0,
                 "arrivalMs": arrival, "replayed": False, "sameBody": None, "failure": ""}
        for_tests = self.path.startswith("/control/")
        self.core.log += [] if for_tests else [entry]
        try:
            self.read_body()  # always and first, else the next request would begin inside it
            answer = self.core.handle(self, entry) if for_tests else self.answer(entry)
        except Refused as refused:
            answer = refused.answer
        if entry["failure"].startswith("cut_"):
            self.close_connection = True  # and the log keeps status 0
        else:
            entry["status"] = answer[0]  # before it leaves: who has it finds it in the log
            self.send(*answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = dispatch

    def answer(self, entry):
        """What the routes say, unless a planned failure befalls the request."""
        with self.core.lock:
            plan = self.core.plan
            if plan["next"] and plan["path"] in (None, self.path):
                plan["next"] -= 1
                entry["failure"] = plan["how"]
        how = entry["failure"]
        if how in ("html", "empty", "cut_before"):  # as a captive portal does, or a broken proxy
            return 200, SIGN_IN if how == "html" else b"", {"Content-Type": "text/html"}
        if how.isdecimal():
            retry = {} if how == "500" else {"Retry-After": "1"}
            raise Refused(int(how), "planned_failure", "a test asked for it", None, retry)
        if how.startswith("slow_ms:"):
            time.sleep(int(how[8:]) / 1000)
        return self.core.handle(self, entry)

    def read_body(self):
        length, limit = self.headers.get("Content-Length", "0"), self.core.options.max_body
        close, self.close_connection = self.close_connection, True  # unless the body is all read
        need("Transfer-Encoding" not in self.headers and re.fullmatch("[0-9]{1,15}", length),
             411, "length_required", "Content-Length expected")
        size = int(length)
        self.body = self.rfile.read(size if size <= limit else min(size, MAX_DRAIN))
        need(size <= limit, 413, "too_large", f"at most {limit} bytes")
        need(len(self.body) == size, 400, "bad_request", "the body ends early")
        self.close_connection = close

    def json(self):
        """The body as a JSON object; strict, since nothing unreadable may be stored."""
        kind = self.headers.get("Content-Type", "application/json").split(";")[0].strip().lower()
        need(kind == "application/json", 415, "unsupported_media_type", "JSON expected")
        try:
            value = json.loads(self.plain_body().decode())
            dump([[[[[[[[value]]]]]]]])  # so deep are answers; refuses NaN, 1e999, lone surrogates
        except (ValueError, RecursionError):
            raise Refused(400, "bad_json", "the body is not valid JSON") from None
        need(isinstance(value, dict), 400, "bad_request", "an object expected")
        return value

    def plain_body(self):
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower()
        need(encoding in ("identity", "gzip"), 415, "unsupported_encoding", "gzip or nothing")
        if encoding == "identity":
            return self.body
        limit, unpacker, plain = self.core.options.max_body, zlib.decompressobj(31), b""
        with contextlib.suppress(zlib.error):
            plain = unpacker.decompress(self.body, limit + 1)  # never unpacks a bomb
        need(len(plain) <= limit, 413, "too_large", f"at most {limit} bytes unpacked")
        marks = {b"{": "JSON", b"[": "JSON", b"\x1f": "damaged gzip", b"\x28": "zstd"}
        looks = marks.get(self.body.lstrip()[:1], "something else")
        need(unpacker.eof and not unpacker.unused_data, 400, "bad_encoding",
             f"labelled gzip, but it looks like {looks}")
        return plain

    def limit(self):
        text = self.query.get("limit", str(MAX_PAGE))
        need(re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= MAX_PAGE,
             400, "bad_limit", f"'limit' must be 1 to {MAX_PAGE}")
        return int(text)

    def send(self, status, body, headers):
        headers = {"Content-Type": "application/json", **headers}
        accepted = self.headers.get("Accept-Encoding", "").lower().replace(" ", "")
        if body and re.search(r"(^|,)gzip(?!;q=0(\.0*)?(,|$))(,|;|$)", accepted):
            body = zlib.compress(body, wbits=31)  # no time inside: a repeat is the same bytes
            headers["Content-Encoding"] = "gzip"
        headers |= {"Connection": "close"} if self.close_connection else {}
        headers |= {"Content-Length": len(body)} if status != 304 else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.core.now() / 1000)  # Date goes with our clock

    def log_message(self, *_):
        pass  # /control/requests is the log


def main():
    parser = argparse.ArgumentParser(description="a foreign data-sync server, for tests")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--clock-offset-ms", type=int, default=0)
    parser.add_argument("--only-since", action="store_true", help="no /delta")
    parser.add_argument("--no-idempotency", action="store_true", help="ignore Idempotency-Key")
    parser.add_argument("--expire-cursors-after", type=float, dest="expire_after",
                        default="inf", metavar="CHANGES")
    parser.add_argument("--max-body", type=int, default=8 << 20, metavar="BYTES")
    Handler.core = Server(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer.request_queue_size = 128
    with ThreadingHTTPServer(("127.0.0.1", Handler.core.options.port), Handler) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
