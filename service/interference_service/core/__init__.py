"""The mathematics: tensors and arrays in, arrays out; no Ray, gRPC, files or SQL.

========  ============================================================  =============
symbol    meaning                                                       shape
========  ============================================================  =============
C         number of classes, or of groups                               scalar
K_c       folds of class c                                              scalar
R         segments, that is pairs (class, fold): the sum of all K_c     scalar
P_l       parameters of layer l                                         scalar
X         mean gradient of every segment                                ``[R, P_l]``
A         inner products of segments with class means                   ``[R, C]``
B         inner products of the folds of one class                      ``[R, K]``
G         noise-corrected Gram matrix of the class gradients            ``[C, C]``
U         its diagonal: unbiased squared norms                          ``[C]``
M         Gradient Conflict Matrix                                      ``[C, C]``
π         prior: share of a class in the update                         ``[C]``
ρ         progress ratio                                                ``[C]``
========  ============================================================  =============

``README.md`` beside this file has the definitions; functions cite its sections.
"""
