"""How large a message may be, to the engine and from it: as large as the engine's own."""

from __future__ import annotations

from typing import Final

_MESSAGE_BYTES: Final = 400 * 1024 * 1024
MESSAGE_SIZES: Final = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
)
