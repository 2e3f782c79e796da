"""Premiums paid for relatives, from a hold to the tax authority's answer."""
