"""A credential link (亲情账户): a guardian shows a member's code at the counter.

A link moves no money and lends none (policy.md R203, C1): the member is the patient, and the
member's bindings alone decide who pays. A link needs an identity proof and no fund
authorisation, and is valid at all insured places (R206, R212).

Evidence is always checked (regions.md §3). An adult member agrees in person. For a minor the
kinship register names the guardian as a parent, or an agency reviews the document; the guardian
then activates the link. Before that no code is shown and none identifies a patient.
"""
