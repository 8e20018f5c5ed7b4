"""The model of whoever names none."""

DEFAULT = "wd-swinv2-tagger-v3"
