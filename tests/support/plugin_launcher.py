"""What an engine starts as its plugin where a fork of `plugin_zygote` is to serve: `plugin_launcher.py ADDRESS …`.

It passes on signals and ends when the fork ends. If it is killed, the fork ends.
"""

import _socket  # `socket` takes longer to import than the rest
import array
import marshal
import os
import signal
import sys

SIZE = 4
address, *arguments = sys.argv[1:]
link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
link.connect(address)
request = marshal.dumps((os.getpid(), os.getcwd(), [sys.argv[0], *arguments], dict(os.environb)))  # noqa: PTH109 - pathlib takes longer to import
streams = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
link.sendmsg([len(request).to_bytes(SIZE, "big")], streams)
link.sendall(request)
fork = int.from_bytes(link.recv(SIZE), "big")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, _: os.kill(fork, received))
link.recv(1)  # returns when the fork has ended
