# SPDX-License-Identifier: Apache-2.0
"""Proves the rig: what Osha will be judged by must itself be shown to work, and to be able to fail."""
import socket
import time

from case_marks import case, equal, true
from faults import lose_evacuate_reply
from guest_watch import SplitBrain
from rig_layout import PROBE_PORT
from rig_process import wait_until


def probe(world, host, timeout_s=0.5):
    """What a TCP probe of the host sees: `alive`, `refused` or `silent`."""
    try:
        with socket.create_connection((world.layout.probe_address(host), PROBE_PORT), timeout_s):
            return 'alive'
    except ConnectionRefusedError:
        return 'refused'
    except (TimeoutError, socket.timeout):
        return 'silent'


def boot_six(world):
    """Three of alice's and three of bob's, all on c1."""
    return (world.people['alice'].boot('web', 'c1', 3, wait=False)
            + world.people['bob'].boot('db', 'c1', 3, wait=False))


def all_active(world, servers):
    return [world.cloud.wait_server(s['id'], 'ACTIVE') for s in servers]


@case(limit_s=150)
def case_power_cut_evacuation_and_return(world):
    cloud = world.cloud
    ids = [s['id'] for s in all_active(world, boot_six(world))]
    other = cloud.boot('bystander', 'c10')[0]['id']
    equal({h for i in ids for h in world.guest_hosts(i)}, {'c1'}, 'hosts of the guests')
    equal(world.ipmi('c1', 'power', 'status'), (0, 'Chassis Power is on'), 'BMC before')
    equal(probe(world, 'c1'), 'alive', 'probe before')
    began = time.monotonic()
    world.ipmi('c1', 'power', 'off')
    equal(world.ipmi('c1', 'power', 'status'), (0, 'Chassis Power is off'), 'BMC after')
    equal(probe(world, 'c1'), 'silent', 'probe after')
    equal([world.guest_hosts(i) for i in ids], [set()] * 6, 'guests after the power cut')
    cloud.wait_state('c1', 'down')
    print('down after %.1f s' % (time.monotonic() - began))
    equal(cloud.set_service('c1', forced_down=True)[0], 200, 'forced_down')
    for uuid in ids:
        equal(cloud.evacuate(uuid), (200, None), 'evacuate')
    cloud.wait_evacuated(ids, 'c1')
    print('evacuated after %.1f s' % (time.monotonic() - began))
    for uuid in ids:
        server = cloud.server(uuid)
        equal(server['status'], 'ACTIVE', 'status')
        equal(world.guest_hosts(uuid), {server['OS-EXT-SRV-ATTR:host']}, 'guest file')
        true(server['OS-EXT-SRV-ATTR:host'] != 'c1', 'still on c1')
    equal(world.guest_hosts(other), {'c10'}, 'bystander')
    equal(cloud.set_service('c1', forced_down=False)[0], 400, 'clearing before the clean-up')
    since = int(time.time())
    world.ipmi('c1', 'power', 'on')
    wait_until(lambda: probe(world, 'c1') == 'alive', 10, 'probe after power on')
    world.wait_reported(['c1'], since)
    world.clear_forced_down('c1')
    cloud.wait_state('c1', 'up')
    print('back after %.1f s' % (time.monotonic() - began))
    equal([len(world.guest_hosts(i)) for i in ids], [1] * 6, 'guests after the return')


@case(limit_s=120, expects_split=True)
def case_second_evacuate_call_does_damage(world):
    """Nova accepts it, the server is lost, its guest runs twice: what Osha must never send."""
    cloud = world.cloud
    server = cloud.boot('twice', 'c1')[0]['id']
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=2000)
    world.machines['c1'].power_off()
    equal(cloud.set_service('c1', forced_down=True)[0], 200, 'forced_down')
    equal(cloud.evacuate(server)[0], 200, 'first')
    wait_until(lambda: cloud.server(server)['OS-EXT-STS:task_state'] == 'rebuild_spawning', 20,
               'spawning')
    equal(cloud.evacuate(server)[0], 200, 'second')
    broken = cloud.wait_server(server, 'ERROR')
    print('ERROR, nova says %s, guest runs on %s' % (
        broken['OS-EXT-SRV-ATTR:host'], sorted(world.guest_hosts(server))))


@case(limit_s=120, expects_split=True)
def case_unfenced_evacuation_is_seen(world):
    """The watcher must be able to fire."""
    cloud = world.cloud
    server = cloud.boot('unfenced', 'c1')[0]['id']
    world.watch.assert_no_split_brain()
    world.machines['c1'].kill_compute()
    equal(world.guest_hosts(server), {'c1'}, 'the guest outlives nova-compute')
    equal(probe(world, 'c1'), 'alive', 'probe of a host whose nova-compute crashed')
    cloud.set_service('c1', forced_down=True)
    cloud.evacuate(server)
    cloud.wait_evacuated([server], 'c1')
    equal(len(world.guest_hosts(server)), 2, 'hosts the guest runs on')
    wait_until(lambda: world.watch.sightings, 5, 'sighting of the thread')
    equal({s['by'] for s in world.watch.all_sightings()}, {'watch', 'driver'}, 'witnesses')
    try:
        world.watch.assert_no_split_brain()
    except SplitBrain:
        return
    raise AssertionError('the watcher saw nothing')


@case(limit_s=120)
def case_reply_to_evacuate_is_lost(world):
    cloud = world.cloud
    ids = [s['id'] for s in cloud.boot('lost', 'c1', 2)]
    world.machines['c1'].power_off()
    cloud.set_service('c1', forced_down=True)
    world.proxy.rules(lose_evacuate_reply(2))
    equal(world.client.evacuate(ids[0])[0], 200, 'first call')
    try:
        world.client.evacuate(ids[1])
    except (ConnectionError, OSError):
        pass
    else:
        raise AssertionError('the reply came')
    cloud.wait_evacuated(ids, 'c1')
    equal([(s, c) for _, s, c in world.proxy.evacuate_calls()], [(ids[0], 200), (ids[1], 200)],
          'calls the proxy noted')


@case(limit_s=120)
def case_crashed_compute_finds_its_guests(world):
    cloud = world.cloud
    ids = [s['id'] for s in cloud.boot('stay', 'c2', 2)]
    world.machines['c2'].kill_compute()
    cloud.wait_state('c2', 'down')
    equal([world.guest_hosts(i) for i in ids], [{'c2'}] * 2, 'guests without nova-compute')
    since = int(time.time())
    world.machines['c2'].start_compute()
    world.wait_reported(['c2'], since)
    cloud.action(ids[0], 'os-stop')
    cloud.wait_server(ids[0], 'SHUTOFF')
    equal([world.guest_hosts(i) for i in ids], [set(), {'c2'}], 'guests after a stop')
    cloud.action(ids[0], 'os-start')
    cloud.wait_server(ids[0], 'ACTIVE')
    equal(world.guest_hosts(ids[0]), {'c2'}, 'guest after a start')


@case(limit_s=90)
def case_bmc_that_lies(world):
    """dead; accepts off and stays on; wired to another host; slow."""
    machine = world.machines['c3']
    machine.bmc_mode('ignore-off')
    equal(world.ipmi('c3', 'power', 'off')[0], 0, 'off is accepted')
    equal(world.ipmi('c3', 'power', 'status')[1], 'Chassis Power is on', 'status')
    equal(probe(world, 'c3'), 'alive', 'probe')
    machine.bmc_mode(target='c2')
    world.ipmi('c3', 'power', 'off')
    equal(world.ipmi('c3', 'power', 'status')[1], 'Chassis Power is off', 'status of the wrong host')
    equal((probe(world, 'c3'), probe(world, 'c2')), ('alive', 'silent'), 'probes')
    world.ipmi('c3', 'power', 'on')
    machine.bmc_mode(off_delay_s=2)
    world.ipmi('c3', 'power', 'off')
    equal(world.ipmi('c3', 'power', 'status')[1], 'Chassis Power is on', 'status at once')
    wait_until(lambda: world.ipmi('c3', 'power', 'status')[1] == 'Chassis Power is off', 10, 'off')
    machine.bmc_mode()
    world.ipmi('c3', 'power', 'on')
    machine.bmc_kill()
    true(world.ipmi('c3', 'power', 'status')[0] != 0, 'a dead BMC answered')
