# SPDX-License-Identifier: Apache-2.0
"""What Nova needs of Neutron when servers have no networks: empty lists.

Nova lists ports and extensions even for such servers. Control port: PUT /mode with the body
`ok`, `500` (each request fails) or `hang` (each request waits until the mode changes).
A Neutron that refuses connections is this process, ended.
"""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig_layout import Layout

MODES = ('ok', '500', 'hang')


class Mode:
    def __init__(self):
        self.value = 'ok'
        self.changed = threading.Condition()

    def set(self, value):
        with self.changed:
            self.value = value
            self.changed.notify_all()

    def wait_unhung(self):
        with self.changed:
            self.changed.wait_for(lambda: self.value != 'hang')
            return self.value


MODE = Mode()


class Face(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class NeutronFace(Face):
    def do_GET(self):
        self.body()
        if MODE.wait_unhung() == '500':
            self.answer(500, {'NeutronError': {'type': 'Exception', 'message': 'fault', 'detail': ''}})
            return
        noun = self.path.split('?')[0].rstrip('/').rsplit('/', 1)[-1].replace('.json', '')
        self.answer(200, {noun.replace('-', '_'): []})

    do_POST = do_PUT = do_DELETE = do_GET


class ControlFace(Face):
    def do_PUT(self):
        mode = self.body().decode()
        if mode not in MODES:
            self.answer(400, {})
            return
        MODE.set(mode)
        self.answer(200, {'mode': mode})


def main():
    layout = Layout(sys.argv[1])
    servers = [ThreadingHTTPServer((layout.control, layout.port('neutron')), NeutronFace),
               ThreadingHTTPServer((layout.control, layout.port('neutron_ctl')), ControlFace)]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == '__main__':
    main()
