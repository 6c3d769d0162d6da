# SPDX-License-Identifier: Apache-2.0
"""Weather that does not fit into a row. A case is a function named case_*; its first line of documentation is its name in the report."""
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import time

from weather_bed import Death, Weather, passes, until
from daemon_bed import BUILD

LONG = {'rebuild-ms': '1500..2000'}


def die(bed, daemon, *hosts):
    deaths = [Death(bed, daemon, host) for host in hosts]
    for host in hosts:
        bed.power(host)
    return deaths


def all_well(bed, deaths):
    for death in deaths:
        death.recovered()
    for death in deaths:
        death.check()
        death.check_once()
    bed.check_secrets()


def blind_start(bed, said):
    """A pass that cannot ask the cloud: exit status 4, with the reason, and nothing done."""
    status, out, daemon = bed.once()
    assert (status, out) == (4, ''), (status, out, daemon.log())
    assert re.search(said, daemon.log(), re.IGNORECASE), daemon.log()
    assert not bed.stamps() and not bed.changes()
    bed.check_secrets()


def case_wrong_password():
    """a wrong password ends a pass with 4 and is named without being shown"""
    with Weather(cloud='cloudsim-wrong-password') as bed:
        blind_start(bed, r'could not be asked: .*(authentication|401|credentials)')


def case_password_mended():
    """with a wrong password the daemon lives on, fences nothing, and works once the right one is there"""
    with Weather() as bed:
        bed.learn()
        bed.configure(cloud='cloudsim-wrong-password')
        daemon = bed.start()
        daemon.wait('monitor nova: ')
        death, = die(bed, daemon, 'compute-1')
        passes(2.8)
        death.untouched()
        bed.configure()
        daemon.process.send_signal(1)
        all_well(bed, [death])


def case_no_rights():
    """an account without administrator's rights ends a pass with 4"""
    with Weather(cloud='cloudsim-tenant') as bed:
        blind_start(bed, r'could not be asked: .*(polic|403|right|admin)')


def logins(bed):
    return sum(r['status'] == 201 and 'auth/tokens' in r['target'] for r in bed.control('GET', 'log')['requests'])


def case_token_expired():
    """tokens that expire in the middle of a recovery are renewed; nothing is held"""
    with Weather(LONG) as bed:
        daemon = bed.watching()
        death, = die(bed, daemon, 'compute-1')
        for line in ('-> forcing-down', '-> listing', ' calling: ', ' rebuilding: '):
            death.wait(line)
            had = logins(bed)
            bed.post('tokens')
            until('a new token', lambda: logins(bed) > had)  # one end of life at a time: two within one call are a refusal
        all_well(bed, [death])
        assert not death.held(), death.held()


def case_token_short():
    """tokens that live for a second are enough"""
    with Weather({'token-ttl-ms': 1000}) as bed:
        daemon = bed.watching()
        all_well(bed, die(bed, daemon, 'compute-1'))


def certificate(directory, name, ip='127.0.0.1'):
    cert, key = f'{directory}/{name}.pem', f'{directory}/{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=IP:{ip}', '-keyout', key, '-out', cert], check=True, capture_output=True, timeout=60)
    return cert, key


def secure_bed(directory, ip='127.0.0.1'):
    cert, key = certificate(directory, 'cloud', ip)
    return Weather({'tls-cert': cert, 'tls-key': key})


def clouds_edit(bed, before, after):
    with open(bed.ready['clouds_yaml'], encoding='utf-8') as f:
        text = f.read()
    assert before in text, before
    with open(bed.ready['clouds_yaml'], 'w', encoding='utf-8') as f:
        f.write(text.replace(before, after))


def in_directory(case):
    """The case gets a directory of its own for certificates."""
    def run():
        directory = subprocess.run(['mktemp', '-d'], check=True, capture_output=True, text=True, timeout=10).stdout.strip()
        try:
            case(directory)
        finally:
            shutil.rmtree(directory)
    run.__name__, run.__doc__ = case.__name__, case.__doc__
    return run


@in_directory
def case_certificate_trusted(directory):
    """with the certificate named under cacert a host is recovered over TLS"""
    with secure_bed(directory) as bed:
        daemon = bed.watching()
        all_well(bed, die(bed, daemon, 'compute-1'))


@in_directory
def case_certificate_unknown(directory):
    """a certificate of an unknown authority: exit status 4 and a clear reason; nothing is sent"""
    with secure_bed(directory) as bed:
        other, _ = certificate(directory, 'other')
        clouds_edit(bed, f'cacert: {directory}/cloud.pem', f'cacert: {other}')
        blind_start(bed, r'could not be asked: .*certificate')
        assert not bed.control('GET', 'log')['requests'], 'something was sent'


@in_directory
def case_certificate_other_name(directory):
    """a certificate for another address: exit status 4 and a clear reason"""
    with secure_bed(directory, '192.0.2.1') as bed:
        blind_start(bed, r'could not be asked: .*(certificate|name|alternative)')


@in_directory
def case_certificate_missing(directory):
    """a cacert that is not there is a configuration error"""
    with secure_bed(directory) as bed:
        clouds_edit(bed, f'cacert: {directory}/cloud.pem', f'cacert: {directory}/nowhere.pem')
        status, out, daemon = bed.once()
        assert (status, out) == (2, '') and re.search(r'clouds.yaml:\d+:\d+: clouds.cloudsim.cacert', daemon.log()), (status, daemon.log())


def case_endpoint_missing():
    """no compute endpoint in the catalog: exit status 4, the reason names it; nothing is fenced"""
    with Weather() as bed:
        daemon = bed.watching()
        bed.post('service', name='compute-endpoint', state='down')
        blind_start_other = bed.dir + '/other'
        bed.configure(dir=blind_start_other)
        os.makedirs(blind_start_other)
        blind_start(bed, r'could not be asked: .*compute')
        bed.configure()
        bed.post('tokens')
        daemon.wait('monitor nova: .*compute')
        death, = die(bed, daemon, 'compute-1')
        passes(2.8)
        death.untouched()
        bed.post('service', name='compute-endpoint', state='up')
        all_well(bed, [death])


def case_region_missing():
    """a region that the catalog does not know: exit status 4, the reason names it"""
    with Weather() as bed:
        clouds_edit(bed, 'region_name: ', 'region_name: Atlantis-')
        blind_start(bed, r'could not be asked: .*Atlantis')


def case_two_hosts():
    """two hosts that die together are both recovered"""
    with Weather({'instances': 27}) as bed:
        daemon = bed.watching()
        all_well(bed, die(bed, daemon, 'compute-2', 'compute-3'))


def case_api_away_evacuating():
    """the API goes away for some seconds in the middle of evacuating: it goes on, each instance by one call"""
    with Weather({'instances': 27, **LONG}) as bed:
        daemon = bed.watching()
        death, = die(bed, daemon, 'compute-1')
        death.wait(' calling: ')
        bed.post('api', state='refuse', for_ms=4000)
        all_well(bed, [death])


def case_api_cut_evacuating():
    """for some seconds every answer of the API is cut or lost: it goes on, each instance by one call"""
    with Weather({'instances': 27, **LONG}) as bed:
        daemon = bed.watching()
        death, = die(bed, daemon, 'compute-1')
        death.wait('-> evacuating')
        bed.fault('', '*', 'lost', per_mille=400, for_ms=5000)
        bed.fault('', '*', 'cut', per_mille=400, for_ms=5000)
        all_well(bed, [death])


def room(daemon, size):
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def case_disk_full_evacuating():
    """the disk fills up while two hosts are evacuated: no call without its record, told by mail; with room again both are recovered"""
    with Weather({'instances': 45, **LONG}) as bed:
        mail = bed.ready['mail']
        bed.configure(append=f"notify: {{admins: [ops@example.com], users: false, email: {{server: {mail['host']}, port: {mail['port']}, tls: none, "
                             "from: osha@example.com}}\n")
        with open(bed.config, encoding='utf-8') as f:
            text = f.read()
        with open(bed.config, 'w', encoding='utf-8') as f:
            f.write(text.replace('evacuation: {', 'evacuation: {per-host: 2, '))
        daemon = bed.watching()
        deaths = die(bed, daemon, 'compute-1', 'compute-2')
        deaths[0].wait(' rebuilding: ')
        room(daemon, 1)
        daemon.wait('alert store')
        until('the administrators are told', lambda: any('store/alert' in json.dumps(m) for m in bed.control('GET', 'mails')['mails']))
        calls = len(bed.changes())
        passes(2.5)  # rebuilds end meanwhile, and others wait for their turn
        assert len(bed.changes()) == calls, 'something was called without a record'
        room(daemon, resource.RLIM_INFINITY)
        all_well(bed, deaths)


def case_disk_full_start():
    """without room for the journal the daemon does not start: exit status 1, and the reason names the file"""
    with Weather() as bed:
        run = subprocess.run(['prlimit', '--fsize=1', os.path.join(BUILD, 'oshad'), '--config', bed.config, '--once'], capture_output=True, text=True,
                             timeout=40, check=False, env=bed.environment)
        assert run.returncode == 1 and bed.dir + '/state/journal.db' in run.stderr, (run.returncode, run.stderr)
        assert not bed.changes()


def case_disk_full_once():
    """a pass whose journal takes no records ends with 1; nothing was done"""
    with Weather() as bed:
        bed.learn()
        bed.power('compute-1')
        passes(2.5)  # Nova calls it down by now
        daemon = bed.start('--once')
        daemon.wait('watching')
        room(daemon, 1)
        status, out = daemon.end()
        assert (status, out) == (1, '') and 'takes no records' in daemon.log(), (status, out)
        assert not re.search('fencing -> ', daemon.log()) and not bed.stamps() and not bed.changes()


def refuses(bed, said):
    """The daemon does not start, and says what is the matter with which file and what to do."""
    before = len(bed.changes())
    status, out, daemon = bed.once()
    assert (status, out) == (1, ''), (status, out, daemon.log())
    log = daemon.log()
    assert bed.dir + '/state/journal.db' in log and re.search(said, log), log
    assert len(bed.changes()) == before


def case_journal_damaged():
    """a damaged journal: no start, exit status 1, the reason names the file and what to do; moved aside, it works again"""
    with Weather() as bed:
        bed.learn()
        journal = bed.dir + '/state/journal.db'
        whole = subprocess.run(['cat', journal], check=True, capture_output=True, timeout=10).stdout
        for hurt in (b'not a database at all, only words\n' * 300, whole[:4096] + b'\xa5' * (len(whole) - 4096), whole[:len(whole) // 2]):
            for name in os.listdir(bed.dir + '/state'):
                os.remove(f'{bed.dir}/state/{name}')
            with open(journal, 'wb') as f:
                f.write(hurt)
            refuses(bed, 'move it aside')
            with open(journal, 'rb') as f:
                assert f.read() == hurt, 'the damaged journal was written to'
        for name in os.listdir(bed.dir + '/state'):
            os.rename(f'{bed.dir}/state/{name}', f'{bed.dir}/{name}')
        daemon = bed.watching()
        all_well(bed, die(bed, daemon, 'compute-1'))


def case_record_damaged():
    """one damaged record: no start, exit status 1, the reason names the file and the record"""
    with Weather() as bed:
        bed.learn()
        with sqlite3.connect(bed.dir + '/state/journal.db') as journal:
            journal.execute("UPDATE state SET record = zeroblob(length(record)) WHERE key LIKE '%compute-3%'")
        journal.close()
        refuses(bed, 'compute-3')


def case_journal_unreadable():
    """a journal that cannot be opened: no start, exit status 1, the reason names the file"""
    with Weather() as bed:
        os.makedirs(bed.dir + '/state/journal.db')
        refuses(bed, 'journal.db')


def case_journal_moved():
    """a journal that is moved away under the daemon: nothing is started, the reason names the file; put back, the host is recovered"""
    with Weather() as bed:
        daemon = bed.watching()
        journal = bed.dir + '/state/journal.db'
        os.rename(journal, journal + '.aside')
        death, = die(bed, daemon, 'compute-1')
        daemon.wait('alert store')
        assert re.search('journal.db was moved or deleted', daemon.log()), daemon.log()
        passes(1)
        death.untouched()
        assert not bed.changes() and not os.path.exists(journal)
        os.rename(journal + '.aside', journal)
        all_well(bed, [death])


def case_all_at_once():
    """a tenth of all answers is wrong in one way or another, all the time: every host that dies is recovered"""
    with Weather({'instances': 27, 'seed': 7}) as bed:
        daemon = bed.watching()
        for effect in ('drop', 'lost', 'cut', 'garbage', 'redirect'):
            bed.fault('', '*', effect, per_mille=20)
        for status in ('403', '404', '429', '500', '503'):
            bed.fault('', '*', 'status', status=int(status), per_mille=20)
        for host in ('compute-1', 'compute-2'):
            death, = die(bed, daemon, host)
            death.recovered(60)
            death.check()
        bed.check_secrets()


def case_slow():
    """every answer comes late, some later than anybody waits: the host is recovered, each instance by one call"""
    with Weather() as bed:
        daemon = bed.watching()
        bed.fault('POST', '*/servers/*/action', 'delay', delay_ms=3000, count=1)
        bed.fault('', '*', 'delay', delay_ms=300)
        begin = time.monotonic()
        death, = die(bed, daemon, 'compute-1')
        until('recovered', lambda: death.sees('compute-1 verifying -> recovered'), 60)
        assert time.monotonic() - begin > 1, 'it was not slow'
        bed.calm()
        all_well(bed, [death])
