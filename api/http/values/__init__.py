"""Values on the wire: bounded numbers and dates, cells of a CSV table."""
