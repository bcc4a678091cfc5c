"""Operators that form the parameter gradients of every segment of a mixed batch by themselves.

A batch holds rows of several segments (folds of classes), those of one segment side by side. One
forward and one backward pass over it give the gradients of all segments: the gradients of
activations are those of any batch, and only where a parameter meets the batch are the products
formed segment by segment, and added to a table of gradients instead of one gradient. The sums are
n_ck ĝ_ck (Mathematics §1).
"""
