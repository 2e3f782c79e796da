"""Values as they cross the wire: bounded numbers and dates, cells of a CSV table."""
