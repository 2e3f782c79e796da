"""Parts of every read model: tables, rows, recorded events, pages."""
