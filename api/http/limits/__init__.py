"""What one connection, address or caller may cost the others."""
