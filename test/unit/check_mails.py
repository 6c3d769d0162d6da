#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Read the golden mails with Python's mail parser: sound headers, both parts, and nothing hostile come to life. Argument: source tree."""
import email
import email.policy
import html.parser
import os
import sys

VOID = {'meta', 'br', 'hr', 'img'}
HEADERS = {'date', 'from', 'to', 'subject', 'message-id', 'in-reply-to', 'references', 'auto-submitted', 'x-auto-response-suppress',
           'x-osha-key', 'x-osha-moment', 'mime-version', 'content-type'}


class Page(html.parser.HTMLParser):
    """Knows which elements are open, and keeps the text."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ''

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f'</{tag}> ends nothing'

    def handle_data(self, data):
        self.text += data


def check(name, raw):
    assert all(len(line) <= 998 for line in raw.split(b'\r\n')) and raw.count(b'\n') == raw.count(b'\r\n'), 'lines'
    assert max(raw) < 0x7f, 'bytes above ASCII'
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects and not any(value.defects for value in mail.values() if hasattr(value, 'defects')), 'defects'
    extra = {key.lower() for key in mail.keys()} - HEADERS
    assert not extra and len(mail.keys()) == len({key.lower() for key in mail.keys()}), f'headers {extra}'
    assert len(mail['To'].addresses) == 1 and mail['To'].addresses[0].addr_spec in mail['X-Osha-Key'] or 'Carol' in mail['To'], mail['To']
    assert mail['Subject'] and mail['Date'].datetime.tzinfo and mail['Auto-Submitted'] == 'auto-generated', 'headers'
    text, page = mail.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ('text/plain', 'text/html'), 'parts'
    assert not text.defects and not page.defects, 'defects of a part'
    reader = Page()
    reader.feed(page.get_content())
    reader.close()
    assert not reader.open and 'script' not in reader.seen, f'open: {reader.open}'
    both = text.get_content(), reader.text
    assert all('{{' not in part and '\u202e' not in part for part in both), 'tags or direction marks are left'
    if name.startswith('user-'):
        assert not any('cmp-' in part for part in both) and 'cmp-' not in str(mail), 'a host name for a user'
    if name in ('user-recovered', 'admin-recovered', 'user-held'):
        for part in both:
            assert '<script>alert("1")</script>' in part and "Grüß'e'" in part, 'the hostile name as text'
    assert all('  \n' not in part for part in both[:1]), 'blanks at the end of lines'


def main():
    folder = os.path.join(sys.argv[1], 'test/golden/mail')
    passed, failed = 0, 0
    for name in sorted(os.listdir(folder)):
        try:
            with open(os.path.join(folder, name), 'rb') as file:
                check(name.removesuffix('.eml'), file.read())
            passed += 1
        except (AssertionError, ValueError) as why:
            failed += 1
            print(f'{name}: {why}')
    if passed < 10:
        failed += 1
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
