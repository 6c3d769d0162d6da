#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""osha against oshad and the cloud look-alike, against a journal alone, and against sockets that do not behave. One argument: the build
directory. The last line is `N passed, N failed, N skipped`."""
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'daemon'))
os.environ['OSHA_BUILD'] = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else 'build')
from daemon_bed import BUILD, Bed, until  # noqa: E402

OSHA = os.path.join(BUILD, 'osha')
NOBODY = 65534
results = []


class Said:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f'exit {self.status}\n{self.out}{self.err}'


def osha(*arguments, **more):
    return Said(subprocess.run([OSHA, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more))


def on_terminal(columns, *arguments, environment=None):
    """What a terminal of so many columns is sent."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
    process = subprocess.Popen([OSHA, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
                               env={**os.environ, 'TERM': 'xterm', **(environment or {})})
    os.close(theirs)
    out = b''
    while True:
        try:
            chunk = os.read(mine, 65536)
        except OSError:  # the other side was closed
            break
        if not chunk:
            break
        out += chunk
    os.close(mine)
    process.wait()
    return out.decode()


def ask(path, line):
    """One line to a socket, its answer as JSON; None where the connection was ended instead."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        try:
            s.sendall(line if line.endswith(b'\n') else line + b'\n')
            answer = b''
            while not answer.endswith(b'\n'):
                chunk = s.recv(1 << 20)
                if not chunk:
                    return None
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):
            return None
    return json.loads(answer)


def watching(bed):
    """A daemon that sees all hosts up, and osha with its configuration."""
    def run(*words):
        return osha('--config', bed.config, *words)
    bed.learn()
    daemon = bed.start()
    daemon.wait('watching')
    until('all are up', lambda: '4 up' in run('status').out)
    return daemon, run


def all_read(answer):
    return answer if all(level['last_reading'] for host in answer['hosts'] for level in host['fence_levels']) else None


def case_asks_and_orders(bed, daemon, run):
    """questions and orders to a running daemon"""
    said = run('status')
    assert said.status == 0 and '4 hosts, 4 up' in said.out and 'No recovery is open' in said.out, said
    said = run('fence', 'test', 'compute-1')
    assert said.status == 0 and ' on ' in said.out, said
    until('every device has read on', lambda: all(h['fenceable'] for h in json.loads(run('--json', 'fence', 'status').out)['hosts']))
    answer = until('every device was read since the start', lambda: all_read(json.loads(run('--json', 'fence', 'status').out)))
    for host in answer['hosts']:
        read = host['fence_levels'][0]['last_reading']
        assert read['reads'] == 'on' and not read['reason'] and 0 <= answer['now_at_ms'] - read['read_at_ms'] < 60000, host
    assert '(last: on ' in run('fence', 'status').out
    said = run('maintenance', 'compute-4', 'on')
    assert said.status == 0 and '(uid ' in said.out, said
    host = json.loads(run('--json', 'explain', 'compute-4').out)['host']
    assert host['maintenance']['by'].endswith(f'(uid {os.getuid()})') and not host['fenceable'], host
    assert json.loads(run('--json', 'status').out)['hosts_n']['maintenance'] == 1
    assert run('maintenance', 'compute-4', 'off').status == 0
    for words, status, text in ((('maintenance', 'compute', 'on'), 2, 'no compute host is named exactly'), (('explain', 'compute'), 2, 'osha hosts'),
                                (('release', 'nope'), 2, 'no open recovery'), (('recovery', 'show', 'nope'), 2, 'knows no recovery'),
                                (('confirm-dead', 'compute-1'), 3, 'alive'), (('maintenance', 'compute-4', 'maybe'), 2, 'on or off'),
                                (('approve', 'nope'), 2, 'no open recovery'), (('approve',), 2, 'expected `osha approve ID`')):
        said = run(*words)
        assert said.status == status and text in said.err and not said.out, (words, said)
        said = run('--json', *words)
        assert said.status == status and json.loads(said.out)['status'] == status, (words, said)


def case_suspend_and_resume(bed, daemon, run):
    """suspended for a time, refused without one, shown by status and explain, there after a kill, resumed"""
    said = run('suspend', 'no end')
    assert said.status == 2 and '--for DURATION or --until TIME' in said.err and not said.out, said
    for words, text in ((('suspend', '--for', '2'), 'such as 90s'), (('suspend', '--until', 'noon'), 'such as 18:00'),
                        (('suspend', '--for', '1h', '--until', '18:00'), 'found both'), (('suspend', '--for', '1h', '--segment', 'nope'), 'no segment is named exactly'),
                        (('suspend', '--until', '2020-01-01 00:00'), 'still to come'), (('maintenance', 'compute-3', 'off', '--for', '1h'), 'behind on'),
                        (('maintenance', 'compute-3', 'on', '--until', 'resumed'), 'behind on')):
        said = run(*words)
        assert said.status == 2 and text in said.err and not said.out, (words, said)
    said = run('resume')
    assert said.status == 3 and 'not suspended' in said.err, said
    said = run('suspend', '--for', '2h', 'new switches')
    assert said.status == 0 and 'fencing of every host is suspended until 2' in said.out and '(uid ' in said.out, said
    said = run('status')
    assert said.status == 0 and 'SUSPENDED: every host, by ' in said.out and said.out.count('new switches') == 1, said
    host = json.loads(run('--json', 'explain', 'compute-3').out)['host']
    assert not host['fenceable'] and 'new switches' in host['not_fenceable_because'], host
    daemon.kill()
    kept = json.loads(run('--json', 'status').out)
    assert kept['source'] == 'journal' and kept['suspensions'][0]['by'].endswith(f'(uid {os.getuid()})'), kept
    assert 7100000 < kept['suspensions'][0]['until_at_ms'] - kept['suspensions'][0]['since_at_ms'] < 7203000, kept
    said = run('resume')
    assert said.status == 4 and 'start oshad' in said.err, said


def case_maintenance_survives(bed, daemon, run):
    """an order that was confirmed is in the journal, whatever happens to the daemon"""
    assert run('maintenance', 'compute-3', 'on').status == 0
    daemon.kill()
    said = run('fence', 'status')
    assert said.status == 0 and 'only a running daemon knows' in said.out and '(last: ' not in said.out, said
    said = run('--json', 'hosts')
    assert said.status == 0 and 'reading the journal' in said.err, said
    host = next(h for h in json.loads(said.out)['hosts'] if h['name'] == 'compute-3')
    assert host['maintenance'] and host['verdict'] == 'unknown', host
    said = run('maintenance', 'compute-3', 'off')
    assert said.status == 4 and 'start oshad' in said.err, said


def case_reloads(bed, daemon, run):
    """a reload tells its outcome and every error"""
    assert run('reload').status == 0
    with open(bed.config, encoding='utf-8') as f:
        good = f.read()
    with open(bed.config, 'a', encoding='utf-8') as f:
        f.write('bogus: 1\nlog: {to: nowhere}\n')
    said = run('reload')
    assert said.status == 2 and 'bogus' in said.err and 'nowhere' in said.err and 'stays as it is' in said.err, said
    assert len([p for p in json.loads(run('--json', 'reload').out)['problems'] if p['level'] == 'error']) == 2
    assert run('status').status == 0, 'a broken file must not hide the daemon'
    assert run('config', 'check').status == 2
    with open(bed.config, 'w', encoding='utf-8') as f:
        f.write(good)
    assert run('reload').status == 0 and run('config', 'check').status == 0


def case_checks_templates(bed, daemon, run):
    """config check tells of a wrong template what the daemon would, before the daemon does"""
    folder = bed.dir + '/templates'
    os.mkdir(folder)
    with open(bed.config, encoding='utf-8') as f:
        good = f.read()
    with open(bed.config, 'w', encoding='utf-8') as f:
        f.write(good + f'notify: {{email: {{templates: {folder}}}}}\n')
    assert run('config', 'check').status == 0
    with open(folder + '/admin-held.html', 'w', encoding='utf-8') as f:
        f.write('<p>\n{{hots}}\n')
    said, reloaded = run('config', 'check'), run('reload')
    assert said.status == 2 and f'{folder}/admin-held.html:2' in said.out and '{{hots}}' in said.out and '1 error' in said.out, said
    assert reloaded.status == 2 and next(line for line in said.out.splitlines() if 'hots' in line) in reloaded.err, (said, reloaded)
    problems = json.loads(run('--json', 'config', 'check').out)['problems']
    assert [p['line'] for p in problems if p['level'] == 'error'] == [2], problems
    os.rename(folder, folder + '-gone')
    said = run('config', 'check')
    assert said.status == 2 and 'expected a folder with templates' in said.out, said


def case_tells_a_recovery(bed, daemon, run):
    """a recovery, as the daemon and as the journal tell it"""
    bed.power('compute-2')
    daemon.wait('compute-2 verifying -> recovered')
    live = json.loads(run('--json', 'recoveries').out)['recoveries'][0]
    assert live['host'] == 'compute-2', live
    shown = json.loads(run('--json', 'recovery', 'show', live['id']).out)
    recovery = shown['recovery']
    assert recovery['state'] == 'recovered', 'the log is ahead of the journal'
    assert shown['source'] == 'daemon' and recovery['proof']['valid'], recovery
    assert recovery['instances'] and all(i['state'] == 'done' and i['destination'] != 'compute-2' for i in recovery['instances']), recovery
    cut = next(s for s in recovery['steps'] if s['state'] == 'fencing')
    assert sorted(e['monitor'] for e in cut['evidence']) == ['nova', 'probe'] and cut['weighed_at_ms'] <= cut['written_at_ms'], cut
    assert all(e['says'] == 'dead' and e['path'] and e['must_say_dead'] and
               recovery['opened_at_ms'] <= e['seen_at_ms'] <= cut['weighed_at_ms'] for e in cut['evidence']), cut
    times = recovery['timeline']
    order = [times[k + '_at_ms'] for k in ('suspect', 'confirmed', 'fenced', 'forced_down', 'evacuating', 'evacuated', 'recovered')]
    assert None not in order and order == sorted(order), times
    daemon.stop()
    said = run('recovery', 'show', live['id'])
    assert said.status == 0 and 'recovered' in said.out and 'reading the journal' in said.err, said
    assert 'Evidence' in said.out and 'asks it' in said.out, said
    again = json.loads(run('--json', '--state', bed.dir + '/state', 'recovery', 'show', live['id']).out)
    assert again['source'] == 'journal' and again['recovery']['steps'][:len(recovery['steps'])] == recovery['steps']
    assert live['id'] in run('recoveries', '--all').out


def case_held_and_confirmed_dead():
    """a held recovery ends status with 3; a release proves nothing; the operator's word does, under his name"""
    with Bed('fence_osha_ipmi', hold_retry='120s', status_timeout='2s', off_timeout='2s') as bed:
        daemon, run = watching(bed)
        bed.post('bmc', host='compute-2', faults='dead')
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> held: ')
        said = run('status')
        assert said.status == 3 and 'held' in said.out and 'osha recovery show' in said.out, said
        held = json.loads(run('--json', 'recoveries').out)['recoveries'][0]
        assert held['hold']['cause'] == 'fence-failed' and f"osha release {held['id']}" in held['hold']['release'], held
        said = run('fence', 'test', 'compute-2')
        assert said.status == 3 and 'unknown' in said.out, said
        read = next(h for h in json.loads(run('--json', 'fence', 'status').out)['hosts'] if h['name'] == 'compute-2')['fence_levels'][0]['last_reading']
        assert read['reads'] == 'unknown' and read['reason'], read
        seen = daemon.log().count('compute-2 ')
        assert run('release', held['id']).status == 0
        until('it was tried again and is held again', lambda: daemon.log().count('compute-2 ') > seen and run('status').status == 3)
        assert not json.loads(run('--json', 'recovery', 'show', held['id']).out)['recovery']['proof']
        assert not bed.stamps(), 'something was evacuated without a proof'
        said = run('confirm-dead', 'compute-2')
        assert said.status == 0 and held['id'] in said.out, said
        daemon.wait('compute-2 verifying -> recovered')
        proof = json.loads(run('--json', 'recovery', 'show', held['id']).out)['recovery']['proof']
        assert proof['kind'] == 'operator' and f'(uid {os.getuid()})' in proof['by'], proof
        assert run('confirm-dead', 'compute-2').status == 3 and run('status').status == 0
        bed.check_single()


def case_asked_and_approved():
    """a recovery that asks says which command answers it; whoever gives that is in the record, and nobody else may"""
    with Bed(mode='ask') as bed:
        daemon, run = watching(bed)
        assert ', asks first' in run('explain', 'compute-2').out and 'held until somebody approves' in run('explain', 'compute-2').out
        assert run('report', 'observed').out == 'No death was only observed.\n'
        bed.power('compute-2')
        daemon.wait('compute-2 .* -> held: ')
        held = json.loads(run('--json', 'recoveries').out)['recoveries'][0]
        assert held['hold']['cause'] == 'approval' and held['approval'] is None and held['observed'] is False, held
        command = next(w for w in held['hold']['release'].split('`') if w.startswith('osha approve '))
        assert run('status').status == 3 and command in run('recovery', 'show', held['id']).out
        answer = ask(bed.dir + '/osha.sock', json.dumps({'command': 'approve', 'recovery': 'x' * 300}).encode())
        assert answer['status'] == 2, answer
        said = run(*command.split()[1:])
        assert said.status == 0 and said.out.startswith(f"recovery {held['id']}: approved"), said
        said = run('--json', *command.split()[1:])
        assert said.status == 3 and 'approved already' in json.loads(said.out)['error'], said
        daemon.wait('compute-2 verifying -> recovered')
        approval = json.loads(run('--json', 'recovery', 'show', held['id']).out)['recovery']['approval']
        assert approval['by'].endswith(f'(uid {os.getuid()})') and approval['approved_at_ms'], approval
        assert '  approved  ' in run('recovery', 'show', held['id']).out
        bed.check_single()


def case_fits_the_terminal(bed, daemon, run):
    """80 and 120 columns, colours on a terminal and none with NO_COLOR"""
    for columns in (80, 120):
        for words in (('status',), ('explain', 'compute-1'), ('fence', 'status')):
            text = on_terminal(columns, '--config', bed.config, *words, environment={'NO_COLOR': '1'})
            assert '\033' not in text and text, words
            wide = [line for line in text.splitlines() if len(line) > columns and ' pid ' not in line]
            assert not wide, (columns, words, wide)
    assert '\033[' in on_terminal(80, '--config', bed.config, 'status')
    assert '\033' not in on_terminal(80, '--config', bed.config, 'status', environment={'TERM': 'dumb'})
    assert '\033' not in run('status').out


def case_bears_hostile_lines(bed, daemon, run):
    """lines that no osha sends are refused one by one, and the daemon lives on"""
    path = bed.dir + '/osha.sock'
    wrong = [b'', b'x', b'[]', b'1', b'null', b'{}', b'{"command":1}', b'{"command":"off"}', b'{"command":"status"} x', b'{"command":"status","x":1}',
             b'{"command":"status","command":"hosts"}', b'{"command":"explain"}', b'{"command":"explain","host":1}', b'{"command":"explain","host":""}',
             b'{"command":"maintenance","host":"compute-1","on":"yes"}', b'{"command":"maintenance","host":"compute-1","host":"compute-2","on":true}',
             b'{"command":"fence-test","host":"compute-1","action":"off"}', b'\xff\xfe', b'[' * 5000, b'{"command":"explain","host":"' + b'x' * 300 + b'"}',
             b'{"command":"explain","host":"\\u001b[31m"}', b'{"command":"status","pad":"' + b'x' * 70000 + b'"}']
    for line in wrong:
        answer = ask(path, line)
        assert answer and answer['ok'] is False and answer['status'] == 2 and answer['error'], (line[:80], answer)
    assert ask(path, b'x' * (3 << 20)) is None, 'a line without end'
    clients = []
    for _ in range(100):  # more than may come; those who say nothing keep nobody out for good
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
        except OSError:
            pass
        clients.append(s)
    for s in clients:
        s.close()
    until('it answers again', lambda: run('status').status == 0)
    answer = ask(path, b'{"command":"maintenance","host":"compute-1","on":true,"login":"a\\u001b[31m b/c, and a name without any end"}')
    assert answer['ok'], answer
    by = json.loads(run('--json', 'explain', 'compute-1').out)['host']['maintenance']['by']
    assert by == f'a??31m?b?c??and?a?name? (uid {os.getuid()})', by
    assert daemon.process.poll() is None and 'reply' not in daemon.log()


def case_orders_from_the_trusted(bed, daemon, run):
    """whoever may open the socket may ask; only root, the daemon's user and the socket's group may order"""
    if os.getuid() != 0:
        return
    path = bed.dir + '/osha.sock'
    assert os.stat(path).st_mode & 0o777 == 0o660, oct(os.stat(path).st_mode)
    os.chmod(bed.dir, 0o755)

    def stranger(*words, groups=()):
        return osha('--socket', path, *words, user=NOBODY, group=NOBODY, extra_groups=list(groups))
    said = stranger('status')
    assert said.status == 4 and 'may not open' in said.err, said
    os.chmod(path, 0o666)
    assert stranger('status').status == 0 and stranger('explain', 'compute-1').status == 0
    for words in (('maintenance', 'compute-1', 'on'), ('reload',), ('release', 'x'), ('confirm-dead', 'compute-1'), ('fence', 'test', 'compute-1')):
        said = stranger(*words)
        assert said.status == 3 and 'may ask but not order' in said.err, (words, said)
    os.chown(path, 0, 4242)
    said = stranger('maintenance', 'compute-1', 'on', groups=(4242,))
    assert said.status == 0 and f'(uid {NOBODY})' in said.out, said
    assert stranger('maintenance', 'compute-1', 'off').status == 3


def case_misbehaving_daemon():
    """a socket that answers nonsense, hangs up, or sends terminal codes"""
    with tempfile.TemporaryDirectory(prefix='osha-ctl-') as place:
        path = place + '/s'
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        answers = [(b'nonsense\n', 4), (b'', 4), (b'{"ok":', 4), (b'[]\n', 1), (b'{"ok":false}\n', 1), (b'{"ok":false,"status":77,"error":"\\u001b[2Jx"}\n', 1),
                   (b'{"ok":true,"recoveries":[{"id":"\\u001b[31m"}]}\n', 0), (b'{"ok":true,"recoveries":7}\n', 0)]

        def serve():
            for answer, _ in answers:
                client, _ = server.accept()
                client.recv(65536)
                client.sendall(answer)
                client.close()
        threading.Thread(target=serve, daemon=True).start()
        for answer, status in answers:
            said = osha('--socket', path, 'recoveries')
            assert said.status == status and '\033' not in said.out + said.err, (answer, said)
            assert status == 0 or said.err.startswith('osha: '), (answer, said)
        server.close()
        said = osha('--socket', path, '--state', place, 'status')
        assert said.status == 4 and 'there is no journal at' in said.err, said
        with open(place + '/journal.db', 'wb') as f:
            f.write(b'not a journal')
        said = osha('--state', place, 'status')
        assert said.status in (1, 2) and 'journal' in said.err, said
        assert osha('--config', place + '/none.yaml', 'status').status == 2
        assert osha('--version').out.startswith('osha ') and osha('help').status == 0 and osha('help', 'fence', 'test').status == 0
        assert osha('config', 'sample').out and osha('config', 'explain', 'evacuation.per-host').status == 0
        assert osha('config', 'explain', 'evacuation.per-hosts').status == 2
        assert subprocess.run(f'{OSHA} help >/dev/full', shell=True, stderr=subprocess.DEVNULL).returncode == 1


def run_case(case):
    try:
        if not case.__code__.co_argcount:
            case()
        else:
            with Bed() as bed:
                case(bed, *watching(bed))
        return None
    except Exception:  # a case may fail in any way
        return traceback.format_exc()


def main():
    cases = [(name, case) for name, case in globals().items() if name.startswith('case_') and all(w in name for w in sys.argv[2:])]
    failed = 0
    for name, case in cases:
        why = run_case(case)
        failed += why is not None
        print(f"{'FAILED' if why else 'ok':6} {name}: {case.__doc__}", flush=True)
        if why:
            print(why, flush=True)
    print(f'{len(cases) - failed} passed, {failed} failed, 0 skipped')
    return 1 if failed or not cases else 0


sys.exit(main())
