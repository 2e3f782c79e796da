"""What every read model is made of: tables, rows, recorded events, pages."""
