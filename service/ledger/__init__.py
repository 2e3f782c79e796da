"""The ledger: decided commands are appended as events in one total order.

`appender` decides commands and appends them in groups to a `store`: PostgreSQL, or memory in
tests. `codec` has the format of stored bytes; `recorder` is for the eventsourcing library.
"""
