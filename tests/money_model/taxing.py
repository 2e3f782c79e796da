"""The tax side, which books an order once, answers or not, and may be asked again (§4, S107, S110).

`how` is how it behaves now: who hears no answer knows nothing, whatever was booked.
"""

from tests.money_model import premiums
from tests.money_model.world import Words, World

NOES = {"duplicate": "PREMIUM_ALREADY_PAID", "refused": "TAX_REFUSED"}
KEEPS = {"benefit_used": "BENEFIT_USED", "cleared": "CLEARED"}
DEAF = {"down"}
"""Hears nothing, books nothing."""
UNHEARD = {"pending", "garbled", "wrong_amount", "wrong_payee"}
"""Books, and answers nothing that can be believed."""
WAYS = ("normal", *NOES, *KEEPS, *DEAF, *UNHEARD)


class TaxSide:
    """What the tax side made of each order: its no, or nothing against it."""

    def __init__(self) -> None:
        """Begin with empty books."""
        self.how = "normal"
        self.booked: dict[str, str] = {}
        self.given_back: set[str] = set()

    def pay(self, world: World, key: str, about: tuple[str, str, int]) -> Words:
        """Hold a premium and have it booked; the words of a no, of the rules or the tax side."""
        if refused := premiums.pay(world, key, *about):
            return refused
        self._charge(world, key)
        return premiums.no_to_payment(world, key)

    def reverse(self, world: World, key: str) -> Words:
        """Ask for a premium back; the words of a no."""
        if refused := premiums.ask_back(world, key):
            return refused
        attempt = len(world.premiums[key].refusals)
        self._give_back(world, key)
        return premiums.no_to_reversal(world, key, attempt)

    def resolve(self, world: World) -> None:
        """Ask again about everything that waits."""
        for key, premium in world.premiums.items():
            if premium.status == "REVERSE_REQUESTED":
                self._give_back(world, key)
            elif premium.status == "HELD":
                self._ask(world, key)

    def _charge(self, world: World, key: str) -> None:
        if self.how not in DEAF:
            self.booked.setdefault(key, NOES.get(self.how, ""))
            self._tell(world, key)

    def _ask(self, world: World, key: str) -> None:
        """What is booked is told; what never came is sent again, if that is told."""
        if key in self.booked:
            self._tell(world, key)
        elif self.how not in UNHEARD:
            self._charge(world, key)

    def _tell(self, world: World, key: str) -> None:
        if self.how in DEAF | UNHEARD:
            return
        if self.booked[key]:
            premiums.reject(world, key, self.booked[key])
        else:
            premiums.confirm(world, key)

    def _give_back(self, world: World, key: str) -> None:
        if self.how in DEAF:
            return
        if self.how in KEEPS and key not in self.given_back:
            premiums.keep(world, key, KEEPS[self.how])
            return
        self.given_back.add(key)
        if self.how not in UNHEARD:
            premiums.give(world, key)
