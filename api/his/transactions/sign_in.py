"""9001 and 9002: an operator signs in for the day. Nothing is stored: the number is a digest."""

from api.his.wire.call import Call
from api.his.wire.envelope import Answered

NUMBER_SIZE = 24


async def sign_in(call: Call) -> Answered:
    """9001: the same number for an operator all day."""
    now = call.api.context.clock()
    who = f"sign-in\0{call.caller.name}\0{call.first['opter_no']}\0{now.on}"
    number = call.api.context.vault.sign(who.encode()).hex()[:NUMBER_SIZE].upper()
    return call.answer({"signinoutb": {"sign_time": now.at, "sign_no": number}})


async def sign_out(call: Call) -> Answered:
    """9002: he signs out; what he did stays his."""
    return call.answer({"signoutoutb": {"sign_time": call.api.context.clock().at}})
