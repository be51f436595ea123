#!/usr/bin/python3
"""The sensors of the host on a bus of their own, with a NetworkManager and a UPower that do what
the test wants."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from checks import check, report, skip
from sensors_process import Sensors

try:
    import dbus
    import dbus.bus
    import dbusmock  # noqa: F401 (run as a program)
except ImportError:
    skip("python3-dbusmock is not installed")
if shutil.which("dbus-daemon") is None:
    skip("dbus-daemon is not installed")

NETWORK_MANAGER = ("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager")
UPOWER = ("org.freedesktop.UPower", "/org/freedesktop/UPower")
BATTERY = (UPOWER[0], UPOWER[1] + "/devices/DisplayDevice")
DEVICE = "org.freedesktop.UPower.Device"
RETRY = ("--retry-ms", "200")

# Anybody may do anything; and it would start UPower for whoever asks.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
  <servicedir>{folder}</servicedir>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>"""
SERVICE = """[D-BUS Service]
Name=org.freedesktop.UPower
Exec=/usr/bin/touch {folder}/was_started
"""


class Bus:
    """A bus, and the services that run on it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.address = f"unix:path={folder}/bus"
        self.processes = {}
        (self.folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        (self.folder / "org.freedesktop.UPower.service").write_text(SERVICE.format(folder=folder))

    def start(self):
        (self.folder / "bus").unlink(missing_ok=True)
        daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--print-address", "--nofork",
             "--nopidfile"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.processes["bus"] = daemon
        check("the bus listens", daemon.stdout.readline().startswith("unix:"))

    def serve(self, template):
        self.processes[template] = subprocess.Popen(
            ["/usr/bin/python3", "-m", "dbusmock", "--system", "--template", template],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address})

    def end(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def end_all(self):
        for name in list(self.processes):
            self.end(name)

    def object(self, where, interface):
        return dbus.Interface(dbus.bus.BusConnection(self.address).get_object(*where), interface)

    def set(self, where, interface, **properties):
        changes = dbus.Dictionary(properties, signature="sv")
        self.object(where, "org.freedesktop.DBus.Mock").UpdateProperties(interface, changes)

    def set_network(self, **numbers):
        self.set(NETWORK_MANAGER, NETWORK_MANAGER[0],
                 **{name: dbus.UInt32(number) for name, number in numbers.items()})

    def set_power(self, on_battery):
        self.set(UPOWER, UPOWER[0], OnBattery=dbus.Boolean(on_battery))

    def set_battery(self, percent, warning_level=1, is_present=True):
        self.set(BATTERY, DEVICE, Percentage=dbus.Double(percent),
                 WarningLevel=dbus.UInt32(warning_level), IsPresent=dbus.Boolean(is_present))


def starts_nothing(bus, sensors):
    check("neither is there", sensors.tells(network_source="none: ",
                                            power_source="none: UPower is not running"))
    check("and neither was started", not (bus.folder / "was_started").exists())


def follows_network_manager(bus, sensors):
    bus.serve("networkmanager")
    check("comes", sensors.tells(network="up", network_source="networkmanager", metered=None))
    # The template has no such property at first.
    bus.object(NETWORK_MANAGER, "org.freedesktop.DBus.Mock").AddProperty(
        NETWORK_MANAGER[0], "Metered", dbus.UInt32(0))
    for value, wanted in ((1, True), (2, False), (3, True), (4, False), (0, None)):
        bus.set_network(Metered=value)
        check("metered", sensors.tells(metered=wanted, network="up"))
    for state in (10, 20, 30):
        bus.set_network(State=state)
        check("no line", sensors.tells(network="down"))
        bus.set_network(State=70)
        check("a line", sensors.tells(network="up"))
    for connectivity in (1, 2):
        bus.set_network(Connectivity=connectivity)
        check("a portal", sensors.tells(network="unknown"))
        bus.set_network(Connectivity=4)
        check("no portal", sensors.tells(network="up"))


def follows_upower(bus, sensors):
    bus.serve("upower")
    check("comes", sensors.tells(power_source="upower", on_battery=False, battery_low=None))
    bus.set_power(True)
    check("on battery", sensors.tells(on_battery=True, battery_low=None))
    bus.set_battery(80)
    check("a good one", sensors.tells(battery_low=False))
    bus.set_battery(19)
    check("nearly empty", sensors.tells(battery_low=True))
    bus.set_power(False)
    check("line power", sensors.tells(on_battery=False, battery_low=False))
    bus.set_battery(50, warning_level=3)
    check("warned of", sensors.tells(battery_low=True))
    bus.set_battery(50, warning_level=1)
    check("not warned of", sensors.tells(battery_low=False))
    bus.set_battery(50, is_present=False)
    check("taken out", sensors.tells(battery_low=None))


def follows_services_that_go_and_come(bus, sensors):
    bus.end("networkmanager")
    check("gone", sensors.tells(network="unknown", metered=None, network_source="none: ",
                                power_source="upower"))
    bus.serve("networkmanager")
    check("back", sensors.tells(network="up", network_source="networkmanager"))
    bus.set_battery(5, warning_level=4)
    check("low", sensors.tells(battery_low=True))
    bus.end("upower")
    check("gone", sensors.tells(on_battery=None, battery_low=None,
                                power_source="none: UPower is not running", network="up"))
    bus.serve("upower")
    check("back", sensors.tells(on_battery=False, power_source="upower"))
    bus.set_battery(90)
    check("its battery as well", sensors.tells(battery_low=False))


def asks_a_service_that_hangs_again(bus):
    hanging = bus.processes["upower"]
    hanging.send_signal(signal.SIGSTOP)
    with Sensors("--no-netlink", *RETRY, bus=bus.address) as sensors:
        first = sensors.next()
        check("the other one counts", first is not None and first["network"] == "up")
        check("given up", sensors.tells(power_source="none: UPower does not answer"))
        hanging.send_signal(signal.SIGCONT)
        check("answers in the end", sensors.tells(power_source="upower", on_battery=False))


def outlives_the_bus(bus, sensors):
    check("there", sensors.tells(power_source="upower"))
    bus.end_all()
    check("gone", sensors.tells(network="unknown", network_source="none: ",
                                power_source="none: the system bus"))
    bus.start()
    check("back", sensors.tells(power_source="none: UPower is not running"))
    bus.serve("upower")
    bus.serve("networkmanager")
    check("everything is", sensors.tells(network_source="networkmanager", network="up",
                                         power_source="upower", on_battery=False))
    bus.set_power(True)
    check("and is followed", sensors.tells(on_battery=True))


def main():
    with tempfile.TemporaryDirectory() as folder:
        bus = Bus(folder)
        bus.start()
        try:
            # It tries again only after a minute: all of this comes by what the bus says.
            with Sensors("--no-netlink", bus=bus.address) as sensors:
                first = sensors.next()
                if first is not None and "built without" in first["power_source"]:
                    skip("built without D-Bus")
                starts_nothing(bus, sensors)
                follows_network_manager(bus, sensors)
                follows_upower(bus, sensors)
                follows_services_that_go_and_come(bus, sensors)
                check("ends", sensors.end() == 0)
            asks_a_service_that_hangs_again(bus)
            with Sensors("--no-netlink", *RETRY, bus=bus.address) as sensors:
                outlives_the_bus(bus, sensors)
                check("ends", sensors.end() == 0)
        finally:
            bus.end_all()
    report()


if __name__ == "__main__":
    main()
