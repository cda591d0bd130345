"""The tools of the bench against IoT Hub: a count that misses a loss, or a link that is never cut, would flatter."""

import socket
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from hub import Arrival
from iot_hub import Numbers, Plan
from relay import Relay

PATIENCE = 30


def arrivals(*numbers: int) -> list[Arrival]:
    return [Arrival(number, float(number), float(number)) for number in numbers]


def test_what_is_lost_repeated_or_disordered_is_counted():
    assert Numbers.of(arrivals(7, 8, 9)) == Numbers(3, 0, 0, 0)
    assert Numbers.of(arrivals(1, 2, 5)) == Numbers(5, 2, 0, 0)
    assert Numbers.of(arrivals(1, 2, 2, 3, 2)) == Numbers(3, 0, 2, 0)
    assert Numbers.of(arrivals(1, 3, 2, 4)) == Numbers(4, 0, 0, 1)


def test_a_seed_gives_the_same_cuts_again_of_both_kinds():
    plan = Plan(seed=5, cuts=40)
    assert plan.schedule() == plan.schedule() != Plan(seed=6, cuts=40).schedule()
    downs = [down for _, down in plan.schedule()]
    assert 0 < downs.count(0) < 40
    assert max(downs) <= plan.down


@pytest.fixture
def echo():
    """Serve what returns what it is sent; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=lambda client=client: repeat(client), daemon=True).start()

        def repeat(client: socket.socket):
            try:
                while data := client.recv(100):
                    client.sendall(data)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_a_link_carries_breaks_refuses_and_is_back(echo):
    relay = Relay(echo)

    def connect() -> socket.socket:
        link = socket.create_connection(("127.0.0.1", relay.port), PATIENCE)
        link.sendall(b"there")
        assert link.recv(100) == b"there"
        return link

    link = connect()
    relay.cut()
    with pytest.raises(ConnectionResetError):
        while link.recv(100):
            pass
    link = connect()
    relay.close()
    with pytest.raises(ConnectionResetError):
        while link.recv(100):
            pass
    with pytest.raises(ConnectionRefusedError):
        connect()
    relay.reopen()
    connect()
