"""Read models that follow the log, one per file.

Each file has a row type, a pure `evolve`, the tables, `write` for a batch of events, and the
queries. They hold no personal data, only account ids.

The service creates the tables when it starts, and a rebuild creates them beside the live ones.
They are not migrations, because the log can make them again at any time. A change of shape gets a
new table name (`Table.shape` counts): the new table fills from the first event while an older
release still reads the old one, which a later migration drops. Operators keep using the name of
the read model.
"""

from projections import binding as bindings
from projections import credential_link as links
from projections import institution as institutions
from projections import premium as open_premiums
from projections import premium_party as premiums
from projections import visit as visits
from projections.account import corrections
from projections.account import patient_bills as bills
from projections.account import statement_entries as entries
from projections.audit import signals
from projections.kit.table import Projection
from projections.settlement import movements as settlement_moves
from projections.settlement import settlements

ALL = (
    Projection(bindings.TABLE, bindings.READS, bindings.write),
    Projection(settlements.TABLE, settlements.READS, settlements.write),
    Projection(entries.TABLE, entries.READS, entries.write),
    Projection(settlement_moves.TABLE, settlement_moves.READS, settlement_moves.write),
    Projection(links.TABLE, links.READS, links.write),
    Projection(bills.TABLE, bills.READS, bills.write),
    Projection(open_premiums.TABLE, open_premiums.READS, open_premiums.write),
    Projection(corrections.TABLE, corrections.READS, corrections.write),
    Projection(visits.TABLE, visits.READS, visits.write),
    Projection(premiums.TABLE, premiums.READS, premiums.write),
    Projection(institutions.TABLE, institutions.READS, institutions.write),
    Projection(signals.TABLE, signals.READS, signals.write),
)
"""The read models, in the order they are written."""
