"""Random numbers by counting: the constants that the dropout of every folder shares.

A generator with a state must be asked for one number after the other, and two machines that ask in another order get
other numbers. A counter-based one has no state: number i of a stream is a hash of the seed and of i. So every thread,
and every folder, finds the same mask for a seed, and backward can compute it again instead of keeping it.

The hash is SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", fig. 14 and 16;
constants of variant 13). In 64-bit integers, which wrap around:

    z = seed + (i + 1) * GAMMA
    z = (z ^ (z >> 30)) * MIX1
    z = (z ^ (z >> 27)) * MIX2
    z =  z ^ (z >> 31)

Its upper 24 bits, as a fraction, are uniform in [0, 1): u = (z >> 40) * 2**-24.
"""

GAMMA = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, odd: multiples of it are spread evenly and meet every number
MIX1 = 0xBF58476D1CE4E5B9
MIX2 = 0x94D049BB133111EB
BITS = 24  # of the fraction: as many as float32 holds exactly
