# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy in front of nova-api that can be told to misbehave, and that remembers.

The catalogue's public and internal compute endpoints point here. Control port:
  PUT /rules  a JSON list of rules, replacing all (counters start anew)
  GET /rules  the rules with their counters
  GET /log    every request since the last DELETE /log, as a JSON list
A rule: {"method": "POST", "path": REGEX, "body": REGEX, "after": N matches let through first,
"times": N matches it acts on (0 = all), "do": DO, ...}. DO is one of
  drop-reply  forward, throw the answer away and close the connection
  cut         close the connection without forwarding
  half-reply  forward, send half of the answer's body, close
  status      do not forward, answer "status" (int) with "reply" (text) and "headers"
  status-after  forward, then answer "status" although the call was done
  delay       wait "seconds", then forward
  delay-reply forward, wait "seconds", then answer
  hang        wait until the rules change, then close
"""
import http.client
import json
import re
import sys
import threading
import time
from http.server import ThreadingHTTPServer

from neutron_stub import Face
from rig_layout import Layout

LOG_MAX = 100000
HOP = {'connection', 'keep-alive', 'transfer-encoding', 'proxy-connection', 'te', 'upgrade'}


class Rules:
    def __init__(self):
        self.lock = threading.Condition()
        self.rules = []
        self.generation = 0
        self.log = []

    def replace(self, rules):
        for rule in rules:
            re.compile(rule.get('path', ''))
            re.compile(rule.get('body', ''))
        with self.lock:
            self.rules = [dict(rule, seen=0, acted=0) for rule in rules]
            self.generation += 1
            self.lock.notify_all()

    def match(self, method, path, body):
        """The first rule that acts on this request, or None; counts as it goes."""
        with self.lock:
            for rule in self.rules:
                if rule.get('method') and rule['method'] != method:
                    continue
                if not re.search(rule.get('path', ''), path):
                    continue
                if rule.get('body') and not re.search(rule['body'], body.decode('utf-8', 'replace')):
                    continue
                rule['seen'] += 1
                times = rule.get('times', 0)
                if rule['seen'] <= rule.get('after', 0) or (times and rule['acted'] >= times):
                    continue
                rule['acted'] += 1
                return dict(rule)
        return None

    def wait_change(self):
        with self.lock:
            mine = self.generation
            self.lock.wait_for(lambda: self.generation != mine)

    def note(self, entry):
        with self.lock:
            if len(self.log) < LOG_MAX:
                self.log.append(entry)


RULES = Rules()


class ProxyFace(Face):
    target = None
    timeout = 300

    def forward(self, body):
        connection = http.client.HTTPConnection(*self.target, timeout=300)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP}
        headers['Connection'] = 'close'
        try:
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def reply(self, status, headers, body, cut_at=None):
        self.send_response_only(status)
        for key, value in headers:
            if key.lower() not in HOP and key.lower() != 'content-length':
                self.send_header(key, value)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut_at is None else body[:cut_at])

    def close(self):
        self.close_connection = True

    def serve(self):
        body = self.body()
        entry = {'at': time.time(), 'method': self.command, 'path': self.path,
                 'body': body.decode('utf-8', 'replace')[:2000], 'status': None, 'rule': None,
                 'microversion': self.headers.get('OpenStack-API-Version')
                 or self.headers.get('X-OpenStack-Nova-API-Version')}
        RULES.note(entry)
        rule = RULES.match(self.command, self.path, body) or {'do': None}
        entry['rule'] = rule['do']
        try:
            self.act(rule, body, entry)
        except (OSError, http.client.HTTPException) as err:
            entry['error'] = str(err)
            self.close()
        entry['ended'] = time.time()

    def act(self, rule, body, entry):
        act = rule['do']
        if act in ('cut', 'hang'):
            if act == 'hang':
                RULES.wait_change()
            self.close()
            return
        if act == 'status':
            entry['status'] = rule['status']
            self.reply(rule['status'], list(rule.get('headers', {}).items()),
                       rule.get('reply', '{}').encode())
            return
        if act == 'delay':
            time.sleep(rule['seconds'])
        status, headers, data = self.forward(body)
        entry['status'] = status
        if act == 'drop-reply':
            self.close()
        elif act == 'half-reply':
            self.reply(status, headers, data, len(data) // 2)
            self.close()
        elif act == 'status-after':
            self.reply(rule['status'], list(rule.get('headers', {}).items()),
                       rule.get('reply', '{}').encode())
        else:
            if act == 'delay-reply':
                time.sleep(rule['seconds'])
            self.reply(status, headers, data)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = serve


class ControlFace(Face):
    def do_PUT(self):
        try:
            RULES.replace(json.loads(self.body()))
        except (ValueError, re.error) as err:
            self.answer(400, {'error': str(err)})
            return
        self.answer(200, {})

    def do_GET(self):
        with RULES.lock:
            value = list(RULES.log) if self.path == '/log' else list(RULES.rules)
        self.answer(200, value)

    def do_DELETE(self):
        with RULES.lock:
            RULES.log = []
        self.answer(200, {})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    layout = Layout(sys.argv[1])
    ProxyFace.target = (layout.control, layout.port('nova'))
    control = Server((layout.control, layout.port('proxy_ctl')), ControlFace)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    Server((layout.control, layout.port('proxy')), ProxyFace).serve_forever()


if __name__ == '__main__':
    main()
