"""What an agency enters of a person's life: a kinship, an off-site filing."""

from typing import Literal

from pydantic import Field

from api.bodies import Body, Day, PersonNo, RegionCode, RelationWord, Word


class KinshipBody(Body):
    """What `relative` is to `person_no`."""

    person_no: PersonNo
    relative: PersonNo
    relation: RelationWord
    reference: Word | None = None


class FilingBody(Body):
    """An off-site care filing; both days included."""

    person_no: PersonNo
    place: RegionCode
    kind: Literal["long_term", "temporary"]
    from_: Day = Field(alias="from")
    to: Day | None = None
    reference: Word | None = None
