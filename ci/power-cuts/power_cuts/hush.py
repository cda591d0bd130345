"""The part of U-Boot's shell that boot scripts use: `if`, `for`, `while`, `&&`, `||`, quotes and variables."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from power_cuts.hush_syntax import NAME, For, HushError, If, Script, Simple, While, Word, parse

MOST_COMMANDS = 10_000


@dataclass(slots=True)
class Shell:
    """Runs scripts with the commands it is given. The commands raise to leave the shell, as booting and reset do."""

    commands: Mapping[str, Callable[[list[str]], int]]
    environment: dict[str, str]
    local: dict[str, str] = field(default_factory=dict)
    status: int = 0
    left: int = MOST_COMMANDS

    def run(self, text: str) -> int:
        """Run a script; the status of its last command."""
        return self._script(parse(text))

    def _script(self, script: Script) -> int:
        for joint, command in script.commands:
            if (joint == "&&" and self.status != 0) or (joint == "||" and self.status == 0):
                continue
            self.status = self._command(command)
        return self.status

    def _command(self, command: Simple | If | For | While) -> int:
        match command:
            case Simple(words):
                return self._simple([text for word in words for text in self._expand(word)])
            case If(branches, otherwise):
                for condition, body in branches:
                    if self._script(condition) == 0:
                        self.status = 0
                        return self._script(body)
                self.status = 0
                return self._script(otherwise) if otherwise else 0
            case For(variable, words, body):
                for value in [text for word in words for text in self._expand(word)]:
                    self.local[variable] = value
                    self._script(body)
                return self.status
            case While(condition, body, until):
                while (self._script(condition) == 0) != until:
                    self._script(body)
                return 0

    def _simple(self, arguments: list[str]) -> int:
        self.left -= 1
        if self.left < 0:
            raise HushError("the script does not end")
        if not arguments:
            return 0
        name, equals, value = arguments[0].partition("=")
        if equals and NAME.fullmatch(name) and len(arguments) == 1:
            self.local[name] = value
            return 0
        if arguments[0] not in self.commands:
            raise HushError(f"the command {arguments[0]!r} is not known here")
        return self.commands[arguments[0]](arguments[1:])

    def _value(self, name: str) -> str:
        if name == "?":
            return str(self.status)
        return self.environment.get(name, self.local.get(name, ""))

    def _expand(self, word: Word) -> list[str]:
        """The words that a word becomes: values outside quotes fall apart at blanks, or vanish."""
        results: list[str] = []
        current: str | None = None
        for piece in word.pieces:
            text = self._value(piece.text) if piece.is_variable else piece.text
            if not piece.is_variable or piece.quoted:
                current = (current or "") + text
                continue
            parts = text.split()
            if text[:1].isspace() and current is not None:
                results.append(current)
                current = None
            for place, part in enumerate(parts):
                if place and current is not None:
                    results.append(current)
                    current = None
                current = (current or "") + part
            if text[-1:].isspace() and current is not None:
                results.append(current)
                current = None
        if current is not None:
            results.append(current)
        return results


def integer(text: str) -> int:
    """A number as U-Boot's `test` reads it: what cannot be read counts as 0."""
    match = re.match(r"\s*(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", text)
    if not match:
        return 0
    digits = match[2]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return int(match[1] + digits, base)


_BINARY: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "-eq": lambda left, right: integer(left) == integer(right),
    "-ne": lambda left, right: integer(left) != integer(right),
    "-lt": lambda left, right: integer(left) < integer(right),
    "-le": lambda left, right: integer(left) <= integer(right),
    "-gt": lambda left, right: integer(left) > integer(right),
    "-ge": lambda left, right: integer(left) >= integer(right),
}


def test(arguments: list[str], exists: Callable[[str, str, str], bool] | None = None) -> int:
    """U-Boot's `test`: from left to right, `-a` and `-o` of equal rank; fewer than two arguments are false.

    An expression that cannot be read is true, as in U-Boot.
    """
    if len(arguments) < 2:
        return 1
    left = list(arguments)
    result = False
    joined: tuple[str, bool] | None = None
    negated = False
    while left:
        if len(left) > 1 and left[1] in _BINARY:
            if len(left) < 3:
                return 0
            result = _BINARY[left[1]](left[0], left[2])
            used = 3
        elif left[0] == "!":
            negated = not negated
            left = left[1:]
            continue
        elif left[0] in ("-o", "-a"):
            joined = (left[0], result)
            left = left[1:]
            continue
        elif left[0] in ("-z", "-n") and len(left) > 1:
            result = (left[1] == "") == (left[0] == "-z")
            used = 2
        elif left[0] == "-e" and exists and len(left) > 3:
            result = exists(left[1], left[2], left[3])
            used = 4
        else:
            return 0
        if negated:
            result, negated = not result, False
        if joined:
            result = (joined[1] or result) if joined[0] == "-o" else (joined[1] and result)
            joined = None
        left = left[used:]
    return 0 if result else 1
