"""What the listeners of each page do; the page of the same name has the components.

`why` is of the page Picture, too: `question` has its components. `filled` is the form of the page
Training. All of them are imported when one of their listeners is first called, for the reason that
`later` gives.
"""
