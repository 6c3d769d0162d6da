# SPDX-License-Identifier: Apache-2.0
"""A compute host's machine: its power, its network face, its nova-compute and its BMC.

Power off ends nova-compute, silences the probe address and removes the host's running guests;
power on brings back the first two. Killing nova-compute alone touches nothing else.
Also the program behind each BMC: `machine.py DIR HOST set power 0|1`, `... set reset 1`.
"""
import json
import os
import socket
import sys

from rig_layout import BMC_PORT, BMC_USER, Layout, read_json, write_file
from rig_process import PYTHON, FileLock, Processes, clean_env

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_KNOBS = {'spawn_delay_ms': 0, 'spawn_fail': False, 'destroy_delay_ms': 0}


class Machine:
    def __init__(self, layout, host):
        if host not in layout.hosts:
            raise KeyError(host)
        self.layout = layout
        self.host = host
        self.processes = Processes(layout)
        self.compute_name = 'compute-' + host
        self.bmc_name = 'bmc-' + host

    # -- power -------------------------------------------------------------------------------
    def has_power(self):
        try:
            with open(self.layout.host_dir(self.host, 'power'), encoding='ascii') as stream:
                return stream.read().strip() == '1'
        except FileNotFoundError:
            return False

    def _lock(self):
        return FileLock(self.layout.host_dir(self.host, 'lock'))

    def power_off(self):
        """Everything of the machine dies; "off" is readable only when that is so."""
        with self._lock():
            self.processes.kill(self.compute_name)
            self.set_wire('dark')
            for guest in os.listdir(self.layout.guests(self.host)):
                os.unlink(os.path.join(self.layout.guests(self.host), guest))
            write_file(self.layout.host_dir(self.host, 'power'), '0\n')

    def power_on(self, with_compute=True):
        """The disks are as they were, the guests do not come back by themselves."""
        with self._lock():
            if self.has_power():
                return
            write_file(self.layout.host_dir(self.host, 'power'), '1\n')
            self.set_wire('light')
            if with_compute:
                self._start_compute()

    # -- the host's network face -------------------------------------------------------------
    def set_wire(self, state):
        """`light`: the probe address answers; `dark`: silence; `refuse`: RST, so a kernel lives."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(self.layout.path('wire', 'control'))
            sock.sendall(('%s %s\n' % (self.host, state)).encode())
            answer = sock.recv(100)
        if answer != b'ok\n':
            raise RuntimeError('wire of %s: %r' % (self.host, answer))

    # -- nova-compute ------------------------------------------------------------------------
    def _start_compute(self):
        layout = self.layout
        self.processes.start(self.compute_name, [
            PYTHON, os.path.join(HERE, 'nova_compute_main.py'),
            '--config-file', layout.conf('nova.conf'),
            '--config-file', layout.host_dir(self.host, 'nova-compute.conf'),
        ], env=clean_env(RIG_DIR=layout.dir, RIG_HOST=self.host))

    def start_compute(self):
        with self._lock():
            if not self.has_power():
                raise RuntimeError('%s has no power' % self.host)
            self._start_compute()

    def kill_compute(self):
        """nova-compute crashes; the guests and the network face live on."""
        with self._lock():
            self.processes.kill(self.compute_name)

    def compute_runs(self):
        return self.processes.pid(self.compute_name) is not None

    def hang(self):
        """The host hangs: silent, no reports, power on, guests still in memory."""
        self.processes.pause(self.compute_name)
        self.set_wire('dark')

    def thaw(self):
        self.set_wire('light')
        self.processes.resume(self.compute_name)

    # -- knobs of the virt driver ------------------------------------------------------------
    def knobs(self, **changes):
        """Set knobs of the guest driver, read by it at each operation; no arguments: defaults."""
        path = self.layout.host_dir(self.host, 'knobs.json')
        values = dict(DEFAULT_KNOBS)
        if changes:
            values.update(read_json(path, {}))
            unknown = set(changes) - set(DEFAULT_KNOBS)
            if unknown:
                raise KeyError('no such knob: %s' % sorted(unknown))
            values.update(changes)
        write_file(path, json.dumps(values) + '\n')

    # -- BMC ---------------------------------------------------------------------------------
    def bmc_mode(self, mode='ok', target=None, off_delay_s=0):
        """`ok`; `ignore-off` (accepts off, stays on); `ignore-on`; `target`: the host it is
        really wired to; `off_delay_s`: time between an accepted off and its effect."""
        write_file(self.layout.host_dir(self.host, 'bmc_mode'), mode + '\n')
        write_file(self.layout.host_dir(self.host, 'bmc_off_delay'), '%g\n' % off_delay_s)
        write_file(self.layout.host_dir(self.host, 'bmc_target'), (target or self.host) + '\n')

    def bmc_start(self):
        layout = self.layout
        folder = layout.host_dir(self.host, 'bmc')
        os.makedirs(folder, exist_ok=True)
        write_file(layout.host_dir(self.host, 'lan.conf'), _LAN_CONF % {
            'host': self.host, 'address': layout.bmc_address(self.host), 'port': BMC_PORT,
            'script': '%s %s %s' % (os.path.join(HERE, 'chassis.sh'), layout.dir, self.host),
            'user': BMC_USER, 'password': layout.bmc_password}, 0o600)
        write_file(layout.host_dir(self.host, 'sim.emu'), _SIM_EMU)
        self.processes.start(self.bmc_name, [
            'ipmi_sim', '-c', layout.host_dir(self.host, 'lan.conf'),
            '-f', layout.host_dir(self.host, 'sim.emu'), '-s', folder, '-n'])

    def bmc_kill(self):
        """The BMC dies: its port is closed."""
        self.processes.kill(self.bmc_name)

    def bmc_runs(self):
        return self.processes.pid(self.bmc_name) is not None

    def prepare(self):
        """Files of a new machine, without power."""
        write_file(self.layout.host_dir(self.host, 'power'), '0\n')
        self.knobs()
        self.bmc_mode()


# ipmi_sim hands out sessions to user 1 and 2 of this table; suite 3 is the best one it has.
_LAN_CONF = '''name "%(host)s"
set_working_mc 0x20
  startlan 1
    addr %(address)s %(port)d
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "%(script)s"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "%(user)s" "%(password)s" admin 64 none md2 md5 straight
'''
_SIM_EMU = '''mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
'''


def main():
    folder, host, verb, *pairs = sys.argv[1:]
    machine = Machine(Layout(folder), host)
    if verb != 'set':
        return 1
    for name, value in zip(pairs[::2], pairs[1::2]):
        if name == 'reset' or (name == 'power' and value == '0'):
            machine.power_off()
        if name == 'reset' or (name == 'power' and value != '0'):
            machine.power_on()
    return 0


if __name__ == '__main__':
    sys.exit(main())
