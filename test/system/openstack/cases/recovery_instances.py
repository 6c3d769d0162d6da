# SPDX-License-Identifier: Apache-2.0
"""Servers that are not simply running, targets that fail, capacity that is missing."""
from case_marks import case, equal, true
from recovery_scene import Scene
from rig_process import wait_until

ACTIONS = {
    'stopped': ('os-stop', None, 'SHUTOFF'), 'paused': ('pause', None, 'PAUSED'),
    'suspended': ('suspend', None, 'SUSPENDED'), 'rescued': ('rescue', {}, 'RESCUE'),
    'broken': ('os-resetState', {'state': 'error'}, 'ERROR'), 'locked': ('lock', None, 'ACTIVE'),
}


def make_states(world):
    """One server of each state on c1: {name: id}"""
    made = {}
    for name in ACTIONS:
        made[name] = world.cloud.boot(name, 'c1', wait=False)[0]['id']
    for name, uuid in made.items():
        world.cloud.wait_server(uuid, 'ACTIVE')
        action, arguments, _ = ACTIONS[name]
        code, value = world.cloud.action(uuid, action, arguments)
        true(code in (200, 202), '%s: %d %s' % (name, code, value))
    for name, uuid in made.items():
        world.cloud.wait_server(uuid, ACTIONS[name][2])
    return made


@case(limit_s=240)
def case_states_that_nova_does_not_evacuate(world):
    """Paused, suspended and rescued ones are left and listed by name; the others go. Once the
    configuration allows it they are reset and evacuated too."""
    scene = Scene(world)
    made = make_states(world)
    scene.note()
    scene.watch()
    scene.machine.power_off()
    true('3 of 6 instances' in scene.wait_held(), 'reason of the hold')
    left = [made[name] for name in ('paused', 'suspended', 'rescued')]
    scene.assert_evacuated(except_for=left + [made['broken']])
    equal(world.cloud.server(made['broken'])['status'], 'ACTIVE', 'a broken one')
    equal({u: world.cloud.server(u)['OS-EXT-SRV-ATTR:host'] for u in left},
          {u: 'c1' for u in left}, 'hosts of those that are left')
    true(not set(left) & set(scene.calls()), 'evacuate calls of those that are left')
    scene.assert_listed_by_name(left)
    scene.osha.configure(evacuation={'unsupported-states': 'reset'})
    scene.osha.reload()
    scene.wait_row('recovered')
    equal({world.cloud.server(u)['status'] for u in left}, {'ACTIVE'}, 'after the reset')
    equal({len(world.guest_hosts(u)) for u in left}, {1}, 'guests after the reset')
    world.assert_single_evacuate_calls()


@case(limit_s=240)
def case_no_room_then_room(world):
    """A server that fits nowhere is held by name, the pass ends with 3; with room it goes on. It
    was stopped, so it has to be stopped again after Nova started it out of ERROR."""
    scene = Scene(world, evacuation={'attempts': 2})
    cloud = world.cloud
    fat = {h: cloud.boot('fat-' + h, h, flavorRef='huge', wait=False)[0]['id'] for h in world.hosts}
    cloud.boot('small', 'c1')
    for uuid in fat.values():
        cloud.wait_server(uuid, 'ACTIVE')
    cloud.action(fat['c1'], 'os-stop')
    cloud.wait_server(fat['c1'], 'SHUTOFF')
    scene.note()
    equal(scene.osha.once()[:2], (0, 'No failed nodes\n'), 'a pass with nothing down')
    scene.machine.power_off()
    cloud.wait_state('c1', 'down')
    status, out, _ = scene.osha.once()
    equal(status, 3, 'exit status of a pass that cannot place a server: ' + out)
    true('c1: held' in out, out)
    scene.assert_evacuated(except_for=[fat['c1']])
    scene.assert_listed_by_name([fat['c1']])
    cloud.nova('DELETE', '/servers/' + fat['c2'], raw=True)
    scene.before.pop(fat['c2'])
    wait_until(lambda: not world.guest_hosts(fat['c2']), 30, 'deletion')
    status, out, _ = scene.osha.once()
    equal(status, 0, 'exit status once there is room: ' + out)
    equal(cloud.server(fat['c1'])['OS-EXT-SRV-ATTR:host'], 'c2', 'host of the one that waited')
    scene.assert_evacuated(again=[fat['c1']])


@case(limit_s=240)
def case_target_dies_in_the_middle(world):
    """Its own recovery takes along what was on its way to it: a second call, allowed by a proof."""
    scene = Scene(world)
    scene.boot(c1=2, c2=1, c3=1)
    world.cloud.set_service('c10', status='disabled', disabled_reason='no target')
    world.proxy.clear()
    scene.watch()
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=60000)
    scene.machine.power_off()
    moving = wait_until(lambda: (lambda found: found if len(found) == 2 else None)(
        [m for m in world.cloud.migrations(source_compute='c1') if m['status'] == 'pre-migrating']),
        90, 'both on their way', 0.2)
    target = moving[0]['dest_compute']
    lost = sorted(m['instance_uuid'] for m in moving if m['dest_compute'] == target)
    world.machines[target].power_off()
    world.machines[target].knobs()
    scene.wait_row('fencing', target)
    for host in world.hosts:
        world.machines[host].knobs()
    scene.wait_row('recovered')
    scene.wait_row('recovered', target)
    after = {s['id']: s for s in world.cloud.servers()}
    for uuid in scene.ids() + scene.ids(target):
        equal(after[uuid]['status'], 'ACTIVE', 'status')
        home = after[uuid]['OS-EXT-SRV-ATTR:host']
        true(home not in ('c1', target), 'still on ' + home)
        equal(world.guest_hosts(uuid), {home}, 'guest')
    world.assert_single_evacuate_calls(allowed=lost)
    equal(sorted(u for u, n in scene.calls().items() if n > 1), lost, 'repeated calls')
    equal(len(scene.offs(target)), 1, 'power-offs of the target')


@case(limit_s=240)
def case_spawn_fails_then_works(world):
    """Nova's ERROR after a failed spawn is retried with a pause, and ends in the wanted state."""
    scene = Scene(world)
    scene.boot(c1=2, c10=1)
    scene.watch()
    for host in world.hosts:
        world.machines[host].knobs(spawn_fail=True)
    scene.machine.power_off()
    wait_until(lambda: [m for m in world.cloud.migrations(source_compute='c1')
                        if m['status'] == 'failed'], 90, 'a failed evacuation', 0.2)
    for host in world.hosts:
        world.machines[host].knobs()
    scene.wait_row('recovered')
    scene.assert_evacuated(again=scene.ids())


@case(limit_s=240)
def case_stuck_evacuation_is_held(world):
    """Its target hangs for ever: it may run there, so it is held by name and never called again."""
    scene = Scene(world, evacuation={'stuck-after': '10s'})
    scene.boot(c1=1, c10=1)
    scene.watch()
    for host in world.hosts:
        world.machines[host].knobs(spawn_delay_ms=120000)
    scene.machine.power_off()
    scene.wait_held()
    scene.assert_listed_by_name(scene.ids())
    equal(scene.calls(), {scene.ids()[0]: 1}, 'calls')
    scene.wait_again_held()
    equal(scene.calls(), {scene.ids()[0]: 1}, 'calls after another try')
    offs = len(scene.offs())
    scene.machine.power_on(with_compute=False)
    scene.wait_offs(offs + 1)
    for host in world.hosts:
        world.machines[host].knobs()
    scene.wait_row('recovered')
    scene.assert_evacuated()


@case(limit_s=240)
def case_hazards_of_nova(world):
    """A strict affinity group fits nowhere, ever: held by name. A stop that was sent to the dead
    host leaves a task state: evacuated all the same. One that its owner deletes meanwhile: gone."""
    scene = Scene(world, evacuation={'attempts': 2, 'per-host': 1})
    cloud = world.cloud
    group = cloud.nova('POST', '/os-server-groups', {'server_group': {
        'name': 'together', 'policy': 'affinity'}})['server_group']['id']
    bound = cloud.boot('bound', 'c1', hints={'group': group})[0]['id']
    scene.boot(c1=3, c2=1)
    stopping, deleted = [i for i in scene.ids() if i != bound][:2]
    scene.watch()
    scene.machine.power_off()
    equal(cloud.action(stopping, 'os-stop')[0], 202, 'stop')
    equal(cloud.server(stopping)['OS-EXT-STS:task_state'], 'powering-off', 'task')
    scene.wait_row('disabling')
    cloud.nova('DELETE', '/servers/' + deleted, raw=True)
    scene.wait_held()
    scene.before.pop(deleted)
    scene.assert_evacuated(except_for=[bound])
    scene.assert_listed_by_name([bound])
    true('No valid host' in cloud.server(bound)['fault']['message'], 'fault')
    equal(world.guest_hosts(bound), set(), 'guest of the bound one')
