"""`gongji verify`: check an export without the service, as the stand-alone file does."""

from api.verify.gongji_verify import main

__all__ = ["main"]
