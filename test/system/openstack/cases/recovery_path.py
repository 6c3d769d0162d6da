# SPDX-License-Identifier: Apache-2.0
"""The whole way of a recovery on a real Nova: a host loses its power and is taken back later."""
from case_marks import case, equal, true
from recovery_scene import Scene
from tenants import ADMIN_MAIL, mail_of


def assert_mails(world, scene):
    """Each affected user is told of failure and recovery, once, of the own servers alone."""
    for person, other in (('alice', 'bob'), ('bob', 'alice')):
        mails = world.mail.wait_to(mail_of(person), 2)
        equal(len(mails), 2, 'mails to ' + person)
        for mail in mails:
            text = mail.part() + mail.part('html')
            for uuid in scene.ids():
                name = scene.before[uuid]['name']
                equal(name in text, name.startswith(person), '%s in a mail to %s' % (name, person))
            true(other not in text, 'the other user in a mail to ' + person)
    world.mail.wait_to(ADMIN_MAIL, 2)


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
    true('alert degraded/' not in scene.osha.log(), 'a dead host was told as a degraded one')
    assert_mails(world, scene)
    equal(world.cloud.service('c10')['status'], 'enabled', 'c10')
    true('c1' in world.cloud.services('nova-scheduler'), 'scheduler of c1')
    scene.take_back()
