"""Replays the log: folds every state, decides every decision again, and compares with the store.

Nothing is changed. `walk` takes the events one by one, `redecide` decides again,
`money_conservation` counts every fen, `state_cache` has the states, `compare` reads what is stored
beside the log, and `run` is the whole replay.
"""
