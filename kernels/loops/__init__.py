"""The definition of every operation: plain nested loops, as in the textbook. Slow, obvious: the oracle of the others."""
