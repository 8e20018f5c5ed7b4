"""Results as pictures, for people to look at.

Read downward:
    plots       charts, through matplotlib
"""
