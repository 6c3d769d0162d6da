#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real OpenStack on loopback: `rig.py up|down|status|env --dir DIR`.

Brings up MariaDB, RabbitMQ, Keystone, Placement, Glance, a Neutron stub, Nova with several
nova-compute of similar names, their machines and BMCs, and a mail server. All state is in DIR,
everything is ended by the ids noted there. The parts are left to the files beside this one.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PYTHON = '/usr/bin/python3'
if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
    # a pyenv or venv in front in PATH has none of the packages
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)

# pylint: disable=wrong-import-position
import control  # noqa: E402
import tenants  # noqa: E402
from cloud_client import Cloud  # noqa: E402
from machine import Machine  # noqa: E402
from rig_layout import DEFAULT_HOSTS, PROFILES, Layout  # noqa: E402
from rig_process import Processes, clean_env, wait_until  # noqa: E402


def install_packages():
    """Install what is missing; no service is started by that."""
    tool = os.path.join(HERE, '..', '..', '..', 'tools', 'install-packages')
    subprocess.run([tool, 'openstack'], env=clean_env(), check=True)


# -- bringing up ---------------------------------------------------------------------------------
class Branches:
    """Runs functions side by side; the first error of any is raised by join()."""

    def __init__(self):
        self.threads = []
        self.errors = []

    def add(self, function, *args):
        def run():
            try:
                function(*args)
            except Exception as err:  # pylint: disable=broad-except
                self.errors.append(err)
        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


class Rig:
    def __init__(self, layout):
        self.layout = layout
        self.control = control.ControlPlane(layout)
        self.processes = Processes(layout)
        self.machines = {host: Machine(layout, host) for host in layout.hosts}

    def _say(self, text):
        print('%6.1f s  %s' % (time.monotonic() - self._began, text), flush=True)

    def up(self):
        self._began = time.monotonic()
        control.write_configs(self.layout)
        base = Branches()
        base.add(self._up_bus)
        base.add(self._up_machines)
        self._up_database()
        schemas = Branches()
        schemas.add(self._up_keystone)
        schemas.add(self._up_placement_glance)
        schemas.add(self.control.nova_schema)
        schemas.join()
        base.join()
        self._say('schemas, keystone, message bus')
        self._up_nova()

    def _up_database(self):
        self.control.mariadb_install()
        self.control.start_mariadb()
        self.control.wait_ready('mariadb')
        self.control.mariadb_users()
        self._say('mariadb')

    def _up_bus(self):
        self.control.rabbit_files()
        self.control.start_rabbit()
        self.control.wait_ready('rabbit', 90)

    def _up_machines(self):
        for name in ('wire', 'neutron', 'proxy', 'mail'):
            self.control.start(name)
        for name in ('neutron', 'proxy', 'mail'):
            self.control.wait_ready(name)
        for machine in self.machines.values():
            machine.prepare()
            machine.bmc_start()

    def _up_keystone(self):
        self.control.keystone_schema()
        self.control.start_keystone()
        self.control.wait_ready('keystone')
        tenants.make_identity(self.layout)

    def _up_placement_glance(self):
        for name in ('placement', 'glance'):
            getattr(self.control, name + '_schema')()
            self.control.start(name)

    def _up_nova(self):
        for name in ('conductor', 'scheduler', 'api'):
            self.control.start(name)
        # Two starts at a time use both cores; all at once would only delay the first reports.
        for machine in self.machines.values():
            machine.power_on()
        for name in ('placement', 'glance', 'api'):
            self.control.wait_ready(name)
        tenants.make_furniture(self.layout)
        self._say('nova api, image, flavor')
        self.wait_targets()
        self._say('%d computes are scheduling targets' % len(self.machines))

    def wait_targets(self, hosts=None, timeout_s=90):
        """Up, listed and with an inventory: before that the scheduler passes a host over."""
        cloud = Cloud(self.layout)
        hosts = set(hosts or self.layout.hosts)

        def ready():
            services = cloud.services()
            # a new service is "up" before its first report, which comes 5 s after its start
            if not all(host in services and services[host]['state'] == 'up'
                       and services[host]['updated_at'] for host in hosts):
                return False
            found = cloud.call('placement', 'GET', '/resource_providers',
                               version='placement 1.20')['resource_providers']
            uuids = {item['name']: item['uuid'] for item in found}
            if not hosts <= set(uuids):
                return False
            listed = cloud.nova('GET', '/os-hypervisors')['hypervisors']
            if not hosts <= {item['hypervisor_hostname'] for item in listed}:
                return False
            return all(cloud.call('placement', 'GET',
                                  '/resource_providers/%s/inventories' % uuids[host],
                                  version='placement 1.20')['inventories'] for host in hosts)

        wait_until(ready, timeout_s, 'computes as scheduling targets', 0.3)

    # -- ending ------------------------------------------------------------------------------
    def down(self):
        """End everything, those who use others first; the order spares timeouts, not safety."""
        names = self.processes.names()
        last = ['rabbit', 'mariadb', 'epmd']
        for name in [n for n in names if n not in last]:
            self.processes.kill(name)
        for name in last:
            # state is thrown away with the folder: no need to let databases flush
            self.processes.kill(name)

    def status(self):
        return {name: self.processes.pid(name) for name in self.processes.names()}

    def memory_mb(self):
        """Sum of the proportional set sizes of all processes of the rig's groups."""
        groups = set(self.status().values()) - {None}
        total = 0
        for entry in os.listdir('/proc'):
            try:
                if not entry.isdigit() or os.getpgid(int(entry)) not in groups:
                    continue
                with open('/proc/%s/smaps_rollup' % entry, encoding='ascii') as stream:
                    total += sum(int(line.split()[1]) for line in stream if line.startswith('Pss:'))
            except (OSError, ProcessLookupError):
                continue
        return total / 1024.0


def bring_up(folder, hosts, report_s, down_s):
    """From nothing to a working cloud in `folder`; what was started is ended on failure."""
    install_packages()
    rig = Rig(Layout.create(folder, hosts, report_s, down_s))
    try:
        rig.up()
    except BaseException:
        # other threads may be starting things still
        Processes.close()
        rig.down()
        raise
    return rig


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('command', choices=('up', 'down', 'status', 'env'))
    parser.add_argument('--dir', required=True, help='folder for all state')
    parser.add_argument('--hosts', default=','.join(DEFAULT_HOSTS), help='compute hosts')
    parser.add_argument('--profile', choices=sorted(PROFILES), default='fast')
    parser.add_argument('--report', type=int, help='report_interval in s, over the profile')
    parser.add_argument('--down', type=int, help='service_down_time in s, over the profile')
    parser.add_argument('--keep', action='store_true', help='down: keep the folder')
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if args.command == 'up':
        report_s, down_s = PROFILES[args.profile]
        began = time.monotonic()
        rig = bring_up(args.dir, args.hosts.split(','), args.report or report_s,
                       args.down or down_s)
        print('up in %.1f s, %d MB' % (time.monotonic() - began, rig.memory_mb()))
        return 0
    rig = Rig(Layout(args.dir))
    if args.command == 'down':
        rig.down()
        if not args.keep:
            shutil.rmtree(rig.layout.dir)
    elif args.command == 'status':
        for name, pid in rig.status().items():
            print('%-16s %s' % (name, pid or 'dead'))
        print('memory %d MB' % rig.memory_mb())
    else:
        print(tenants.clouds_yaml(rig.layout), end='')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
