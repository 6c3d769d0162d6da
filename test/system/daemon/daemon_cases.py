# SPDX-License-Identifier: Apache-2.0
"""What oshad promises, against the cloud look-alike. A case is a function named case_*; its first line of documentation is its name in the report."""
import email
import email.policy
import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import time

from daemon_bed import AGENTS, BUILD, Bed, Skip, until


def recover(bed, daemon, host):
    """Cut the power of a host and wait until it is recovered."""
    was = bed.instances(host)
    assert was, f'no instance on {host}'
    bed.power(host)
    daemon.wait(rf'{host} verifying -> recovered')
    return was


def watching(bed):
    """A daemon that has read each fence device while its host lived."""
    bed.learn()
    daemon = bed.start()
    daemon.wait('watching')
    return daemon


def case_whole_way():
    """a dead host is fenced with proof, evacuated, and taken back when it returns"""
    with Bed() as bed:
        others = {i['uuid']: i['host'] for i in bed.instances() if i['host'] != 'compute-2'}
        daemon = watching(bed)
        was = recover(bed, daemon, 'compute-2')
        bed.check_recovered('compute-2', was)
        assert bed.power_of('compute-2') == 'off'
        now = {i['uuid']: i['host'] for i in bed.instances()}
        assert all(now[u] == h for u, h in others.items()), 'an instance of another host was moved'
        service = bed.service('compute-2')
        assert service['forced_down'] and service['status'] == 'disabled' and 'osha recovery' in service['disabled_reason'], service
        bed.power('compute-2', 'on')
        daemon.wait('compute-2 enabling -> re-enabled')
        service = bed.service('compute-2')
        assert not service['forced_down'] and service['status'] == 'enabled', service
        assert daemon.stop() == 0
        bed.check_single()


def case_nothing_failed():
    """--once with nothing down prints exactly that and exits 0"""
    with Bed() as bed:
        assert bed.once()[:2] == (0, 'No failed nodes\n')


def case_once_recovers():
    """--once finds a host that was dead at its start, and exits 0 when it is recovered"""
    with Bed() as bed:
        bed.learn()
        was = bed.instances('compute-3')
        bed.power('compute-3')
        bed.down('compute-3')
        status, out, daemon = bed.once()
        assert status == 0 and 'compute-3: recovered' in out, (status, out)
        bed.check_recovered('compute-3', was)
        status, out, _ = bed.once()
        assert status == 0 and 'compute-3: recovered' in out, (status, out)


def case_unknown_device():
    """a host whose fence device was never read while it lived is held, exit status 3"""
    with Bed() as bed:
        bed.power('compute-1')
        bed.down('compute-1')
        status, out, _ = bed.once()
        assert status == 3 and 'compute-1: held' in out, (status, out)
        bed.check_untouched()


def case_dry_run():
    """--dry-run says what would be done, with the evidence, and changes nothing"""
    with Bed() as bed:
        bed.learn()

        def journal():
            with open(bed.dir + '/state/journal.db', 'rb') as f:
                return hashlib.sha256(f.read()).hexdigest()

        before = journal()
        bed.power('compute-1')
        bed.down('compute-1')
        status, out, _ = bed.once('--dry-run')
        assert status == 3, (status, out)
        assert all(f"would evacuate: {i['uuid']} (active)" in out for i in bed.instances('compute-1')), out
        assert re.search('would power off by device', out) and re.search('evidence: nova says dead', out) and re.search('probe says dead', out), out
        assert journal() == before, 'the journal changed'
        assert not bed.changes(), bed.changes()
        bed.check_untouched()


def case_second_daemon():
    """the second daemon on a journal says who holds it and exits 2"""
    with Bed() as bed:
        daemon = bed.start()
        daemon.wait('watching')
        status, _, second = bed.once()
        assert status == 2 and str(daemon.process.pid) in second.log(), (status, second.log())


def case_bmc_dead():
    """a device that does not answer holds the recovery, exit 3; once it answers the hold is tried again and works"""
    with Bed('fence_osha_ipmi', hold_retry='1s', status_timeout='2s', off_timeout='2s') as bed:
        bed.learn()
        was = bed.instances('compute-2')
        bed.post('bmc', host='compute-2', faults='dead')
        bed.power('compute-2')
        bed.down('compute-2')
        status, out, _ = bed.once()
        assert status == 3 and 'compute-2: held' in out, (status, out)
        assert not bed.stamps(), 'evacuated without proof'
        bed.post('bmc', host='compute-2', faults='none')
        daemon = bed.start()
        daemon.wait('compute-2 verifying -> recovered')
        bed.check_recovered('compute-2', was)


def case_stays_on():
    """a device that accepts off and stays on proves nothing: held, nothing evacuated"""
    with Bed('fence_osha_ipmi', hold_retry='60s') as bed:
        daemon = watching(bed)
        # the machine behind it is another one, which stays on whatever it is told
        bed.post('bmc', host='compute-2', faults='stays-on', plug='compute-3')
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> held: ')
        assert bed.power_of('compute-3') == 'on' and not bed.stamps()


STEPS = ('-> suspect', '-> confirming', '-> fencing', '-> proving', '-> forcing-down', '-> disabling', '-> listing', '-> evacuating', ' asking: ',
         ' calling: ', ' rebuilding: ', ' done: ', '-> verifying', '-> recovered')


def killed_at(step):
    with Bed() as bed:
        first = watching(bed)
        was = bed.instances('compute-2')
        bed.power('compute-2')
        first.wait(step)
        first.kill()
        status, out, _ = bed.once()
        assert status == 0 and 'compute-2: recovered' in out, (status, out)
        bed.check_recovered('compute-2', was)
        proven = bed.all_logs().split('-> forcing-down', 1)[1]
        assert '-> fencing' not in proven, 'powered off again after the proof'
        last = bed.start()
        bed.power('compute-2', 'on')
        last.wait('compute-2 enabling -> re-enabled')
        assert bed.power_of('compute-2') == 'on'
        bed.check_single()


for number, marker in enumerate(STEPS):
    def case(at=marker):
        killed_at(at)

    case.__doc__ = f'killed at "{marker.strip(" :")}" and started again, it finishes what it began'
    globals()[f'case_killed_{number:02d}'] = case


def case_compute_alone():
    """a crashed nova-compute on a healthy host is told, never fenced"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.post('compute', host='compute-1', state='down')
        daemon.wait('alert degraded/compute-1')
        bed.check_untouched()
        assert bed.power_of('compute-1') == 'on'


def case_all_silent():
    """when every host goes silent nothing is fenced"""
    with Bed() as bed:
        daemon = watching(bed)
        for host in bed.hosts:
            bed.power(host, 'hang')
        daemon.wait('-> held: .* of 4 hosts went silent')
        until('every host judged', lambda: len(re.findall('-> held: ', daemon.log())) >= 4)
        bed.check_untouched()
        for host in bed.hosts:
            bed.power(host, 'thaw')
        until('every host cleared', lambda: len(re.findall('-> cleared: ', daemon.log())) >= 4)
        bed.check_untouched()


def case_rack_without_power():
    """hosts that lose their power together are held as a mass failure, and recovered once their own devices have read off"""
    with Bed() as bed:
        daemon = watching(bed)
        dead = bed.hosts[:3]
        was = {host: bed.instances(host) for host in dead}
        for host in dead:
            bed.power(host)
        daemon.wait('-> held: 3 of 4 hosts went silent')
        for host in dead:
            daemon.wait(f'{host} held -> fencing: its fence device reads off')
        for host in dead:
            daemon.wait(f'{host} verifying -> recovered', 60)
            bed.check_recovered(host, was[host])


def case_api_away():
    """while the API is away nothing is fenced; a host that died meanwhile is found afterwards"""
    with Bed() as bed:
        daemon = watching(bed)
        was = bed.instances('compute-4')
        bed.post('api', state='refuse', for_ms=0)
        daemon.wait('monitor nova: ')
        bed.power('compute-4')
        daemon.wait('alert nova')
        assert '-> fencing' not in daemon.log()
        bed.post('api', state='up')
        daemon.wait('compute-4 verifying -> recovered')
        bed.check_recovered('compute-4', was)


def case_bus_away():
    """conductor and scheduler silent: the listing is worth nothing, nothing is fenced"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.post('service', name='bus', state='down')
        # a host that dies before the conductor's last report is old is rightly fenced: its own may be older by a second
        daemon.wait('monitor nova: .*(conductor|scheduler)')
        bed.power('compute-1')
        until('hosts go stale', lambda: bed.service('compute-2')['state'] == 'down')
        time.sleep(2)  # what is tested is that time passes
        bed.check_untouched()
        assert all(bed.power_of(h) == 'on' for h in bed.hosts[1:])


def case_disabled_host():
    """a host that an operator disabled is not fenced; its death is told"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.nova('PUT', '/os-services/' + bed.service('compute-1')['id'], {'status': 'disabled', 'disabled_reason': 'new disks'})
        daemon.wait('watching')
        bed.power('compute-1')
        daemon.wait('compute-1 .* -> abandoned: .*an operator disabled it')
        bed.check_untouched()
        daemon.stop()
        status, out, _ = bed.once()
        assert status == 3 and 'compute-1' in out, (status, out)


def case_operator_forced_down():
    """a host that an operator forced down is never taken for ours"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.power('compute-1')
        bed.nova('PUT', '/os-services/' + bed.service('compute-1')['id'], {'forced_down': True})
        daemon.wait('compute-1 .* -> abandoned: .*an operator forced it down')
        bed.check_untouched()


def case_bad_password():
    """a wrong password is exit status 4"""
    with Bed(cloud='cloudsim-wrong-password') as bed:
        status, out, daemon = bed.once()
        assert status == 4 and out == '', (status, out, daemon.log())


def case_no_cloud():
    """a cloud that does not answer is exit status 4"""
    with Bed() as bed:
        bed.post('api', state='refuse', for_ms=0)
        assert bed.once()[0] == 4


def case_config_errors():
    """a wrong configuration is exit status 2 and names file, line and option"""
    with Bed() as bed:
        with open(bed.config, encoding='utf-8') as f:
            text = f.read()
        line = next(n for n, row in enumerate(text.split('\n'), 1) if 'recheck-after' in row)
        with open(bed.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('recheck-after: 300ms', 'recheck-after: soon'))
        status, _, daemon = bed.once()
        assert status == 2 and re.search(rf'osha.yaml:{line}:\d+: verdict.recheck-after', daemon.log()), (status, daemon.log())
        bed.configure(parameters=AGENTS['fence_cloudsim'].format(control_port=1) + ', plugg: x')
        status, _, daemon = bed.once()
        assert status == 2 and re.search(r'osha.yaml:\d+:\d+: .*plugg', daemon.log()), (status, daemon.log())
        bed.configure(agent='fence_nobody')
        status, _, daemon = bed.once()
        assert status == 2 and 'fence_nobody' in daemon.log(), (status, daemon.log())
        for wrong in (['--config', '/nonexistent/osha.yaml'], [], ['--config', bed.config, '--what']):
            assert subprocess.run([os.path.join(BUILD, 'oshad'), *wrong], capture_output=True, timeout=20, check=False).returncode == 2, wrong


def case_version():
    """--version prints name and version"""
    out = subprocess.run([os.path.join(BUILD, 'oshad'), '--version'], capture_output=True, text=True, timeout=20, check=True).stdout
    assert re.fullmatch(r'oshad \d+\.\d+\.\d+\n', out), out


def case_reload():
    """SIGHUP takes the new configuration whole or not at all"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.configure(append='nonsense: 1\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait('reload: .* stays as it is')
        bed.configure(parameters=AGENTS['fence_cloudsim'].format(control_port=1) + ', plugg: x')
        daemon.process.send_signal(signal.SIGHUP)
        until('the second refusal', lambda: len(re.findall('stays as it is', daemon.log())) == 2)
        bed.configure(hold_retry='9s')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait('reload: the new configuration is in use')
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))
        assert daemon.stop() == 0


def agents_of(bed):
    """Fence agents that run for this bed, by the address that they were given a session for."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                line = f.read()
            with open(f'/proc/{pid}/status', encoding='utf-8') as f:
                parent = int(next(row for row in f if row.startswith('PPid:')).split()[1])
        except (OSError, StopIteration):
            continue
        if b'fence_osha_ipmi' in line or b'osha-launch' in line:
            found.append((int(pid), parent))
    mine = {d.process.pid for d in bed.daemons}
    launchers = {pid for pid, parent in found if parent in mine}
    return launchers | {pid for pid, parent in found if parent in launchers}


def case_stop_kills_children():
    """SIGTERM in the middle of a fence leaves no agent behind"""
    with Bed('fence_osha_ipmi') as bed:
        bed.configure(parameters=AGENTS['fence_osha_ipmi'].format(bmc_port=bed.ready['bmc_port']).replace('login_timeout: "2"', 'login_timeout: "25"'),
                      off_timeout='30s', status_timeout='20s')
        daemon = watching(bed)
        bed.post('bmc', host='compute-2', faults='dead')
        bed.power('compute-2')
        daemon.wait('compute-2 confirming -> fencing')
        children = until('an agent runs', lambda: agents_of(bed))
        assert daemon.stop() == 0
        until('the agents are gone', lambda: not any(os.path.exists(f'/proc/{pid}') and state_of(pid) != 'Z' for pid in children), 10)


def state_of(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            return f.read().rsplit(')', 1)[1].split()[0]
    except OSError:
        return 'Z'


def case_journal_full():
    """a journal that takes no records: nothing is started without one, admins are told; with room again it goes on"""
    with Bed() as bed:
        daemon = watching(bed)
        was = bed.instances('compute-2')
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        bed.power('compute-2')
        daemon.wait('alert store')
        bed.check_untouched()
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        daemon.wait('compute-2 verifying -> recovered')
        bed.check_recovered('compute-2', was)


def case_wrong_device():
    """a device that reads off while its host reports is another machine's: told, and the host cannot be fenced by it"""
    with Bed('fence_osha_ipmi') as bed:
        bed.power('compute-4')
        bed.post('bmc', host='compute-1', plug='compute-4')
        daemon = bed.start()
        daemon.wait('alert miswired/compute-1')
        bed.power('compute-1')
        daemon.wait('compute-1 .* -> held: ')
        assert not bed.stamps()


def case_lost_reply():
    """a reply to an evacuate call that was lost: no second call is made while one may be under way"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.post('fault', method='POST', path='*/action', effect='lost', count=1)
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))


def case_powered_on_meanwhile():
    """a host that somebody powers on before its evacuations ended is powered off again"""
    with Bed(sim={'rebuild-ms': '4000..5000'}) as bed:
        daemon = watching(bed)
        was = bed.instances('compute-2')
        bed.power('compute-2')
        daemon.wait(' rebuilding: ')
        bed.post('host', host='compute-2', autostart=False)
        bed.power('compute-2', 'on')
        daemon.wait('seen on')
        daemon.wait('compute-2 verifying -> recovered')
        assert bed.power_of('compute-2') == 'off'
        bed.check_recovered('compute-2', was)


def case_stood_still():
    """a daemon that stood still trusts nothing that it saw before: it looks again, and finishes"""
    with Bed() as bed:
        daemon = watching(bed)
        was = bed.instances('compute-2')
        bed.power('compute-2')
        daemon.wait('compute-2 suspect -> confirming')
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # what is tested is that time passes
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait('stood still')
        daemon.wait('compute-2 verifying -> recovered')
        bed.check_recovered('compute-2', was)


def case_patience():
    """an answer of 429 with Retry-After is obeyed: the step is tried again later, not at once"""
    with Bed() as bed:
        daemon = watching(bed)
        bed.post('fault', method='PUT', path='*/os-services/*', effect='status', status=429, retry_after_s=2, count=1)
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))
        puts = [r for r in bed.changes() if r['method'] == 'PUT']
        assert puts[0]['status'] == 429 and puts[1]['begin_us'] - puts[0]['end_us'] > 1900000, puts


def case_similar_names():
    """a host whose name begins another's is not taken for it"""
    with Bed(sim={'hosts': 11, 'instances': 22}) as bed:
        daemon = watching(bed)
        others = {i['uuid']: i['host'] for i in bed.instances('compute-10') + bed.instances('compute-11')}
        bed.check_recovered('compute-1', recover(bed, daemon, 'compute-1'))
        now = {i['uuid']: i['host'] for i in bed.instances()}
        assert others and all(now[u] == h for u, h in others.items())
        assert bed.service('compute-10')['status'] == 'enabled'


def case_second_level():
    """where the first fence level fails the second one is used"""
    level = """      - name: second
        agent: fence_cloudsim
        parameters: {{ip: 127.0.0.1, ipport: "{control_port}", plug: "{{host}}"}}
hosts:
"""
    with Bed('fence_osha_ipmi', off_timeout='2s', status_timeout='2s') as bed:
        with open(bed.config, encoding='utf-8') as f:
            text = f.read()
        with open(bed.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('hosts:\n  compute', level.format(control_port=bed.control_port) + '  compute', 1))
        daemon = watching(bed)
        bed.post('bmc', host='compute-2', faults='dead')
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))
        assert daemon.sees('proven dead: second read off'), 'by another device'


def case_target_dies():
    """a host that dies while instances are on their way to it: they are moved on, each ends once, elsewhere"""
    with Bed(sim={'rebuild-ms': '3000..4000'}) as bed:
        daemon = watching(bed)
        was = bed.instances('compute-1')
        bed.power('compute-1')
        daemon.wait(' rebuilding: ')
        # one that no target has taken up yet would be held by name: nobody knows where it is
        going = until('targets have taken all of them up', lambda: (s := bed.stamps()) and len(s) == len(was) and all(m['dest'] for m in s) and s)
        target = going[0]['dest']
        more = bed.instances(target)
        bed.power(target)
        daemon.wait(f'{target} verifying -> recovered')
        daemon.wait('compute-1 verifying -> recovered')
        now = {i['uuid']: i for i in bed.instances()}
        for i in was + more:
            assert now[i['uuid']]['host'] not in ('compute-1', target) and now[i['uuid']]['vm_state'] == 'active', now[i['uuid']]
        bed.check_single()


def case_unprobed():
    """without a probe address a host is held, unless its segment accepts a single source"""
    with Bed() as bed:
        hosts = ''.join(f'  {h}: {{unprobed: true}}\n' for h in bed.hosts)
        bed.configure(hosts_text=hosts)
        bed.learn()
        was = bed.instances('compute-2')
        bed.power('compute-2')
        bed.down('compute-2')
        status, out, _ = bed.once()
        assert status == 3 and 'compute-2: held' in out, (status, out)
        bed.check_untouched()
        with open(bed.config, encoding='utf-8') as f:
            text = f.read()
        with open(bed.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('hosts: ["*"]\n', 'hosts: ["*"]\n    single-source: accepted\n'))
        status, out, _ = bed.once()
        assert status == 0 and 'compute-2: recovered' in out, (status, out)
        bed.check_recovered('compute-2', was)


def case_stopped_instance():
    """a stopped instance ends stopped on another host"""
    with Bed() as bed:
        daemon = watching(bed)
        stopped = bed.instances('compute-2')[0]['uuid']
        bed.nova('POST', f'/servers/{stopped}/action', {'os-stop': None})
        until('stopped', lambda: next(i for i in bed.instances() if i['uuid'] == stopped)['vm_state'] == 'stopped')
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))


def case_unplaceable():
    """an instance that Nova cannot place is listed by name and holds the recovery; with capacity again it is recovered"""
    with Bed() as bed:
        daemon = watching(bed)
        was = bed.instances('compute-2')
        bed.post('instance', id=was[0]['uuid'], unplaceable=True)
        bed.power('compute-2')
        daemon.wait('compute-2 verifying -> held: 1 of 2 instances')
        assert re.search(rf"instance {was[0]['uuid']} refused: \S+", daemon.log())
        bed.post('instance', id=was[0]['uuid'], unplaceable=False)
        daemon.wait('compute-2 verifying -> recovered')
        now = {i['uuid']: i for i in bed.instances()}
        assert all(now[i['uuid']]['host'] != 'compute-2' and now[i['uuid']]['vm_state'] == 'active' for i in was), now
        bed.check_single()


def case_packaged_agents():
    """fence_dummy and fence_ipmilan of Debian's fence-agents, unmodified"""
    for agent in ('fence_ipmilan', 'fence_dummy'):
        if not os.path.exists(f'/usr/sbin/{agent}'):
            raise Skip(f'{agent} is not installed')
    with Bed('fence_ipmilan', off_timeout='20s', status_timeout='10s', sim={'hosts': 3, 'instances': 6}) as bed:
        daemon = watching(bed)
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))
        daemon.stop()
    with Bed('fence_dummy', off_timeout='20s', status_timeout='10s', sim={'hosts': 3, 'instances': 6}) as bed:
        for host in bed.hosts:
            with open(f'{bed.dir}/{host}.power', 'w', encoding='utf-8') as f:
                f.write('on')
        daemon = watching(bed)
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))


def case_mails():
    """a pass tells the affected users and the administrators before it ends; nobody else"""
    with Bed() as bed:
        bed.configure(append=bed.mail())
        bed.learn()
        was = bed.instances('compute-2')
        bed.power('compute-2')
        bed.down('compute-2')
        status, out, _ = bed.once()
        assert status == 0, (status, out)
        bed.check_recovered('compute-2', was)
        to = [address for mail in bed.control('GET', 'mails')['mails'] for address in mail['to']]
        assert to.count('ops@example.com') == 2 and 'gone@example.com' not in to, to
        assert any(address.startswith('owner-') for address in to), to


def case_maintenance():
    """a host in maintenance is not fenced; taken out of it, it is recovered"""
    with Bed() as bed:
        daemon = watching(bed)
        assert bed.osha('maintenance', 'compute-1', 'on')[0] == 0
        bed.power('compute-1')
        daemon.wait('compute-1 .* -> abandoned: .*it is in maintenance')
        bed.check_untouched()
        bed.power('compute-1', 'on')
        until('compute-1 reports again', lambda: bed.service('compute-1')['state'] == 'up')
        assert bed.osha('maintenance', 'compute-1', 'off')[0] == 0
        bed.check_recovered('compute-1', recover(bed, daemon, 'compute-1'))


def case_mode_ask():
    """a segment that asks: held until somebody approves; a release is no approval, and life ends it"""
    with Bed() as bed:
        bed.configure(append=bed.mail(), mode='ask')
        daemon = watching(bed)
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> held: asks first: would power off by device, .*osha approve ')
        ident = re.search(r'osha approve ([\w-]+)', daemon.log()).group(1)
        mail = until('the admins are told', lambda: bed.control('GET', 'mails')['mails'])
        assert len(mail) == 1 and mail[0]['to'] == ['ops@example.com'] and 'approval' in mail[0]['headers']['subject'], mail
        assert bed.osha('status')[0] == 3
        assert bed.osha('release', ident)[0] == 0
        until('it is held again', lambda: len(re.findall('-> held: asks first', daemon.log())) > 1)
        bed.check_untouched()
        bed.power('compute-2', 'on')
        daemon.wait('compute-2 .* -> cleared: ')
        until('it is up', lambda: bed.service('compute-2')['state'] == 'up')
        status, said = bed.osha('approve', ident)
        assert status in (2, 3) and ('no open recovery' in said or 'waits for no approval' in said), (status, said)
        was = bed.instances('compute-2')  # whoever was switched off is stopped now
        bed.power('compute-2')
        until('another one asks', lambda: len(set(re.findall(r'osha approve ([\w-]+)', daemon.log()))) == 2)
        ident = re.findall(r'osha approve ([\w-]+)', daemon.log())[-1]
        status, said = bed.osha('approve', ident)
        assert status == 0 and 'approved' in said, (status, said)
        daemon.kill()  # what was confirmed is in the journal
        bed.check_single()
        daemon = bed.start()
        daemon.wait('compute-2 verifying -> recovered')
        bed.check_recovered('compute-2', was)
        status, said = bed.osha('approve', ident)
        assert status == 3 and 'approved already' in said, (status, said)


def case_mode_observe():
    """a segment that only observes: told and written down, nothing touched, and what operators did instead is reported"""
    def deaths():
        return json.loads(bed.osha('--json', 'report', 'observed')[1])['deaths']
    with Bed() as bed:
        bed.configure(append=bed.mail(), mode='observe')
        daemon = watching(bed)
        was = bed.instances('compute-2')
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> abandoned: observed only: would power off by device, force down, disable, evacuate')
        mail = until('the admins are told', lambda: bed.control('GET', 'mails')['mails'])
        with open(os.path.join(bed.ready['mail']['dir'], mail[0]['file']), 'rb') as f:
            text = email.message_from_binary_file(f, policy=email.policy.default).get_body(['plain']).get_content()
        assert len(mail) == 1 and mail[0]['to'] == ['ops@example.com'] and all(i['uuid'] in text for i in was), (mail, text)
        assert 'only observes' in text and f'Instances on it: {len(was)}' in text and 'not Osha' not in text, text
        until('its device was read off', lambda: deaths()[0]['followed'] == 'found-off')
        status, said = bed.osha('confirm-dead', 'compute-2')
        assert status == 3 and 'only observes' in said, (status, said)
        bed.check_untouched()
        bed.nova('PUT', '/os-services/' + bed.service('compute-2')['id'], {'forced_down': True})
        death = until('the operator was seen', lambda: next((d for d in deaths() if d['followed'] == 'forced-down'), None))
        bed.nova('PUT', '/os-services/' + bed.service('compute-2')['id'], {'forced_down': False})
        bed.power('compute-2', 'on')
        death = until('its life was seen', lambda: next((d for d in deaths() if d['alive_at_ms']), None))
        assert death['would_act_at_ms'] <= death['forced_down_at_ms'] <= death['alive_at_ms'] and death['host'] == 'compute-2', death
        status, said = bed.osha('report', 'observed')
        assert status == 0 and 'an operator forced it down after' in said, said
        assert {i['uuid'] for i in bed.instances('compute-2')} == {i['uuid'] for i in was} and not bed.stamps()
        bed.configure(mode='automatic')
        assert bed.osha('reload')[0] == 0
        bed.check_recovered('compute-1', recover(bed, daemon, 'compute-1'))
        assert len(deaths()) == 1


def case_confirm_dead():
    """a host whose device is dead is held until an operator says that it is dead"""
    with Bed('fence_osha_ipmi', hold_retry='60s', off_timeout='2s', status_timeout='2s') as bed:
        daemon = watching(bed)
        was = bed.instances('compute-2')
        status, said = bed.osha('confirm-dead', 'compute-2')
        assert status != 0 and not daemon.sees('-> forcing-down'), (status, said)
        bed.post('bmc', host='compute-2', faults='dead')
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> held: ')
        assert not bed.stamps()
        status, said = bed.osha('confirm-dead', 'compute-2')
        assert status == 0, said
        daemon.wait('compute-2 verifying -> recovered')
        bed.check_recovered('compute-2', was)


def case_weather():
    """whatever the API answers, no host is fenced for it, and recovering works once it is over"""
    with Bed() as bed:
        daemon = watching(bed)
        weather = [{'effect': 'status', 'status': s} for s in (401, 403, 404, 409, 413, 429, 500, 503)]
        weather += [{'effect': e} for e in ('lost', 'drop', 'cut', 'endless', 'garbage', 'redirect')]
        for fault in weather:
            bed.post('fault', method='GET', path='*os-services*', count=2, **fault)
            until(f'{fault} was met twice', lambda: [f for f in bed.control('GET', 'faults')['faults'] if f['hits'] >= 2])
            bed.control('DELETE', 'faults')
        bed.post('tokens')
        bed.check_untouched()
        assert '-> suspect' not in daemon.log(), 'a host looked dead'
        for method, path in (('PUT', '*/os-services/*'), ('GET', '*/servers/detail*'), ('POST', '*/action'), ('GET', '*/os-migrations*')):
            bed.post('fault', method=method, path=path, effect='status', status=503, count=1)
        bed.check_recovered('compute-2', recover(bed, daemon, 'compute-2'))
