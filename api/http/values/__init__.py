"""Values on the wire: bounded numbers and dates, names in a query, cells of a CSV table."""
