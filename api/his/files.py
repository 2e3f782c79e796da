"""Files that institutions fetch: 9102 answers with their bytes."""

from collections.abc import Awaitable, Callable

from api.his import books
from api.his.call import Call

FILES: dict[str, Callable[[Call], Awaitable[bytes]]] = {"9102": books.download}
