"""Ristretto255 in batches: eight group elements at a time in vector registers, compiled with numba.

libsodium's functions take one element a call and decode and encode it each time. These kernels do the same arithmetic
on packed arrays, and their results are equal to libsodium's byte for byte (tests/forum/matching/curve).
"""
