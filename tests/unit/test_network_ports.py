"""Ports for servers that tests start."""

import socket

from support.network_ports import RANGE, free_port, listens


def test_a_port_is_told_once():
    told = [free_port() for _ in range(100)]
    assert len(set(told)) == len(told)
    assert all(port in RANGE for port in told)


def test_a_port_is_free_and_can_be_served():
    port = free_port()
    assert not listens(port)
    with socket.create_server(("127.0.0.1", port)):
        assert listens(port)


def test_a_taken_port_is_passed_over():
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken := free_port()))
        assert taken not in [free_port() for _ in RANGE]
