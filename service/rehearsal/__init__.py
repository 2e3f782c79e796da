"""Recorded history decided again under a draft of a region's rules (regions.md §7)."""
