# SPDX-License-Identifier: Apache-2.0
"""The whole way of a recovery on a real Nova: a host loses its power and is taken back later."""
from case_marks import case, equal, true
from recovery_scene import Scene


@case(limit_s=240)
def case_power_loss_and_return(world):
    """20 servers, 7 of them on the dead host and one of these stopped. c10 sounds like c1 and is
    left alone; a scheduler runs under the dead host's name too."""
    scene = Scene(world)
    world.rig.control.start_extra_scheduler('c1')
    scene.boot(c1=7, c2=4, c3=4, c10=5)
    stopped = scene.ids()[0]
    world.cloud.action(stopped, 'os-stop')
    world.cloud.wait_server(stopped, 'SHUTOFF')
    scene.note()
    scene.watch()
    scene.machine.power_off()
    scene.wait_row('recovered')
    scene.assert_fenced_for_good()
    scene.assert_evacuated()
    equal(world.cloud.service('c10')['status'], 'enabled', 'c10')
    true('c1' in world.cloud.services('nova-scheduler'), 'scheduler of c1')
    scene.take_back()
