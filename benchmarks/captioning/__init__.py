"""What `benchmarks/caption.py` measures with: pictures, models, a runner for each contestant."""
