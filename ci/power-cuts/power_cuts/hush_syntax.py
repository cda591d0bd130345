"""What U-Boot's shell reads in a boot script: words, operators and the commands made of them.

What is not known is an error, never passed over: a script that uses more than this is reported, not guessed at.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = {"if", "then", "elif", "else", "fi", "for", "in", "do", "done", "while", "until"}
_SEPARATORS = {";", "\n"}


class HushError(Exception):
    """The script cannot be run by U-Boot, or uses what this shell does not have."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word: plain text, or the value of a variable."""

    text: str
    is_variable: bool
    quoted: bool


@dataclass(frozen=True, slots=True)
class Word:
    """One word before its variables were put in."""

    pieces: tuple[Piece, ...]

    @property
    def keyword(self) -> str | None:
        """The text, when the word could be a reserved one."""
        if len(self.pieces) == 1 and not self.pieces[0].quoted and not self.pieces[0].is_variable:
            return self.pieces[0].text
        return None


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows from each, and what follows when none holds."""

    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script | None"


@dataclass(frozen=True, slots=True)
class For:
    """A loop over words."""

    variable: str
    words: tuple[Word, ...]
    body: "Script"


@dataclass(frozen=True, slots=True)
class While:
    """A loop while a condition holds, or until it does."""

    condition: "Script"
    body: "Script"
    until: bool


@dataclass(frozen=True, slots=True)
class Script:
    """Commands, each with what stands before it: `;`, `&&` or `||`."""

    commands: tuple[tuple[str, "Simple | If | For | While"], ...]


Token = Word | str


def tokens(text: str) -> Iterator[Token]:
    """Split a script into words and operators."""
    position = 0
    pieces: list[Piece] = []
    while position < len(text):
        character = text[position]
        rest = text[position:]
        if rest.startswith("\\\n"):
            position += 2
            continue
        if character in " \t\n;&|#" and not (character == "#" and pieces):
            if pieces:
                yield Word(tuple(pieces))
                pieces = []
            if character == "#":
                position = text.find("\n", position)
                if position < 0:
                    break
            elif character in _SEPARATORS:
                yield character
                position += 1
            elif character in "&|":
                if rest[:2] not in ("&&", "||"):
                    raise HushError(f"a single {character!r} means nothing to U-Boot: {rest[:20]!r}")
                yield rest[:2]
                position += 2
            else:
                position += 1
            continue
        if character == "'":
            end = text.find("'", position + 1)
            if end < 0:
                raise HushError("a ' is never closed")
            pieces.append(Piece(text[position + 1 : end], False, True))
            position = end + 1
        elif character == '"':
            position = _double_quoted(text, position + 1, pieces)
        elif character == "$":
            piece, position = _variable(text, position, quoted=False)
            pieces.append(piece)
        elif character == "\\":
            if len(rest) < 2:
                raise HushError("the script ends in a backslash")
            pieces.append(Piece(rest[1], False, True))
            position += 2
        elif character in "`()":
            raise HushError(f"{character!r} is not in U-Boot's shell: {rest[:20]!r}")
        else:
            end = position
            while end < len(text) and text[end] not in " \t\n;&|'\"$\\`()":
                end += 1
            pieces.append(Piece(text[position:end], False, False))
            position = end
    if pieces:
        yield Word(tuple(pieces))


def _double_quoted(text: str, position: int, pieces: list[Piece]) -> int:
    literal = ""
    while position < len(text):
        character = text[position]
        if character == '"':
            pieces.append(Piece(literal, False, True))
            return position + 1
        if character == "\\" and text[position + 1 : position + 2] in ('"', "\\", "$", "\n"):
            literal += text[position + 1].replace("\n", "")
            position += 2
        elif character == "$":
            pieces.append(Piece(literal, False, True))
            literal = ""
            piece, position = _variable(text, position, quoted=True)
            pieces.append(piece)
        else:
            literal += character
            position += 1
    raise HushError('a " is never closed')


def _variable(text: str, position: int, *, quoted: bool) -> tuple[Piece, int]:
    if text.startswith("${", position):
        end = text.find("}", position)
        name = text[position + 2 : end]
        if end < 0 or not NAME.fullmatch(name):
            raise HushError(f"not a variable: {text[position : position + 30]!r}")
        return Piece(name, True, quoted), end + 1
    if text.startswith("$?", position):
        return Piece("?", True, quoted), position + 2
    match = NAME.match(text, position + 1)
    if not match:
        raise HushError(f"not a variable: {text[position : position + 30]!r}")
    return Piece(match[0], True, quoted), match.end()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._position = 0

    def _peek(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _keyword(self) -> str | None:
        token = self._peek()
        return token.keyword if isinstance(token, Word) else None

    def _expect(self, *keywords: str) -> str:
        keyword = self._keyword()
        if keyword not in keywords:
            raise HushError(f"expected {' or '.join(keywords)}, found {self._peek()}")
        self._position += 1
        return keyword

    def script(self, *ends: str) -> Script:
        commands: list[tuple[str, Simple | If | For | While]] = []
        joint = ";"
        while True:
            while self._peek() in _SEPARATORS:
                self._position += 1
            if self._peek() is None or self._keyword() in ends:
                break
            commands.append((joint, self._command()))
            follower = self._peek()
            if follower in ("&&", "||"):
                joint = str(follower)
                self._position += 1
                while self._peek() == "\n":
                    self._position += 1
            else:
                joint = ";"
        if joint != ";":
            raise HushError(f"nothing follows {joint}")
        if ends and self._peek() is None:
            raise HushError(f"{' or '.join(ends)} is missing")
        return Script(tuple(commands))

    def _command(self) -> Simple | If | For | While:
        match self._keyword():
            case "if":
                return self._if()
            case "for":
                return self._for()
            case "while" | "until" as kind:
                self._position += 1
                condition = self.script("do")
                self._expect("do")
                body = self.script("done")
                self._expect("done")
                return While(condition, body, kind == "until")
            case keyword if keyword in _RESERVED:
                raise HushError(f"{keyword} stands where a command should")
        words = []
        while isinstance(token := self._peek(), Word):
            words.append(token)
            self._position += 1
        if not words:
            raise HushError(f"a command is missing before {self._peek()!r}")
        return Simple(tuple(words))

    def _if(self) -> If:
        branches = []
        otherwise = None
        keyword = self._expect("if")
        while keyword in ("if", "elif"):
            condition = self.script("then")
            self._expect("then")
            body = self.script("elif", "else", "fi")
            branches.append((condition, body))
            keyword = self._expect("elif", "else", "fi")
        if keyword == "else":
            otherwise = self.script("fi")
            self._expect("fi")
        return If(tuple(branches), otherwise)

    def _for(self) -> For:
        self._expect("for")
        name = self._keyword()
        if name is None or not NAME.fullmatch(name):
            raise HushError(f"not a variable for a loop: {self._peek()}")
        self._position += 1
        self._expect("in")
        words = []
        while isinstance(token := self._peek(), Word):
            words.append(token)
            self._position += 1
        while self._peek() in _SEPARATORS:
            self._position += 1
        self._expect("do")
        body = self.script("done")
        self._expect("done")
        return For(name, tuple(words), body)


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Script:
    """Understand a script, or raise HushError."""
    return _Parser(text).script()
