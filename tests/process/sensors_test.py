#!/usr/bin/python3
"""The sensors of the host where there is no D-Bus, or one that says nothing."""

import socket
import tempfile

from checks import check, report, skip
from sensors_process import Sensors


def goes_on_without_a_bus():
    with Sensors("--retry-ms", "50") as sensors:
        first = sensors.next()
        check("told at the start", first is not None)
        check("why there is no power", first["power_source"].startswith("none: "))
        check("the kernel says the network", first["network_source"] == "rtnetlink")
        check("which is known", first["network"] in ("up", "down"))
        unknown = ("metered", "on_battery", "battery_low", "idle")
        check("the rest is not", all(first[name] is None for name in unknown))
        check("still runs", sensors.process.poll() is None)
        check("ends with its input", sensors.end() == 0)
        check("told once", sensors.lines.empty())


def says_why_both_are_unknown():
    with Sensors("--no-netlink") as sensors:
        check("both", sensors.tells(network="unknown", network_source="none: ",
                                    power_source="none: "))
        check("ends", sensors.end() == 0)
        if "built without" in sensors.last["power_source"]:
            skip("built without D-Bus")


def a_bus_that_never_answers_holds_nobody_up():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/bus")
        silent.listen()
        with Sensors(bus=f"unix:path={folder}/bus") as sensors:
            check("told all the same", sensors.tells(network_source="rtnetlink",
                                                     power_source="none: UPower has not"))
            check("ends", sensors.end() == 0)


def finds_a_bus_that_comes_and_drops_one_that_talks_nonsense():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as late:
        with Sensors("--retry-ms", "50", bus=f"unix:path={folder}/bus") as sensors:
            check("none yet", sensors.tells(power_source="none: the system bus: No such file"))
            late.bind(f"{folder}/bus")
            late.settimeout(10)
            late.listen()
            for _ in range(3):
                line, _ = late.accept()
                with line:
                    line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                check("tried again", True)
            check("ends", sensors.end() == 0)


def main():
    goes_on_without_a_bus()
    says_why_both_are_unknown()
    a_bus_that_never_answers_holds_nobody_up()
    finds_a_bus_that_comes_and_drops_one_that_talks_nonsense()
    report()


if __name__ == "__main__":
    main()
