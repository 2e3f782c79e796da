"""What every route uses: tokens, problems, shapes, the access log, metrics, documents."""
