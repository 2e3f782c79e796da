"""9001 and 9002: sign-in for the day. Nothing is stored: the number is a digest."""

from api.his.wire.call import Call
from api.his.wire.envelope import Answered

NUMBER_SIZE = 24


async def sign_in(call: Call) -> Answered:
    """9001: an operator signs in; the number stays the same all day."""
    now = call.context.clock()
    text = f"sign-in\0{call.caller.name}\0{call.first['opter_no']}\0{now.on}"
    number = call.context.vault.sign(text.encode()).hex()[:NUMBER_SIZE]
    return call.answer({"signinoutb": {"sign_time": now.at, "sign_no": number}})


async def sign_out(call: Call) -> Answered:
    """9002: an operator signs out."""
    return call.answer({"signoutoutb": {"sign_time": call.context.clock().at}})
