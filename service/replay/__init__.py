"""The log told again: every state folded, every decision decided anew, and held against the store.

Nothing here changes anything. `course.py` takes the events one by one, `again.py` decides,
`money.py` counts every fen, `world.py` keeps the states, `stored.py` compares what is stored,
`run.py` is the whole of it.
"""
