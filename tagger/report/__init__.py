"""Results as pictures, for people to look at.

Read downward:
    plots       charts, through matplotlib
    svg         charts as text, to stand in a page
    thumbnail   a small copy of a picture, in a page
    page        one HTML page that needs nothing beside it
"""
