#!/usr/bin/python3
"""`syncline ot`: the algebra that other clients are tested against (PROTOCOL.md section 9)."""

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path

from checks import check, report
from server_process import BUILD, ROOT

PROGRAM = BUILD / "bin" / "syncline"
TRACES = Path(os.environ.get("SYNCLINE_TEST_DATA", ROOT.parent / "shared" / "data")) / "traces"


def retain(length):
    return {"type": "retain", "length": length}


def insert(text):
    return {"type": "insert", "text": text}


def delete(length):
    return {"type": "delete", "length": length}


def ask_all(requests):
    lines = "".join(json.dumps(each) + "\n" if isinstance(each, dict) else each + "\n"
                    for each in requests)
    done = subprocess.run([PROGRAM, "ot"], input=lines, capture_output=True, text=True, check=False,
                          timeout=120)
    check("ends in order", done.returncode == 0 and done.stderr == "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(**request):
    return ask_all([request])[0]


def each_request():
    a = [insert("A"), retain(3)]
    b = [insert("B"), retain(3)]
    check("transform, a first", ask(op="transform", a=a, b=b, tie="a") == {
        "a_prime": [insert("A"), retain(4)], "b_prime": [retain(1), insert("B"), retain(3)]})
    check("transform, b first", ask(op="transform", a=a, b=b, tie="b") == {
        "a_prime": [retain(1), insert("A"), retain(3)], "b_prime": [insert("B"), retain(4)]})
    check("transform of what leaves out its end", ask(
        op="transform", a=[insert("A")], b=[retain(2), delete(3)], tie="a") == {
            "a_prime": [insert("A"), retain(2)], "b_prime": [retain(3), delete(3)]})
    check("apply", ask(op="apply", doc="a\U0001F600c", a=[retain(3), insert("b")]) == {
        "result": "a\U0001F600bc"})
    check("compose", ask(op="compose", a=[insert("ab")], b=[retain(1), delete(1), retain(2)]) == {
        "composed": [insert("a"), retain(2)]})
    check("invert", ask(op="invert", doc="abc", a=[delete(2), insert("x")]) == {
        "inverse": [insert("ab"), delete(1), retain(1)]})
    check("normalize", ask(
        op="normalize", a=[retain(0), delete(1), insert("x"), delete(1)], base_length=5) == {
            "normalized": [insert("x"), delete(2), retain(3)]})
    check("cursor, left", ask(op="cursor", a=[retain(2), insert("xy")], position=2,
                              bias="left") == {"position": 2})
    check("cursor, right", ask(op="cursor", a=[retain(2), insert("xy")], position=2,
                               bias="right") == {"position": 4})
    submission = {"client": "p", "seq": 1, "revision": 0, "operations": [insert("P")]}
    other = {"client": "q", "seq": 1, "revision": 0, "operations": [retain(1), insert("Q")]}
    check("replay", ask(op="replay", doc="x", submissions=[submission, other, submission]) == {
        "committed": [[insert("P"), retain(1)], [retain(2), insert("Q")], None],
        "acks": [1, 2, 1], "result": "PxQ"})


def bad_requests():
    wrong = [
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ('{"op":"sing"}', "bad_message"),
        ('{"op":"apply","doc":"x"}', "bad_message"),
        ('{"op":"apply","doc":"x","a":{}}', "not_an_array"),
        ('{"op":"apply","doc":"x","a":[1]}', "bad_component"),
        ('{"op":"apply","doc":"x","a":[{"type":"keep","length":1}]}', "unknown_type"),
        ('{"op":"apply","doc":"x","a":[{"type":"retain","length":1e99}]}', "bad_length"),
        ('{"op":"apply","doc":"x","a":[{"type":"insert","text":"\\ud800"}]}', "lone_surrogate"),
        ('{"op":"apply","doc":"x","a":[{"type":"insert","text":"y","attributes":{}}]}',
         "unsupported"),
        ('{"op":"apply","doc":"x","a":[{"type":"retain","length":2}]}', "base_length_mismatch"),
        ('{"op":"apply","doc":"\\ud83d\\ude00","a":[{"type":"delete","length":1}]}',
         "splits_surrogate_pair"),
        ('{"op":"replay","doc":"","submissions":[{"client":"p","seq":2,"revision":0,'
         '"operations":[]}]}', "seq_out_of_order"),
        ('{"op":"replay","doc":"","submissions":[{"client":"p","seq":1,"revision":1,'
         '"operations":[]}]}', "revision_in_future"),
    ]
    answers = ask_all([line for line, _ in wrong] + [{"op": "cursor", "a": [], "position": 1,
                                                      "id": {"any": [1]}}])
    for (line, code), answer in zip(wrong, answers):
        check(f"{line}: {answer}", answer.get("error") == code and answer.get("message"))
    check("the id is echoed, behind errors too", answers[-1] == {"id": {"any": [1]}, "position": 1})


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def units(text):
    return len(text.encode("utf-16-le")) // 2


def recorded_typing():
    """Two who take turns, each having read everything: a quarter of a million submissions."""
    with gzip.open(TRACES / "automerge-paper.json.gz", "rt", encoding="utf-8") as file:
        trace = json.load(file)
    submissions = [
        {"client": "even" if revision % 2 == 0 else "odd", "seq": revision // 2 + 1,
         "revision": revision,
         "operations": [retain(position), delete(deleted), insert(inserted)]}
        for revision, (position, deleted, inserted) in enumerate(trace["edits"])]
    answer = ask(op="replay", doc="", submissions=submissions)
    check("every submission has its revision",
          answer["acks"] == list(range(1, len(submissions) + 1)))
    check("the end of automerge-paper", sha256(answer["result"]) == trace["end_sha256"])
    check("each is made whole", units(answer["result"]) == sum(
        each.get("length", 0) if each["type"] == "retain" else units(each.get("text", ""))
        for each in answer["committed"][-1] if each["type"] != "delete"))


def main():
    each_request()
    bad_requests()
    if TRACES.is_dir():
        recorded_typing()
    else:
        print(f"SKIPPED: there is no {TRACES}, so no recorded typing was replayed")
    report()


if __name__ == "__main__":
    main()
