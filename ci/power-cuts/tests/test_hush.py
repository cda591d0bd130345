"""The shell: what U-Boot's own tests of `if` and `test` expect, and that nothing unknown is passed over."""

import pytest
from power_cuts import hush
from power_cuts.small_disk import BOOT_SCRIPT


def run(text: str, **environment: str) -> list[str]:
    """What a script echoes."""
    said: list[str] = []

    def echo(arguments: list[str]) -> int:
        said.append(" ".join(arguments))
        return 0

    def setenv(arguments: list[str]) -> int:
        shell.environment[arguments[0]] = " ".join(arguments[1:])
        return 0

    commands = {"echo": echo, "setenv": setenv, "test": hush.test, "true": lambda _: 0, "false": lambda _: 1}
    shell = hush.Shell(commands, dict(environment))
    shell.run(text)
    return said


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("true", True),
        ("false", False),
        ("test aaa = aaa", True),
        ("test aaa = bbb", False),
        ("test aaa != bbb", True),
        ("test aaa != aaa", False),
        ("test aaa < bbb", True),
        ("test bbb < aaa", False),
        ("test bbb > aaa", True),
        ("test aaa > bbb", False),
        ("test 123 -eq 123", True),
        ("test 123 -eq 456", False),
        ("test 123 -ne 456", True),
        ("test 123 -ne 123", False),
        ("test 123 -lt 456", True),
        ("test 123 -lt 123", False),
        ("test 456 -lt 123", False),
        ("test 123 -le 123", True),
        ("test 456 -le 123", False),
        ("test 456 -gt 123", True),
        ("test 123 -gt 123", False),
        ("test 123 -ge 123", True),
        ("test 123 -ge 456", False),
        ("test -z ''", True),
        ('test -z ""', True),
        ("test -z aaa", False),
        ("test -n aaa", True),
        ("test -n ''", False),
        ("test ! aaa = aaa", False),
        ("test ! aaa = bbb", True),
        ("test ! ! aaa = aaa", True),
        ("test ! ! aaa = bbb", False),
        ("test aaa != aaa -a bbb != bbb", False),
        ("test aaa != aaa -a bbb = bbb", False),
        ("test aaa = aaa -a bbb != bbb", False),
        ("test aaa = aaa -a bbb = bbb", True),
        ("test aaa != aaa -o bbb != bbb", False),
        ("test aaa != aaa -o bbb = bbb", True),
        ("test aaa = aaa -o bbb != bbb", True),
        ("test ! aaa != aaa -a ! bbb != bbb", True),
        ("test ! aaa = aaa -o ! bbb = bbb", False),
        ("test -z", False),
        ("test 0x10 -eq 16", True),
        ("test 10 -gt 3", True),
        ("test -n ${nothing}", False),
        # U-Boot holds for true what it cannot read.
        ("test ${nothing} = 1", True),
        ("test ${nothing} -gt 3", True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    assert run(f"if {condition}; then echo yes; else echo no; fi") == ["yes" if holds else "no"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo a; echo b # c\n# echo d\necho e", ["a", "b", "e"]),
        ("true && echo a || echo b", ["a"]),
        ("false && echo a || echo b", ["b"]),
        ("false || true && echo a", ["a"]),
        ("echo \"${x}\" ${x} '${x}' \\${x}", ["p  q p q ${x} ${x}"]),
        ("setenv y ${x} r; echo ${y}", ["p q r"]),
        ("echo a${x}b", ["ap qb"]),
        ('echo "a\\"b" a#b', ['a"b a#b']),
        ("for i in ${x} r; do echo _${i}_; done", ["_p_", "_q_", "_r_"]),
        ("for i in ${nothing}; do echo never; done; echo end", ["end"]),
        ("n=1; echo ${n}", ["1"]),
        ("if false; then echo a; elif true; then echo b; else echo c; fi", ["b"]),
        ("if false; then echo a; fi; echo $?", ["0"]),
        ('while test -z "${done}"; do echo once; setenv done 1; done', ["once"]),
        ("until test -n ${done}; do echo once; setenv done 1; done", ["once"]),
        ("if true; then if false; then echo a; else echo b; fi; fi", ["b"]),
        ("echo a \\\n b", ["a b"]),
        ("echo <${x}>", ["<p q>"]),
    ],
)
def test_scripts(script: str, said: list[str]) -> None:
    assert run(script, x="p  q") == said


@pytest.mark.parametrize(
    "script",
    [
        "unknown a",
        "echo `a`",
        "echo $(a)",
        "if true; then echo a",
        "if true; echo a; fi",
        "fi",
        "for 1 in a; do echo a; done",
        "for i in a; echo a; done",
        "echo a | echo b",
        "echo a & echo b",
        "echo ${a:-b}",
        "echo $",
        "echo 'a",
        'echo "a',
        "true &&",
        "; && true",
        "echo \\",
        "while true; do true; done",
    ],
)
def test_what_is_not_known_is_an_error(script: str) -> None:
    with pytest.raises(hush.HushError):
        run(script)


def test_numbers_are_read_as_u_boot_reads_them() -> None:
    assert [hush.integer(text) for text in ("12", "0x1f", "010", "-3", "3x", "x", "", "08")] == [
        12,
        31,
        8,
        -3,
        3,
        0,
        0,
        0,
    ]


def test_the_products_boot_script_is_understood() -> None:
    assert hush.parse(BOOT_SCRIPT.read_text()).commands
