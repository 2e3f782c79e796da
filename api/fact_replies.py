"""What is answered of what an agency enters."""

from api.reply_parts import Reply


class KinshipReply(Reply):
    """What `relative` is to `person_no` in the register."""

    person_no: str
    relative: str
    relation: str
    position: int
