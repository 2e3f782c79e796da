"""`gongji verify`: check an export offline; runs the stand-alone file."""

from api.verify.gongji_verify import main

__all__ = ["main"]
