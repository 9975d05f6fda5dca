"""Any value that can be kept, for Hypothesis: a module for each family, `anything` for all.

Each strategy is made once: to make and to check it anew for every example took 40 of 50 ms.
"""
