#!/usr/bin/python3
"""The sensors of the host in a network of their own, whose cable the test pulls."""

import signal
import subprocess
import tempfile
from pathlib import Path

import own_network
from checks import check, report, skip
from sensors_process import Sensors

ADDRESS = "192.0.2.1/24"
BURST = 1000  # addresses that come and go while nobody reads


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def told_first():
    """What a new run is told at the start: it has nothing to compare with."""
    with Sensors("--no-bus") as sensors:
        sensors.next()
        return (sensors.last or {}).get("network")


def address_link_and_cable(sensors):
    check("loopback alone", sensors.tells(network="down", network_source="rtnetlink"))
    ip("link", "set", "near", "up")
    ip("link", "set", "far", "up")
    ip("address", "add", "169.254.1.1/16", "dev", "near")
    ip("link", "set", "lo", "up")
    ip("address", "add", "198.51.100.1/32", "dev", "lo")
    check("none of these reaches beyond", told_first() == "down")
    ip("address", "add", ADDRESS, "dev", "near")
    check("an address", sensors.tells(network="up"))
    check("also for a new run", told_first() == "up")
    ip("link", "set", "near", "down")
    check("the link is down", sensors.tells(network="down"))
    ip("link", "set", "near", "up")
    check("the link is up", sensors.tells(network="up"))
    ip("link", "set", "far", "down")
    check("the cable is out", sensors.tells(network="down"))
    ip("link", "set", "far", "up")
    check("the cable is in", sensors.tells(network="up"))
    ip("address", "del", ADDRESS, "dev", "near")
    check("no address", sensors.tells(network="down"))


def ipv6(sensors):
    if not Path("/proc/net/if_inet6").exists():
        print("note: this kernel has no IPv6")
        return
    ip("address", "add", "2001:db8::1/64", "dev", "near", "nodad")
    check("an address of IPv6", sensors.tells(network="up"))
    ip("address", "del", "2001:db8::1/64", "dev", "near")
    check("none", sensors.tells(network="down"))


def dropped_messages():
    """How many the kernel could not give to sockets that follow it, in this network."""
    rows = [row.split() for row in Path("/proc/self/net/netlink").read_text().splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "0" and int(row[3], 16) != 0)


def lists_anew_what_it_missed(sensors):
    ip("address", "add", ADDRESS, "dev", "near")
    check("an address", sensors.tells(network="up"))
    sensors.process.send_signal(signal.SIGSTOP)
    burst = [f"10.{number // 250}.{number % 250}.1/32 dev near" for number in range(BURST)]
    # All that comes last, and is lost, takes the network away.
    commands = [f"address add {each}" for each in burst]
    commands += [f"address del {each}" for each in [f"{ADDRESS} dev near", *burst]]
    with tempfile.NamedTemporaryFile("w") as batch:
        batch.write("\n".join(commands) + "\n")
        batch.flush()
        ip("-batch", batch.name)
    check("messages were lost", dropped_messages() > 0)
    sensors.process.send_signal(signal.SIGCONT)
    check("the truth all the same", sensors.tells(network="down"))
    ip("address", "add", ADDRESS, "dev", "near")
    check("and follows on", sensors.tells(network="up"))


def takes_a_link_away(sensors):
    ip("link", "del", "near")
    check("no link", sensors.tells(network="down"))
    check("ends", sensors.end() == 0)


def inside():
    made = subprocess.run(["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        skip(f"this kernel makes no veth interface: {made.stderr.strip()}")
    with Sensors("--no-bus") as sensors:
        address_link_and_cable(sensors)
        ipv6(sensors)
        lists_anew_what_it_missed(sensors)
        takes_a_link_away(sensors)
    report()


def main():
    if own_network.is_inside():
        return inside()
    reason = own_network.why_not()
    if reason:
        skip(reason)
    own_network.enter(__file__)


if __name__ == "__main__":
    main()
