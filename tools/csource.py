# SPDX-License-Identifier: Apache-2.0
"""C sources as the gates see them: which files there are, their text without comments and strings, their functions.

A reader, not a compiler: it leans on the tree's own style (balanced braces, no K&R definitions) and says so by raising
Unreadable where a file does not keep to it. What to make of the findings is each gate's own affair.
"""
import argparse
import os
import re
import subprocess
import sys

C_PLACES = ('src', 'cloudsim', 'test', 'bench', 'tools')
SKIPPED_DIRS = ('.git', '__pycache__')
CONTROL = ('if', 'for', 'while', 'switch')


class Unreadable(Exception):
    """The text cannot be followed: braces or brackets do not balance. Carries the line."""

    def __init__(self, line, what):
        super().__init__(what)
        self.line = line


class Findings:
    """What a gate found; printed at once, counted for the exit status."""

    def __init__(self, gate):
        self.gate = gate
        self.count = 0

    def add(self, path, line, what):
        self.count += 1
        print(f'{path}:{line}: {what}')

    def end(self, looked_at, unit='files'):
        """Print the gate's one-line result and return its exit status. A gate that looked at nothing has failed."""
        if looked_at == 0:
            print(f'{self.gate}: found no {unit} to look at')
            return 1
        print(f'{self.gate}: {looked_at} {unit}, {self.count} findings')
        return 1 if self.count else 0


def arguments(doc):
    """The arguments every gate takes; returns the parser, so that a gate can add its own."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument('--root', default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                        help='tree to look at (default: the one this script stands in)')
    return parser


def files(root):
    """All files of the project below root, relative and sorted: git's view when there is one, else a walk."""
    if os.path.exists(os.path.join(root, '.git')):
        try:
            out = subprocess.run(['git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z', '-co', '--exclude-standard'],
                                 check=True, stdout=subprocess.PIPE).stdout.decode()
            return sorted({f for f in out.split('\0') if f and os.path.isfile(os.path.join(root, f))})
        except (OSError, subprocess.CalledProcessError):
            print('git cannot list the files, walking the tree instead', file=sys.stderr)
    found = []
    for place, dirs, names in os.walk(root):
        at_top = os.path.samefile(place, root)
        dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS and not (at_top and re.fullmatch(r'build(-.*)?', d))]
        found += [os.path.relpath(os.path.join(place, n), root) for n in names if not n.endswith('.pyc')]
    return sorted(found)


def c_files(root, places=C_PLACES):
    return [f for f in files(root) if f.endswith(('.c', '.h')) and f.split('/')[0] in places]


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read()


def _spaces(text):
    return re.sub(r'[^\n]', ' ', text)


_LEXEME = re.compile(r'//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\b[^\n]*', re.M)


def strip_comments(text):
    """The text with comments as spaces; strings, lines and columns stay."""
    return _LEXEME.sub(lambda m: _spaces(m[0]) if m[0][0] == '/' else m[0], text)


def strip(text):
    """The text with comments and the insides of strings and characters as spaces; lines and columns stay."""
    def blank(match):
        lexeme = match[0]
        return _spaces(lexeme) if lexeme[0] == '/' else lexeme[0] + _spaces(lexeme[1:-1]) + lexeme[-1]
    return _INCLUDE.sub(lambda m: _spaces(m[0]), _LEXEME.sub(blank, text))


def strip_directives(text):
    """The stripped text with preprocessor directives, continued lines included, as spaces. All branches of an #if stay."""
    return re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda m: _spaces(m[0]), text, flags=re.M)


class Function:
    def __init__(self, name, line, parameters):
        self.name, self.line, self.parameters = name, line, parameters
        self.lines = 0    # from the name to the closing brace, without the lines inside initialisers
        self.nesting = 0  # deepest control statement; the body itself is 0


class _Reader:
    """Walks the tokens of one stripped file."""

    def __init__(self, text):
        self.tok, self.line = [], []
        line, last = 1, 0
        for match in re.finditer(r'[A-Za-z_]\w*|[^\s\w]|\w+', text):
            line += text.count('\n', last, match.start())
            last = match.start()
            self.tok.append(match[0])
            self.line.append(line)
        self.close = self._match_brackets()
        self.table_lines = 0
        self.deepest = 0

    def _match_brackets(self):
        pairs, close, open_ = {')': '(', ']': '[', '}': '{'}, {}, []
        for i, tok in enumerate(self.tok):
            if tok in '([{':
                open_.append(i)
            elif tok in ')]}':
                if not open_ or self.tok[open_[-1]] != pairs[tok]:
                    raise Unreadable(self.line[i], f"'{tok}' closes nothing (keep brackets balanced across #if branches)")
                close[open_.pop()] = i
        if open_:
            raise Unreadable(self.line[open_[-1]], f"'{self.tok[open_[-1]]}' is never closed (keep brackets balanced across #if branches)")
        return close

    def functions(self):
        i, begin = 0, 0
        while i < len(self.tok):
            tok = self.tok[i]
            if tok == '{':
                head = self._head(begin, i)
                if head:
                    yield self._function(head, i)
                    begin = self.close[i] + 1
                i = self.close[i] + 1
            elif tok in '([':
                i = self.close[i] + 1
            else:
                i += 1
                if tok == ';':
                    begin = i

    def _head(self, begin, brace):
        """(name, parameter list) when tokens begin..brace introduce a function, else None."""
        i, groups = begin, []
        while i < brace:
            tok = self.tok[i]
            if tok in ('=', 'typedef'):
                return None
            if tok in ('__attribute__', '__asm__', '_Alignas', 'alignas') and self.tok[i + 1] == '(':
                i = self.close[i + 1] + 1
                continue
            if tok in '([{':
                if tok == '(' and i > begin and re.match(r'[A-Za-z_]', self.tok[i - 1]):
                    groups.append(i)
                i = self.close[i] + 1
                continue
            i += 1
        return (groups[0] - 1, groups[0]) if groups else None

    def _function(self, head, brace):
        name, group = head
        function = Function(self.tok[name], self.line[name], self._parameters(group))
        self.table_lines = self.deepest = 0
        self._block(brace, 0)
        end = self.close[brace]
        function.lines = self.line[end] - self.line[name] + 1 - self.table_lines
        function.nesting = self.deepest
        return function

    def _parameters(self, group):
        i, end, commas = group + 1, self.close[group], 0
        if i == end or (i + 1 == end and self.tok[i] == 'void'):
            return 0
        while i < end:
            if self.tok[i] in '([{':
                i = self.close[i]
            elif self.tok[i] == ',' and self.tok[i + 1] != '.':  # the dots of a variadic function are no parameter
                commas += 1
            i += 1
        return commas + 1

    def _block(self, brace, depth):
        i, end = brace + 1, self.close[brace]
        while i < end:
            i = self._statement(i, depth)

    def _statement(self, i, depth):
        """Walk one statement that starts at token i inside `depth` control statements; returns the index after it."""
        tok = self.tok[i]
        follow = self.tok[i + 1] if i + 1 < len(self.tok) else ''
        if tok == '{':
            self._block(i, depth)
            return self.close[i] + 1
        if tok in CONTROL and follow == '(':
            return self._control(tok, self.close[i + 1] + 1, depth)
        if tok == 'do':
            self._deeper(depth)
            i = self._statement(i + 1, depth + 1)
            return self._expression(i, depth)
        if re.match(r'[A-Za-z_]', tok) and follow == '(' and self.tok[self.close[i + 1] + 1] == '{':
            return self._control('for', self.close[i + 1] + 1, depth)  # a loop macro
        if tok == 'case' or (re.match(r'[A-Za-z_]', tok) and follow == ':'):
            while self.tok[i] != ':':
                i += 1
            return i + 1
        return self._expression(i, depth)

    def _control(self, tok, body, depth):
        self._deeper(depth)
        i = self._statement(body, depth + 1)
        while tok == 'if' and i < len(self.tok) and self.tok[i] == 'else':
            is_chain = self.tok[i + 1] == 'if'
            i = self._statement(self.close[i + 2] + 1, depth + 1) if is_chain else self._statement(i + 1, depth + 1)
            if not is_chain:
                break
        return i

    def _deeper(self, depth):
        self.deepest = max(self.deepest, depth + 1)

    def _expression(self, i, depth):
        """Up to the ';'. Braces in it are initialisers, whose lines are a table, or statement expressions, which are code."""
        while i < len(self.tok) and self.tok[i] not in (';', '}'):
            if self.tok[i] == '{':
                self.table_lines += self.line[self.close[i]] - self.line[i]
                i = self.close[i]
            elif self.tok[i] == '(' and self.tok[i + 1] == '{':
                self._block(i + 1, depth)
                i = self.close[i]
            elif self.tok[i] == '(' and self.tok[i - 1] not in CONTROL:
                self._nested(i, depth)
                i = self.close[i]
            i += 1
        return i + 1 if i < len(self.tok) and self.tok[i] == ';' else i

    def _nested(self, paren, depth):
        i, end = paren + 1, self.close[paren]
        while i < end:
            if self.tok[i] == '{' and self.tok[i - 1] == '(':
                self._block(i, depth)
                i = self.close[i]
            elif self.tok[i] == '{':
                self.table_lines += self.line[self.close[i]] - self.line[i]
                i = self.close[i]
            i += 1


def functions(text):
    """The function definitions of a C text, in order. Raises Unreadable."""
    return list(_Reader(strip_directives(strip(text))).functions())
