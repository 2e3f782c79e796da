"""The national protocol on the wire: envelopes, forms, signatures, amounts and field tables."""
