"""The ledger: decided commands become events in one total order, and stay.

`appender` decides and appends in groups over a `store`: PostgreSQL, or its twin in memory.
`reader` pages through what happened; `rows` is the one place that knows stored bytes;
`recorder` is the face towards the eventsourcing library.
"""
