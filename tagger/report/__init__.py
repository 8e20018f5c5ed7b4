"""Results as pictures, for people to look at.

Read downward:
    figures     a figure of matplotlib, made and written
    plots       charts, through matplotlib
    svg         charts as text, to stand in a page
    lines       more of them: lines, and bars that lie
    thumbnail   a small copy of a picture, in a page
    page        one HTML page that needs nothing beside it
"""
