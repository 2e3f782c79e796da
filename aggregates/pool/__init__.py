"""The family pool (家庭共济账户): money that its owner moved out of the account for relatives."""
