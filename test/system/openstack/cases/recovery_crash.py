# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed with -9 and started again: it finishes what it began and repeats nothing
that must not be repeated, which is a second evacuate call or a power-off after the proof."""
import re

from case_marks import case, equal, true
from recovery_scene import Scene

WAY_OUT = ('suspect', 'confirming', 'fencing', 'proving', 'forcing-down', 'disabling', 'listing',
           'evacuating', 'calling', 'rebuilding', 'done', 'verifying', 'recovered')
WAY_BACK = ('returning', 'cleaning', 'clearing-down', 'enabling')
INSTANCE_ROWS = ('calling', 'rebuilding', 'done')


def pattern_of(scene, row):
    """The log line of the host's row, or of any of its servers'."""
    if row in INSTANCE_ROWS:
        return r' instance \S+ %s: ' % row
    return r': %s \S+ -> %s: ' % (re.escape(scene.host), row)


def kill_and_restart(scene):
    scene.osha.kill9()
    scene.osha.start()


def forced_down_at(scene):
    """When Nova was first told that the host is down; there is a proof from then on."""
    return scene.world.proxy.log('PUT', '/os-services/', '"forced_down":true')[0]['at']


@case(limit_s=300)
def case_killed_at_every_step(world):
    """One recovery and one way back with a kill at the entry of each step."""
    scene = Scene(world)
    scene.boot(c1=4, c2=1, c10=1)
    scene.watch()
    scene.machine.power_off()
    for row in WAY_OUT:
        scene.osha.wait_log(pattern_of(scene, row), 120, 0.005)
        kill_and_restart(scene)
    scene.wait_recovered()
    true(all(at < forced_down_at(scene) for at in scene.offs()), 'power-off after the proof')
    scene.assert_fenced_for_good(offs=None)
    scene.assert_evacuated()
    offs = len(scene.offs())
    scene.machine.power_on()
    for row in WAY_BACK:
        scene.osha.wait_log(pattern_of(scene, row), 120, 0.005)
        kill_and_restart(scene)
    scene.osha.wait_log('watching: ')
    scene.wait_back()
    scene.assert_taken_back(offs)
    equal(scene.osha.once()[:2], (2, ''), 'a second daemon beside the first')


def held_up(method, body, seconds=4):
    """Rule: Nova does what the first such request says, the answer comes late."""
    return {'method': method, 'body': body, 'times': 1, 'do': 'delay-reply', 'seconds': seconds}


def kill_at_request(scene, method, body):
    scene.world.proxy.wait_seen(method, None, body, timeout_s=120)
    kill_and_restart(scene)


@case(limit_s=300)
def case_killed_while_each_answer_is_awaited(world):
    """The operation has reached its goal, its answer has not: each is under way at the kill."""
    scene = Scene(world)
    scene.boot(c1=3, c10=1)
    world.proxy.rules(*[held_up(method, body) for method, body in (
        ('PUT', '"forced_down":true'), ('PUT', '"disabled"'), ('POST', '"evacuate"'),
        ('PUT', '"forced_down":false'), ('PUT', '"enabled"'))])
    scene.watch()
    scene.machine.bmc_mode(off_delay_s=2)
    scene.machine.hang()
    world.wait_power_call('c1', '0', 120)
    kill_and_restart(scene)
    for method, body in (('PUT', '"forced_down":true'), ('PUT', '"disabled"'),
                         ('POST', '"evacuate"')):
        kill_at_request(scene, method, body)
    scene.machine.bmc_mode()
    scene.wait_row('recovered')
    true(all(at < forced_down_at(scene) for at in scene.offs()), 'power-off after the proof')
    scene.assert_fenced_for_good(offs=None)
    scene.assert_evacuated()
    offs = len(scene.offs())
    scene.machine.power_on()
    for method, body in (('PUT', '"forced_down":false'), ('PUT', '"enabled"')):
        kill_at_request(scene, method, body)
    scene.wait_row('re-enabled')
    scene.assert_taken_back(offs)
