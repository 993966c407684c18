"""What all kinds of declarations share: their models; and the time-outs and scopes of resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_args, get_origin


@dataclass(frozen=True)
class RequiredScopes:
    """The scopes that an API key needs for a resource.

    Attributes:
        read: To read objects.
        write: To create, update and delete objects, in addition to `read`.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeouts:
    """The default time-outs of the operations, in seconds. The user's own time-outs replace them."""

    create: float = 600
    update: float = 600
    delete: float = 300
    read: float = 300


class HasModels:
    """A declaration whose models are the type parameters of its base class: `Resource[KeyArgs, KeyState, Client]`.

    Attributes:
        MODELS: The attributes that get the first parameters of the base class, in order.
    """

    MODELS: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in cls.__dict__.get("__orig_bases__", ()):
            if issubclass(get_origin(base) or object, HasModels):
                for name, model in zip(cls.MODELS, get_args(base), strict=False):
                    if not isinstance(model, TypeVar) and name not in cls.__dict__:
                        setattr(cls, name, model)
