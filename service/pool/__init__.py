"""Family pools (家庭共济账户): open, fill and read them."""
