"""The analysis on Ray: scan, plan, gradients, reduce."""
