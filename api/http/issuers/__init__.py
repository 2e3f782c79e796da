"""Who may issue bearer tokens, on which terms, and where their keys come from."""
