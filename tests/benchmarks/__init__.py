"""What an analysis costs, as ratios against the unavoidable cost."""
