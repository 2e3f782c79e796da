"""Credential links (亲情账户): a guardian shows a member's code; no money moves.

Unique names limit a guardian's links, one name per slot, so that concurrent requests cannot
exceed five. The name of a pair allows one open link between two persons.

A guardian who is no registered relative gets the same answers for everybody: the request is
recorded even if there is no such person, and the guardian's own view of it shows no member until
the member, a parent or an agency agreed.
"""
