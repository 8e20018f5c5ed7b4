"""The drawn booru: chibi figures with known truth, and the model that was trained on them."""
