# SPDX-License-Identifier: Apache-2.0
"""BMCs to fence through: OpenIPMI's ipmi_sim, and osha-bmc with its faults. Each one is a process of its own in a folder of its own."""

import os
import select
import socket
import subprocess
import time

USERNAME, PASSWORD, KG = "admin", "sekret-pw", "0102030405060708090a0b0c0d0e0f1011121314"

SIM_EMU = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
"""

SIM_CHASSIS = """#!/bin/sh
folder=$1; verb=$2; shift 2
case $verb in
get)
	for p; do
		case $p in
		power) read v < "$folder/power"; echo "power:$v";;
		boot) echo boot:none;;
		esac
	done;;
set)
	while [ $# -gt 1 ]; do
		case $1 in
		power) echo "$2" > "$folder/power.new"; mv "$folder/power.new" "$folder/power";;
		esac
		shift 2
	done;;
esac
exit 0
"""

SIM_LAN = """name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{folder}/chassis.sh {folder}"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "{username}" "{password}" admin 64 none md2 md5 straight
"""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Bmc:
    """A BMC process; `power` is the machine's state as its own file has it."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.port = 0
        self.process = None
        self.power = "1"

    @property
    def power(self):
        with open(os.path.join(self.folder, "power"), encoding="ascii") as f:
            return f.read().strip()

    @power.setter
    def power(self, value):
        self.write("power", value + "\n")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def keys(self, **more):
        keys = {"ip": "127.0.0.1", "ipport": self.port, "username": USERNAME, "password": PASSWORD}
        keys.update(more)
        return keys

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()


class IpmiSim(Bmc):
    """Knows suite 3 only, and no discovery of suites."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_udp_port()
        self.write("sim.emu", SIM_EMU)
        self.write("chassis.sh", SIM_CHASSIS)
        os.chmod(os.path.join(folder, "chassis.sh"), 0o755)
        self.write("lan.conf", SIM_LAN.format(port=self.port, folder=folder, username=USERNAME, password=PASSWORD))
        os.makedirs(os.path.join(folder, "state"))
        with open(os.path.join(folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["ipmi_sim", "-c", "lan.conf", "-f", "sim.emu", "-s", os.path.join(folder, "state"), "-n"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.wait_until_it_answers()

    def wait_until_it_answers(self):
        """Get Channel Authentication Capabilities, as IPMI 1.5, until there is an answer."""
        message = bytes([0x20, 0x18, 0xC8, 0x81, 0x00, 0x38, 0x8E, 0x04])
        message += bytes([-sum(message[3:]) & 0xFF])
        ping = bytes([6, 0, 0xFF, 7]) + bytes(9) + bytes([len(message)]) + message
        end = time.monotonic() + 20
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", self.port))
            while time.monotonic() < end:
                try:
                    s.send(ping)
                    if select.select([s], [], [], 0.1)[0] and s.recv(512):
                        return
                except ConnectionRefusedError:
                    time.sleep(0.02)
        raise RuntimeError("ipmi_sim does not answer")


class OshaBmc(Bmc):
    """The simulated BMC of the project."""

    def __init__(self, folder, program, kg=None, hook=None):
        super().__init__(folder)
        environment = dict(os.environ, OSHA_BMC_PASSWORD=PASSWORD)
        if kg:
            environment["OSHA_BMC_KG"] = kg
        command = [program, "--power-file", "power", "--faults-file", "faults", "--username", USERNAME]
        self.process = subprocess.Popen(
            command + (["--hook", hook] if hook else []), cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[2])

    def faults(self, words):
        self.write("faults", words)
