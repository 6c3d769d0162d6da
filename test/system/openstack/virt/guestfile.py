# SPDX-License-Identifier: Apache-2.0
"""A virt driver for tests: nova's fake driver whose guests outlive the process.

Each guest that runs is a file GUESTS/HOST/UUID, each defined one a file hosts/HOST/disks/UUID.
A restarted nova-compute finds its guests in these files, as it would ask a hypervisor. A power
cut removes the running guests only (machine.py does that); their disks stay. A guest born while
the same one runs elsewhere is written to split-brain.jsonl at once.
"""
import json
import os
import time

from nova import exception
from nova.compute import power_state
from nova.virt import fake
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class GuestFileDriver(fake.FakeDriver):

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi)
        self._dir = os.environ['RIG_DIR']
        self._name = os.environ['RIG_HOST']

    # -- files -------------------------------------------------------------------------------
    def _guest_path(self, uuid, host=None):
        return os.path.join(self._dir, 'guests', host or self._name, uuid)

    def _disk_path(self, uuid):
        return os.path.join(self._dir, 'hosts', self._name, 'disks', uuid)

    def _knob(self, name):
        path = os.path.join(self._dir, 'hosts', self._name, 'knobs.json')
        try:
            with open(path, encoding='utf-8') as stream:
                return json.load(stream).get(name)
        except (OSError, ValueError):
            return None

    def _delay(self, knob):
        end = time.monotonic() + (self._knob(knob) or 0) / 1000.0
        while time.monotonic() < end:
            # in slices, so that a knob turned back to 0 takes effect at once
            time.sleep(0.05)
            if not self._knob(knob):
                return

    def _run(self, uuid):
        """The guest runs from here on."""
        path = self._guest_path(uuid)
        if os.path.exists(path):
            return
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('%.6f\n' % time.time())
        hosts = [host for host in os.listdir(os.path.join(self._dir, 'guests'))
                 if os.path.exists(self._guest_path(uuid, host))]
        if len(hosts) > 1:
            line = json.dumps({'at': time.time(), 'guest': uuid, 'hosts': sorted(hosts)})
            with open(os.path.join(self._dir, 'split-brain.jsonl'), 'a', encoding='utf-8') as out:
                out.write(line + '\n')

    def _halt(self, uuid):
        try:
            os.unlink(self._guest_path(uuid))
        except FileNotFoundError:
            pass

    # -- driver ------------------------------------------------------------------------------
    def init_host(self, host):
        super().init_host(host)
        folder = os.path.join(self._dir, 'hosts', self._name, 'disks')
        for uuid in sorted(os.listdir(folder)):
            with open(os.path.join(folder, uuid), encoding='utf-8') as stream:
                facts = json.load(stream)
            state = (power_state.RUNNING if os.path.exists(self._guest_path(uuid))
                     else power_state.SHUTDOWN)
            self.instances[uuid] = fake.FakeInstance(facts['name'], state, uuid)
            self.resources.claim(vcpus=facts['vcpus'], mem=facts['memory_mb'],
                                 disk=facts['root_gb'])
        LOG.info('rediscovered %d guests', len(self.instances))

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations,
              network_info=None, block_device_info=None, power_on=True, accel_info=None):
        self._delay('spawn_delay_ms')
        if self._knob('spawn_fail'):
            raise exception.InstanceDeployFailure('the spawn_fail knob of %s is set' % self._name)
        if instance.uuid in self.instances:
            raise exception.InstanceExists(name=instance.name)
        super().spawn(context, instance, image_meta, injected_files, admin_password, allocations,
                      network_info, block_device_info, power_on)
        flavor = instance.flavor
        with open(self._disk_path(instance.uuid), 'w', encoding='utf-8') as stream:
            json.dump({'name': instance.name, 'vcpus': flavor.vcpus,
                       'memory_mb': flavor.memory_mb, 'root_gb': flavor.root_gb}, stream)
        if power_on:
            self._run(instance.uuid)

    def destroy(self, context, instance, network_info, block_device_info=None,
                destroy_disks=True, destroy_secrets=True):
        self._delay('destroy_delay_ms')
        self._halt(instance.uuid)
        super().destroy(context, instance, network_info, block_device_info, destroy_disks)
        try:
            os.unlink(self._disk_path(instance.uuid))
        except FileNotFoundError:
            pass

    def power_off(self, instance, timeout=0, retry_interval=0):
        super().power_off(instance, timeout, retry_interval)
        self._halt(instance.uuid)

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None):
        super().power_on(context, instance, network_info, block_device_info)
        self._run(instance.uuid)

    def suspend(self, context, instance):
        self.instances[instance.uuid].state = power_state.SHUTDOWN
        self._halt(instance.uuid)

    def resume(self, context, instance, network_info, block_device_info=None):
        self.instances[instance.uuid].state = power_state.RUNNING
        self._run(instance.uuid)

    def rescue(self, context, instance, network_info, image_meta, rescue_password,
               block_device_info):
        # nova has powered it off; it runs again, from the rescue image
        self.instances[instance.uuid].state = power_state.RUNNING
        self._run(instance.uuid)

    def unrescue(self, context, instance):
        super().unrescue(context, instance)
        self._run(instance.uuid)

    def migrate_disk_and_power_off(self, context, instance, dest, flavor, network_info,
                                   block_device_info=None, timeout=0, retry_interval=0):
        # Without it a resize would look like a split brain, which no hypervisor would make.
        self.instances[instance.uuid].state = power_state.SHUTDOWN
        self._halt(instance.uuid)

    def finish_revert_migration(self, context, instance, network_info, migration,
                                block_device_info=None, power_on=True):
        super().finish_revert_migration(context, instance, network_info, migration,
                                        block_device_info, power_on)
        if power_on:
            self._run(instance.uuid)

    def live_migration(self, context, instance, dest, post_method, recover_method,
                       block_migration=False, migrate_data=None):
        # The guest stops here before post_method makes it run there, as memory hand-over does.
        self._halt(instance.uuid)
        super().live_migration(context, instance, dest, post_method, recover_method,
                               block_migration, migrate_data)
