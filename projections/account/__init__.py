"""Statements, a patient's bills and corrections as lists."""
