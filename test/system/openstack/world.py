# SPDX-License-Identifier: Apache-2.0
"""What a case sees of the rig, and how the rig is made clean again after it.

One control plane serves all cases; reset() undoes faults in the order Nova allows.
"""
import calendar
import os
import subprocess
import time

import pymysql

from cloud_client import Cloud
from faults import Neutron, Proxy, Services
from guest_watch import GuestWatch
from mail_box import MailBox
from rig_layout import BMC_PORT, BMC_USER
from rig_process import clean_env, wait_until
from tenants import PEOPLE


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
        self.has_extra_cell = False
        self.began_at = time.time()

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

    def power_calls(self, host):
        """What the BMC of this host was told: [(time, 'power', '0' | '1')], effective or not."""
        found = []
        try:
            with open(self.layout.path('log', 'chassis.log'), encoding='utf-8') as stream:
                for line in stream:
                    words = line.split()
                    if len(words) == 6 and words[1] == host and float(words[0]) > self.began_at:
                        found.append((float(words[0]), words[4], words[5]))
        except FileNotFoundError:
            pass
        return found

    def wait_power_call(self, host, value, timeout_s=60):
        """Until the BMC of this host was told power `0` or `1`."""
        wait_until(lambda: [c for c in self.power_calls(host) if c[1:] == ('power', value)],
                   timeout_s, 'power %s of %s' % (value, host), 0.02)

    def assert_single_evacuate_calls(self, allowed=()):
        """No server was evacuated by two calls that Nova accepted, but for those `allowed`."""
        accepted = [uuid for _, uuid, status in self.proxy.evacuate_calls() if status == 200]
        twice = {u for u in accepted if accepted.count(u) > 1} - set(allowed)
        if twice:
            raise AssertionError('evacuated twice: %s' % sorted(twice))

    def add_unreachable_cell(self, host):
        """A second cell whose database is gone, with this host in it: its status is UNKNOWN."""
        uuid = '00000000-0000-0000-0000-00000000dead'
        gone = 'mysql+pymysql://nobody:nothing@%s:1/gone' % self.layout.control
        self.sql('insert into cell_mappings (uuid, name, transport_url, database_connection,'
                 ' disabled) values (%s, %s, %s, %s, 0)',
                 (uuid, 'gone', self.layout.amqp_url(), gone), 'nova_api')
        self.sql('insert into host_mappings (cell_id, host) select id, %s from cell_mappings'
                 ' where uuid = %s', (host, uuid), 'nova_api')
        self.has_extra_cell = True
        # nova-api keeps its list of cells for life
        self.services.kill('api')
        self.rig.control.start_impatient_api()
        self.rig.control.wait_ready('api')

    def _remove_extra_cell(self):
        self.sql("delete from host_mappings where cell_id in (select id from cell_mappings"
                 " where name = 'gone')", (), 'nova_api')
        self.sql("delete from cell_mappings where name = 'gone'", (), 'nova_api')
        self.has_extra_cell = False
        self.services.restart('api')

    # -- reset -------------------------------------------------------------------------------
    def reset(self):
        for daemon in self.daemons:
            daemon.stop()
        recorded, self.daemons = self.daemons, []
        # now, and not behind the wait for fresh reports: it keeps the machine busy for seconds
        problems = [problem for problem in (daemon.replay() for daemon in recorded) if problem]
        if self.rig.processes.pid('neutron'):
            self.neutron.mode('ok')
        self.services.heal()
        self.proxy.clear()
        if self.has_extra_cell:
            self._remove_extra_cell()
        started_at = int(time.time())
        started = self._reset_machines()
        wait_until(self._api_works, 60, 'nova-api after a case', 0.3)
        self._reset_services(started, started_at)
        self.cloud.delete_all()
        self._sweep()
        # last, so that a case whose replay fails leaves a clean rig to the next one
        if problems:
            raise AssertionError('; '.join(problems))

    def _api_works(self):
        try:
            return self.cloud.services() is not None and self.cloud.servers() is not None
        except Exception:  # pylint: disable=broad-except
            return False  # whatever it is, the caller's time limit ends it

    def _reset_machines(self):
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
        # "up" may be the last moment of an old report: only a fresh one lets a case begin, or the
        # scheduler finds no host for its first servers
        self.wait_reported(self.hosts, int(time.time()))

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
        self.began_at = time.time()

    def close(self):
        for daemon in self.daemons:
            daemon.stop()
        self.watch.stop()
