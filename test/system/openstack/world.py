# SPDX-License-Identifier: Apache-2.0
"""What a case sees of the rig, and how the rig is made clean again after it.

One control plane serves all cases; reset() undoes faults in the order Nova allows.
"""
import calendar
import os
import time

import pymysql

from cloud_client import Cloud
from faults import Neutron, Proxy, Services
from guest_watch import GuestWatch
from mail_box import MailBox
from rig_layout import BMC_PORT, BMC_USER
from rig_process import clean_env, wait_until
from tenants import PEOPLE

import subprocess


def nova_time(text):
    """Seconds since 1970 of a time as Nova prints it (UTC, no zone)."""
    return calendar.timegm(time.strptime(text.split('.')[0], '%Y-%m-%dT%H:%M:%S'))


class World:
    def __init__(self, rig):
        self.rig = rig
        self.layout = rig.layout
        self.hosts = rig.layout.hosts
        self.machines = rig.machines
        self.services = Services(rig)
        self.neutron = Neutron(rig.layout)
        self.proxy = Proxy(rig.layout)
        self.mail = MailBox(rig.layout)
        self.cloud = Cloud(rig.layout)
        self.client = Cloud(rig.layout, via_proxy=True)
        self.people = {name: Cloud(rig.layout, name, project) for name, project in PEOPLE.items()}
        self.watch = GuestWatch(rig.layout).start()
        self.daemons = []

    # -- helpers for cases -------------------------------------------------------------------
    def ipmi(self, host, *words, timeout_s=15):
        """ipmitool against a host's BMC; returns (exit status, output)."""
        done = subprocess.run(
            ['ipmitool', '-I', 'lanplus', '-C', '3', '-N', '1', '-R', '1', '-E',
             '-H', self.layout.bmc_address(host), '-p', str(BMC_PORT), '-U', BMC_USER] + list(words),
            env=clean_env(IPMI_PASSWORD=self.layout.bmc_password), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False)
        return done.returncode, done.stdout.strip()

    def sql(self, statement, arguments=(), database='nova_cell1'):
        """For states no API makes; returns the rows."""
        link = pymysql.connect(host=self.layout.control, port=self.layout.port('mariadb'),
                               user='rig', password=self.layout.password, database=database,
                               autocommit=True)
        try:
            with link.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall()
        finally:
            link.close()

    def guest_hosts(self, server):
        return self.watch.hosts_of(server['id'] if isinstance(server, dict) else server)

    def wait_reported(self, hosts, since, timeout_s=60):
        """Until each host's nova-compute reported after `since` (wall seconds) and is up."""
        def reported():
            services = self.cloud.services()
            return all(services[h]['updated_at'] and nova_time(services[h]['updated_at']) > since
                       and (services[h]['state'] == 'up' or services[h]['forced_down'])
                       for h in hosts)
        wait_until(reported, timeout_s, 'reports of %s' % ', '.join(hosts), 0.2)

    def done_left(self, host):
        """Evacuations nova-compute of this host has yet to clean up after."""
        return [m for m in self.cloud.migrations(source_compute=host) if m['status'] == 'done']

    def clear_forced_down(self, host, timeout_s=60):
        """The right way: nova-compute has started and cleaned up, only then the flag goes."""
        machine = self.machines[host]
        try:
            wait_until(lambda: not self.done_left(host), 20, 'clean-up on ' + host, 0.2)
        except TimeoutError:
            # started before the evacuations had ended: it cleans up at its start only
            machine.kill_compute()
            machine.start_compute()
            wait_until(lambda: not self.done_left(host), timeout_s, 'clean-up on ' + host, 0.2)
        status, value = self.cloud.set_service(host, forced_down=False)
        if status != 200:
            raise RuntimeError('forced_down=false of %s: %d %s' % (host, status, value))

    # -- reset -------------------------------------------------------------------------------
    def reset(self):
        for daemon in self.daemons:
            daemon.stop()
        self.daemons = []
        if self.rig.processes.pid('neutron'):
            self.neutron.mode('ok')
        helped = self.services.heal()
        self.proxy.clear()
        started_at = int(time.time())
        started = self._reset_machines(bool({'rabbit', 'mariadb'} & set(helped)))
        wait_until(self._api_works, 60, 'nova-api after a case', 0.3)
        self._reset_services(started, started_at)
        self.cloud.delete_all()
        self._sweep()

    def _api_works(self):
        try:
            return self.cloud.services() is not None and self.cloud.servers() is not None
        except (OSError, RuntimeError, Exception):  # pylint: disable=broad-except
            return False

    def _reset_machines(self, _bus_was_away):
        started = []
        for host, machine in self.machines.items():
            machine.bmc_mode()
            machine.knobs()
            if self.rig.processes.is_paused(machine.bmc_name):
                self.rig.processes.resume(machine.bmc_name)
            if not machine.bmc_runs():
                self.rig.processes.forget(machine.bmc_name)
                machine.bmc_start()
            if not machine.has_power():
                machine.power_on()
                started.append(host)
            elif not machine.compute_runs():
                self.rig.processes.forget(machine.compute_name)
                machine.start_compute()
                started.append(host)
            machine.thaw()
        return started

    def _reset_services(self, started, started_at):
        if started:
            self.wait_reported(started, started_at)
        for host, service in self.cloud.services().items():
            if service['forced_down']:
                self.clear_forced_down(host)
            if service['status'] == 'disabled':
                self.cloud.set_service(host, status='enabled')
        for binary in ('nova-scheduler', 'nova-conductor'):
            for host, service in self.cloud.services(binary).items():
                if host != 'ctl':
                    self.cloud.nova('DELETE', '/os-services/' + service['id'], raw=True)
        wait_until(lambda: all(s['state'] == 'up' for s in self.cloud.services().values()),
                   60, 'all computes up', 0.2)

    def _sweep(self):
        """Leftovers of deleted servers, and records of old evacuations that a later case would
        take for its own."""
        for host in self.hosts:
            for folder in (self.layout.guests(host), self.layout.host_dir(host, 'disks')):
                for name in os.listdir(folder):
                    os.unlink(os.path.join(folder, name))
        self.sql('delete from migrations')
        self.mail.clear()
        self.watch.forget()

    def close(self):
        for daemon in self.daemons:
            daemon.stop()
        self.watch.stop()
