# SPDX-License-Identifier: Apache-2.0
"""The network face of all machines of a rig: one TCP listener for each probe address.

Three states for each host: `light` (connections are taken and closed), `refuse` (RST: a kernel
lives there, its service does not) and `dark` (silence: connections get no answer at all).
Silence without privileges: the listener stops accepting and fills its own queue, whereupon the
kernel drops each further SYN. Control: a unix socket, one line "HOST STATE", answered by "ok".
"""
import os
import selectors
import socket
import sys

from rig_layout import PROBE_PORT, Layout

FILL_MAX = 64


class Face:
    """One host's listener."""

    def __init__(self, selector, address):
        self.selector = selector
        self.address = address
        self.listener = None
        self.fillers = []

    def set(self, state):
        if state == 'light':
            self._open()
            self._drop_fillers()
        elif state == 'dark':
            self._open()
            self._fill()
        elif state == 'refuse':
            self._close()
        else:
            return False
        return True

    def _open(self):
        if self.listener:
            return
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(self.address)
        sock.listen(0)
        sock.setblocking(False)
        self.selector.register(sock, selectors.EVENT_READ, self.accept)
        self.listener = sock

    def _close(self):
        self._drop_fillers()
        if self.listener:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None

    def _drop_fillers(self):
        for sock in self.fillers:
            sock.close()
        if self.fillers and self.listener:
            self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.fillers = []

    def _fill(self):
        """Connect until one connection stays unanswered: the queue is full from then on."""
        if self.fillers:
            return
        self.selector.unregister(self.listener)
        for _ in range(FILL_MAX):
            sock = socket.socket()
            sock.settimeout(0.05)
            self.fillers.append(sock)
            try:
                sock.connect(self.address)
            except (TimeoutError, socket.timeout):
                return
        raise RuntimeError('the queue of %s:%d cannot be filled' % self.address)

    def accept(self):
        try:
            while True:
                self.listener.accept()[0].close()
        except BlockingIOError:
            pass


class Control:
    def __init__(self, selector, path, faces):
        self.selector = selector
        self.faces = faces
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self):
        peer, _ = self.listener.accept()
        with peer:
            peer.settimeout(2)
            words = peer.recv(200).decode().split()
            known = len(words) == 2 and words[0] in self.faces
            peer.sendall(b'ok\n' if known and self.faces[words[0]].set(words[1]) else b'what?\n')


def main():
    layout = Layout(sys.argv[1])
    selector = selectors.DefaultSelector()
    faces = {}
    for host in layout.hosts:
        faces[host] = Face(selector, (layout.probe_address(host), PROBE_PORT))
        faces[host].set('dark')
    Control(selector, layout.path('wire', 'control'), faces)
    while True:
        for key, _ in selector.select():
            key.data()


if __name__ == '__main__':
    main()
