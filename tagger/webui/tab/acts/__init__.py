"""What the listeners of each page do; the page of the same name has the components.

They are imported when a listener is first called: a host's start does without them.
"""
