"""The auditors' signals: what is observed, and the rules that judge it."""
