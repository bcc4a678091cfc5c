"""Three classes in two layers of one parameter each, whose metrics are worked out by hand.

The gradients are (2, 0), (−1, 1) and (2, 1), the shares 1/2, 1/4 and 1/4. So

    G = [ 4 −2  4]    of the first layer [ 4 −2  4]    of the second [0  0  0]
        [−2  2 −1]                       [−2  1 −2]                  [0  1  1]
        [ 4 −1  5]                       [ 4 −2  4]                  [0  1  1]

All rows of a class are alike, so nothing is uncertain. The second and the third class are
minorities. Pairs conflict below −1/2, so the first two do; the last two have a cosine of −0.32.
"""

import numpy as np
import pytest

from interference_service.core.scope import Setting
from support.measured import NAMES, measured

NAN = np.nan
ROOT_2, ROOT_5, ROOT_10 = np.sqrt([2, 5, 10])

WORKED_OUT = {
    "class-gradient_norm": [2, ROOT_2, ROOT_5],
    "class-plain_gradient_norm": [2, ROOT_2, ROOT_5],
    "class-share_of_update": np.array([4, ROOT_2, ROOT_5]) / (4 + ROOT_2 + ROOT_5),
    # Σ_d π_d G_cd: 2 − 1/2 + 1, −1 + 1/2 − 1/4, 2 − 1/4 + 5/4.
    "class-descent_rate": [5 / 2, -3 / 4, 3],
    "class-descent_rate_simultaneous": [5 / 2, -3 / 4, 3],
    # Over π_c U_c, which is 2, 1/2 and 5/4.
    "class-progress_ratio": [5 / 4, -3 / 2, 12 / 5],
    "class-progress_ratio_simultaneous": [5 / 4, -3 / 2, 12 / 5],
    # 1/2 over 2; 1 + 1/4 over 1/2; 1/4 over 5/4.
    "class-suppression": [1 / 4, 5 / 2, 1 / 5],
    "class-significant_suppression": [1 / 4, 2, 0],
    # 1 over 2; nothing; 2 over 5/4.
    "class-support": [1 / 2, 0, 8 / 5],
    "class-main_suppressor": [1, 0, 1],
    "pair-cosine": [
        [1, -1 / ROOT_2, 2 / ROOT_5],
        [-1 / ROOT_2, 1, -1 / ROOT_10],
        [2 / ROOT_5, -1 / ROOT_10, 1],
    ],
    "pair-plain_cosine": [
        [1, -1 / ROOT_2, 2 / ROOT_5],
        [-1 / ROOT_2, 1, -1 / ROOT_10],
        [2 / ROOT_5, -1 / ROOT_10, 1],
    ],
    "pair-gram": [[4, -2, 4], [-2, 2, -1], [4, -1, 5]],
    "pair-lower": [
        [NAN, -1 / ROOT_2, 2 / ROOT_5],
        [-1 / ROOT_2, NAN, -1 / ROOT_10],
        [2 / ROOT_5, -1 / ROOT_10, NAN],
    ],
    "pair-upper": [
        [NAN, -1 / ROOT_2, 2 / ROOT_5],
        [-1 / ROOT_2, NAN, -1 / ROOT_10],
        [2 / ROOT_5, -1 / ROOT_10, NAN],
    ],
    "pair-p_value": [[NAN, 0, 1], [0, NAN, 1], [1, 1, NAN]],
    "pair-suppression": [[0, 1 / 4, 0], [2, 0, 1 / 2], [0, 1 / 5, 0]],
    # All three pairs of the first layer are parallel: of −1, 1 and −1 two are below −1/2.
    "layer-conflicting_pairs": [2, 0],
    # 2 over the mean of 1 and 2; in the second layer the majority has no gradient.
    "layer-majority_to_minority_norm_ratio": [4 / 3, NAN],
    "layer_class-gradient_norm": [[2, 1, 2], [NAN, 1, 1]],
    "layer_class-plain_gradient_norm": [[2, 1, 2], [0, 1, 1]],
    # The parameters of the layers have the norms 2 and 1/2.
    "layer_class-relative_norm": [[1, 1 / 2, 1], [NAN, 2, 2]],
    # 1, 1/4 and 1/2 over 7/4; 1/4 and 1/4 over 1/2.
    "layer_class-share_of_update": [[4 / 7, 1 / 7, 2 / 7], [NAN, 1 / 2, 1 / 2]],
    "layer_class-flow": [[1, 1 / ROOT_2, 2 / ROOT_5], [NAN, 1 / ROOT_2, 1 / ROOT_5]],
    # 1/2 over 2; 1 + 1/2 over 1/2; 1/2 over 5/4. Nobody conflicts in the second layer.
    "layer_class-suppression": [[1 / 4, 3, 2 / 5], [0, 0, 0]],
    # 2 − 1/2 + 1 over 2; −1 + 1/4 − 1/2 over 1/2; 2 − 1/2 + 1 over 5/4; then 1/4 + 1/4.
    "layer_class-progress": [[5 / 4, -5 / 2, 2], [0, 1, 2 / 5]],
    "summary-mean_minority_cosine": (-1 / ROOT_2 + 2 / ROOT_5) / 2,
    "summary-least_minority_cosine": -1 / ROOT_2,
    "summary-conflicting_pairs": 1,
    "summary-conflicting_pair_share": 1 / 3,
    "summary-worst_progress_ratio": -3 / 2,
    "summary-worst_suppression": 5 / 2,
    "summary-unlearned_minorities": 1,
}


def test_every_metric_is_worked_out():
    assert set(WORKED_OUT) == set(NAMES)


@pytest.mark.parametrize("name", WORKED_OUT)
def test_a_metric_is_what_is_worked_out_by_hand(name):
    found = measured(
        [6, 3, 3],
        np.repeat([[2, 0], [-1, 1], [2, 1]], 3, axis=0),
        Setting(np.array([0.5, 0.25, 0.25]), np.array([False, True, True]), conflict_level=-0.5),
        folds=3,
        cuts=[1],
        parameter_norms=[2, 0.5],
    )
    np.testing.assert_allclose(found[name], WORKED_OUT[name], rtol=0, atol=1e-7)
