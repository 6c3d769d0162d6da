#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The fence agents against real and simulated devices.

run_fence.py BUILD_FOLDER [WORD]   WORD: only cases whose name holds it
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import bmcs
from cases import Run, Skip, add_case, case, run_all

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
IPMI = os.path.join(BUILD, "fence_osha_ipmi")
LIBVIRT = os.path.join(BUILD, "fence_osha_libvirt")
WORK = tempfile.mkdtemp(prefix="osha-fence-")
ACTIONS = {"on", "off", "reboot", "status", "monitor", "metadata", "validate-all"}
STARTED = []
SLACK_S = 6  # on top of an agent's own limit: a busy machine must not fail a case


def start(kind, **options):
    """A BMC of the kind; with the same options the same one again, faults off and power on."""
    for made, made_options, bmc in STARTED:
        if made == kind and made_options == options:
            bmc.power = "1"
            if kind == "osha-bmc":
                bmc.faults("")
            return bmc
    folder = os.path.join(WORK, f"{kind}-{len(STARTED)}")
    if kind == "ipmi_sim":
        if not shutil.which("ipmi_sim"):
            raise Skip("ipmi_sim is not installed (package openipmi)")
        bmc = bmcs.IpmiSim(folder)
    else:
        bmc = bmcs.OshaBmc(folder, os.path.join(BUILD, "osha-bmc"), **options)
    STARTED.append((kind, options, bmc))
    return bmc


def tool(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def ipmi(bmc, **keys):
    run = Run([IPMI], bmc.keys(**keys))
    assert bmcs.PASSWORD not in run.out + run.err, "the password was printed"
    return run


# Both agents on both BMCs: what every fence agent promises.

def whole_circle(agent, bmc, **keys):
    def act(action):
        return Run([agent], bmc.keys(action=action, **keys))

    act("status").must(0)
    act("off").must(0)
    assert bmc.power == "0", bmc.power
    act("status").must(2)
    act("off").must(0)
    act("monitor").must(0)
    act("on").must(0)
    assert bmc.power == "1", bmc.power
    act("on").must(0)
    act("status").must(0)
    act("reboot").must(0)
    assert bmc.power == "1", bmc.power
    wrong = dict(bmc.keys(action="off", **keys), password="wrong-pw")
    run = Run([agent], wrong).must(1)
    assert "wrong-pw" not in run.out + run.err
    assert bmc.power == "1", "a wrong password switched the machine off"


def add_circles():
    for kind, cipher in (("ipmi_sim", 3), ("osha-bmc", 3), ("osha-bmc", 17)):
        add_case(f"circle_fence_osha_ipmi_{kind}_suite_{cipher}",
                 lambda k=kind, c=cipher: whole_circle(IPMI, start(k), cipher=c))
        add_case(f"circle_fence_ipmilan_{kind}_suite_{cipher}",
                 lambda k=kind, c=cipher: whole_circle(tool("fence_ipmilan"), start(k), cipher=c, lanplus=1, power_wait=0))
    for kind in ("ipmi_sim", "osha-bmc"):
        add_case(f"circle_fence_osha_ipmi_{kind}_no_suite_named", lambda k=kind: whole_circle(IPMI, start(k)))


# Other clients on our BMC.

def ipmitool(bmc, word, *suite):
    return Run([tool("ipmitool"), "-I", "lanplus", *suite, "-H", "127.0.0.1", "-p", str(bmc.port), "-U", bmcs.USERNAME,
                "-P", bmcs.PASSWORD, "power", word])


@case
def ipmitool_with_each_suite_and_with_discovery():
    bmc = start("osha-bmc")
    for suite in (["-C", "3"], ["-C", "17"], []):
        ipmitool(bmc, "status", *suite).must(0, "is on")
        ipmitool(bmc, "off", *suite).must(0)
        assert bmc.power == "0"
        ipmitool(bmc, "status", *suite).must(0, "is off")
        ipmitool(bmc, "on", *suite).must(0)
        assert bmc.power == "1"


@case
def ipmipower_with_each_suite():
    bmc = start("osha-bmc")
    for suite in ("3", "17"):
        for word, power in (("off", "0"), ("on", "1")):
            Run([tool("ipmipower"), "-h", f"127.0.0.1:{bmc.port}", "-u", bmcs.USERNAME, "-p", bmcs.PASSWORD, "-D", "LAN_2_0",
                 "-I", suite, f"--{word}", f"--wait-until-{word}"]).must(0, "ok")
            assert bmc.power == power


# Faults of a BMC.

@case
def dead_port_ends_by_login_timeout():
    run = Run([IPMI], dict(bmcs.OshaBmc.keys(start("osha-bmc")), ipport=bmcs.free_udp_port(), action="off", login_timeout=2))
    run.must(1, "login")
    assert run.took_s < 2 + SLACK_S, run


@case
def dead_bmc_ends_by_login_timeout():
    bmc = start("osha-bmc")
    bmc.faults("dead")
    run = ipmi(bmc, action="off", login_timeout=2).must(1, "login")
    assert run.took_s < 2 + SLACK_S, run
    assert bmc.power == "1"


@case
def stopped_bmc_ends_by_login_timeout():
    bmc = start("osha-bmc", hook="true")
    os.kill(bmc.process.pid, signal.SIGSTOP)
    try:
        run = ipmi(bmc, action="status", login_timeout=2).must(1, "login")
    finally:
        os.kill(bmc.process.pid, signal.SIGCONT)
    assert run.took_s < 2 + SLACK_S, run


@case
def bmc_that_dies_after_the_order_proves_nothing():
    bmc = start("osha-bmc", hook="echo dead > faults.new && mv faults.new faults")
    run = ipmi(bmc, action="off", shell_timeout=1).must(1, "read power")
    assert run.took_s < 1 + 5 + SLACK_S, run
    assert bmc.power == "0", "the order was carried out, and was still not to be believed"


@case
def off_accepted_but_stays_on():
    bmc = start("osha-bmc")
    bmc.faults("stays-on")
    ipmi(bmc, action="off", power_timeout=1).must(1, "still reads ON")
    ipmi(bmc, action="reboot", power_timeout=1).must(1, "still reads ON")
    bmc.power = "0"
    ipmi(bmc, action="on", power_timeout=1).must(1, "still reads OFF")


@case
def reboot_that_does_not_come_back_has_fenced():
    bmc = start("osha-bmc", hook="echo stays-on > faults.new && mv faults.new faults")
    run = ipmi(bmc, action="reboot", power_timeout=1).must(0, "Rebooted")
    assert "not on again" in run.err, run
    assert bmc.power == "0"


@case
def fence_ipmilan_off_accepted_but_stays_on():
    bmc = start("osha-bmc")
    bmc.faults("stays-on")
    Run([tool("fence_ipmilan")], bmc.keys(action="off", lanplus=1, cipher=17, power_timeout=2, power_wait=0)).must(1)


@case
def off_refused_because_already_off():
    bmc = start("osha-bmc")
    bmc.power = "0"
    bmc.faults("refuse-repeat")
    ipmi(bmc, action="off").must(0, "Already OFF")
    ipmi(bmc, action="on").must(0, "Powered ON")
    ipmi(bmc, action="on").must(0, "Already ON")


@case
def slow_power_is_waited_for():
    bmc = start("osha-bmc")
    bmc.faults("delay=600")
    ipmi(bmc, action="off").must(0, "Powered OFF")
    assert bmc.power == "0"
    bmc.power = "1"
    bmc.faults("delay=60000")
    ipmi(bmc, action="off", power_timeout=1).must(1, "still reads ON")


@case
def busy_bmc_is_asked_again():
    bmc = start("osha-bmc")
    bmc.faults("busy")
    ipmi(bmc, action="off", power_timeout=1).must(1, "busy")
    command = [IPMI, "-o", "off", "-a", "127.0.0.1", "-u", str(bmc.port), "-l", bmcs.USERNAME, "-S", f"echo {bmcs.PASSWORD}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as agent:
        time.sleep(0.2)
        bmc.faults("")
        assert agent.wait(timeout=60) == 0
    assert bmc.power == "0"


@case
def suites_refused():
    bmc = start("osha-bmc")
    bmc.faults("no-suite-17")
    ipmi(bmc, action="status", cipher=17).must(1, "cipher suite 17")
    ipmi(bmc, action="status").must(0)
    bmc.faults("no-suite-3")
    ipmi(bmc, action="status", cipher=3).must(1, "cipher suite 3")
    ipmi(bmc, action="status").must(0)
    bmc.faults("no-suite-3 no-suite-17")
    ipmi(bmc, action="status").must(1)


@case
def wrong_password_is_not_tried_with_another_suite():
    bmc = start("osha-bmc")
    bmc.faults("wrong-password")
    ipmi(bmc, action="off").must(1, "cipher suite 17: password invalid")


@case
def lost_datagrams_are_sent_again():
    bmc = start("osha-bmc")
    for words in ("lost=1/3", "lost=1/2"):
        bmc.power = "1"
        bmc.faults(words)
        ipmi(bmc, action="off", login_timeout=30, shell_timeout=10).must(0)
        assert bmc.power == "0"


@case
def garbage_is_not_believed():
    bmc = start("osha-bmc")
    bmc.faults("garble")
    for _ in range(5):
        ipmi(bmc, action="status", login_timeout=2, shell_timeout=2).must(1)


@case
def privilege():
    bmc = start("osha-bmc")
    bmc.faults("privilege=operator")
    ipmi(bmc, action="off").must(1, "privilege")
    ipmi(bmc, action="off", privlvl="user").must(1, "privilege")
    assert bmc.power == "1"
    ipmi(bmc, action="off", privlvl="operator").must(0)
    bmc.power = "1"
    bmc.faults("privilege=user")
    ipmi(bmc, action="status", privlvl="user").must(0)
    ipmi(bmc, action="off", privlvl="operator").must(1, "privilege")


@case
def bmc_key():
    bmc = start("osha-bmc", kg=bmcs.KG)
    ipmi(bmc, action="status", hexadecimal_kg=bmcs.KG).must(0)
    ipmi(bmc, action="status", hexadecimal_kg="0x" + bmcs.KG, cipher=3).must(0)
    ipmi(bmc, action="status", hexadecimal_kg="ffff").must(1)
    ipmi(bmc, action="status").must(1)


# The protocol itself.

def xml_of(agent):
    return ElementTree.fromstring(Run([agent, "-o", "metadata"]).must(0).out)


def add_protocol_cases():
    for agent, more in ((IPMI, set()), (LIBVIRT, {"list"})):
        name = os.path.basename(agent)
        add_case(f"metadata_{name}", lambda a=agent, m=more: metadata(a, m))
        add_case(f"bad_input_{name}", lambda a=agent: bad_input(a))


def metadata(agent, more):
    root = xml_of(agent)
    assert {a.get("name") for a in root.iter("action")} == ACTIONS | more
    names = [p.get("name") for p in root.iter("parameter")]
    assert len(names) == len(set(names))
    assert {"action", "password", "password_script", "username", "power_timeout", "login_timeout"} <= set(names)
    help_text = Run([agent, "--help"]).must(0).out
    for parameter in root.iter("parameter"):
        mixed = parameter.find("getopt").get("mixed")
        assert mixed in help_text, mixed
        assert parameter.find("content").get("type") in ("string", "integer", "second", "boolean", "select")
    assert ElementTree.tostring(ElementTree.fromstring(Run([agent], {"action": "metadata"}).must(0).out)) == \
        ElementTree.tostring(root)
    Run([agent, "--version"]).must(0, os.path.basename(agent))


def bad_input(agent):
    """Whatever is wrong with the input, the status is 1: 2 would read as a machine that is off."""
    good = {"plug": "test"} if agent == LIBVIRT else {"ip": "127.0.0.1"}
    Run([agent], dict(good, action="explode")).must(1, "action")
    Run([agent], dict(good, action="")).must(1, "action")
    Run([agent], dict(good, action="status", power_timeout="soon")).must(1, "power_timeout")
    Run([agent], dict(good, action="status", power_timeout="-1")).must(1, "power_timeout")
    Run([agent], {"action": "status"}).must(1, "missing")
    Run([agent], {"action": "off"}).must(1, "missing")
    Run([agent, "--no-such-option"]).must(1)
    Run([agent, "-o"]).must(1)
    Run([agent, "-o", "status", "stray"]).must(1)
    for text in ("status", "action=status\0\n", "action=status\naction=off\n", "x" * 70000, "a=" + "b" * 70000):
        done = subprocess.run([agent], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and done.stderr.count("\n") >= 1, (text[:40], done)
    Run([agent], dict(good, action="validate-all", colour="red")).must(1, "colour")


@case
def unknown_keys_are_warned_about_and_ignored():
    bmc = start("osha-bmc")
    ipmi(bmc, action="status", colour="red").must(0, 'unknown option "colour"')
    run = ipmi(bmc, action="status", nodename="compute-1").must(0)
    assert not run.err, run
    ipmi(bmc, action="validate-all").must(0)
    ipmi(bmc, action="validate-all", cipher=4).must(1, "cipher")
    ipmi(bmc, action="validate-all", lanplus=0).must(1, "lanplus")
    ipmi(bmc, action="validate-all", workaround="sun20,magic").must(1, "workaround")
    ipmi(bmc, action="validate-all", hexadecimal_kg="0xabc").must(1, "hexadecimal_kg")
    ipmi(bmc, action="list").must(1, "list")


@case
def former_names_and_the_old_action_key():
    bmc = start("osha-bmc")
    keys = {"ipaddr": "127.0.0.1", "ipport": bmc.port, "login": bmcs.USERNAME, "passwd": bmcs.PASSWORD, "option": "status"}
    Run([IPMI], keys).must(0, "Status: ON")
    assert bmc.power == "1", "option=status switched the machine"


@case
def password_by_script():
    bmc = start("osha-bmc")
    keys = dict(bmc.keys(action="status"), password_script=f"echo {bmcs.PASSWORD}")
    del keys["password"]
    Run([IPMI], keys).must(0)
    Run([IPMI], dict(keys, password_script="exit 3")).must(1, "password_script")
    Run([IPMI], dict(keys, password_script="true")).must(1, "password_script")
    Run([IPMI], dict(keys, password_script="yes")).must(1, "password_script")
    run = Run([IPMI], dict(keys, password_script="sleep 30", login_timeout=1)).must(1, "login_timeout")
    assert run.took_s < 1 + SLACK_S, run
    Run([IPMI], dict(keys, password_script="echo a-password-longer-than-twenty-bytes")).must(1, "password")


@case
def default_action_is_the_fields_own():
    bmc = start("osha-bmc")
    Run([IPMI], bmc.keys()).must(0, "Rebooted")


# libvirt.

SHUT_OFF = """<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
<domain type='test'><name>dark</name><uuid>11111111-2222-4333-8444-555555555555</uuid><memory>1024</memory><os><type>hvm</type></os>
<test:runstate>5</test:runstate></domain>
<domain type='test'><name>frozen</name><memory>1024</memory><os><type>hvm</type></os><test:runstate>3</test:runstate></domain>
</node>
"""


def libvirt(uri, **keys):
    return Run([LIBVIRT], dict(uri=uri, **keys))


@case
def libvirt_in_process():
    uri = "test:///default"
    libvirt(uri, plug="test", action="status").must(0, "Status: ON")
    libvirt(uri, plug="test", action="off").must(0, "Powered OFF")
    libvirt(uri, plug="test", action="on").must(0, "Already ON")
    libvirt(uri, plug="test", action="reboot").must(0, "Rebooted")
    libvirt(uri, action="list").must(0, "test,")
    libvirt(uri, action="monitor").must(0)
    libvirt(uri, plug="tes", action="off").must(1, "plug")
    libvirt(uri, action="off").must(1, "plug: missing")
    libvirt(f"qemu+tcp://127.0.0.1:{free_tcp_port()}/system", plug="test", action="off").must(1, "connect")


@case
def libvirt_states():
    path = os.path.join(WORK, "node.xml")
    with open(path, "w", encoding="ascii") as f:
        f.write(SHUT_OFF)
    uri = f"test://{path}"
    libvirt(uri, plug="dark", action="status").must(2, "Status: OFF")
    libvirt(uri, plug="dark", action="off").must(0, "Already OFF")
    libvirt(uri, plug="dark", action="on").must(0, "Powered ON")
    libvirt(uri, plug="11111111-2222-4333-8444-555555555555", action="status").must(2)
    libvirt(uri, plug="frozen", action="status").must(0, "Status: ON")
    libvirt(uri, plug="frozen", action="off").must(0, "Powered OFF")


def free_tcp_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Libvirtd:
    """A libvirtd without hypervisor drivers; its test driver keeps its state while a connection is held."""

    def __init__(self):
        program, virsh = tool("libvirtd"), tool("virsh")
        self.folder = tempfile.mkdtemp(prefix="osha-lv-", dir="/tmp")  # a unix socket's path is short
        self.port = free_tcp_port()
        os.makedirs(os.path.join(self.folder, "none"))
        conf = os.path.join(self.folder, "conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f'listen_tls=0\nlisten_tcp=1\nlisten_addr="127.0.0.1"\ntcp_port="{self.port}"\nauth_tcp="none"\n'
                    f'auth_unix_rw="none"\nauth_unix_ro="none"\nunix_sock_dir="{self.folder}"\n')
        environment = dict(os.environ, LIBVIRT_DRIVER_DIR=os.path.join(self.folder, "none"))
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen([program, "-l", "-f", conf, "-p", os.path.join(self.folder, "pid")],
                                            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.uri = f"test+tcp://127.0.0.1:{self.port}/default"
        end = time.monotonic() + 30
        while libvirt(self.uri, action="monitor").status:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Skip("libvirtd does not start here")
            time.sleep(0.05)
        self.holder = subprocess.Popen([virsh, "-q", "-c", self.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write("uri\n")
        self.holder.stdin.flush()
        while "test" not in self.holder.stdout.readline():
            pass

    def stop(self):
        for process in (self.holder, self.process):
            process.kill()
            process.wait()
        self.holder.stdin.close()
        self.holder.stdout.close()
        shutil.rmtree(self.folder)


@case
def libvirt_by_a_daemon_and_with_the_daemon_stopped():
    if os.geteuid():
        raise Skip("libvirtd with TCP needs root")
    daemon = Libvirtd()
    try:
        libvirt(daemon.uri, plug="test", action="status").must(0)
        libvirt(daemon.uri, plug="test", action="off").must(0, "Powered OFF")
        libvirt(daemon.uri, plug="test", action="status").must(2)
        libvirt(daemon.uri, plug="test", action="off").must(0, "Already OFF")
        libvirt(daemon.uri, plug="test", action="on").must(0, "Powered ON")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        run = libvirt(daemon.uri, plug="test", action="off", login_timeout=2).must(1, "login")
        assert run.took_s < 2 + SLACK_S, run
        os.kill(daemon.process.pid, signal.SIGCONT)
        libvirt(daemon.uri, plug="test", action="status").must(0)
    finally:
        daemon.stop()


def main():
    add_circles()
    add_protocol_cases()
    try:
        return run_all(sys.argv[2] if len(sys.argv) > 2 else "")
    finally:
        for _, _, bmc in STARTED:
            bmc.stop()
        shutil.rmtree(WORK)


if __name__ == "__main__":
    sys.exit(main())
