"""Values of every metric for rows drawn once, so that no change of a number goes unseen."""

import numpy as np
import pytest

from interference_service.core.scope import Setting
from support.brute_force import random_classes
from support.measured import NAMES, measured

NAN = np.nan
COUNTS = [40, 24, 16]

PINNED = {
    "class-gradient_norm": [7.60284180555, 4.40644865631, 4.60109610137],
    "class-plain_gradient_norm": [7.61123165755, 4.42556052971, 4.62514153875],
    "class-share_of_update": [0.629002052417, 0.218733888162, 0.152264059421],
    "class-descent_rate": [22.7560681078, 5.76559416244, -11.3100748755],
    "class-descent_rate_simultaneous": [22.7560681078, 5.76559416244, -11.3100748755],
    "class-progress_ratio": [0.787363561945, 0.98979529804, -2.67123979356],
    "class-progress_ratio_simultaneous": [0.787363561945, 0.98979529804, -2.67123979356],
    "class-suppression": [0.213266809088, 0.0154174679245, 3.67123979356],
    "class-significant_suppression": [0.213266809088, 0, 3.63942344094],
    "class-support": [0.000630371032579, 0.00521276596449, 0],
    "class-main_suppressor": [2, 2, 0],
    "pair-cosine": [
        [1, 0.00181272630687, -0.881004099973],
        [0.00181272630687, 1, -0.022147857594],
        [-0.881004099973, -0.022147857594, 1],
    ],
    "pair-plain_cosine": [
        [1, 0.00180290847432, -0.875457806888],
        [0.00180290847432, 1, -0.0219375653822],
        [-0.875457806888, -0.0219375653822, 1],
    ],
    "pair-gram": [
        [57.8032035203, 0.0607291084824, -30.8187619246],
        [0.0607291084824, 19.4167897607, -0.449036599999],
        [-30.8187619246, -0.449036599999, 21.170085334],
    ],
    "pair-lower": [
        [NAN, -0.08445572969, -0.917471284237],
        [-0.08445572969, NAN, -0.118681126658],
        [-0.917471284237, -0.118681126658, NAN],
    ],
    "pair-upper": [
        [NAN, 0.0882631219928, -0.848644812072],
        [0.0882631219928, NAN, 0.0833651264599],
        [-0.848644812072, 0.0833651264599, NAN],
    ],
    "pair-p_value": [
        [NAN, 0.518694691777, 7.35300741411e-09],
        [0.518694691777, NAN, 0.32239693777],
        [7.35300741411e-09, 0.32239693777, NAN],
    ],
    "pair-suppression": [
        [0, 0, 0.213266809088],
        [0, 0, 0.0154174679245],
        [3.63942344094, 0.0318163526207, 0],
    ],
    "layer-conflicting_pairs": [2, 2, 0],
    "layer-majority_to_minority_norm_ratio": [2.10793814863, 1.73190044667, 0.789508647328],
    "layer_class-gradient_norm": [
        [5.22329606473, 2.19155852931, 2.76427574708],
        [4.87779620276, 1.95472236114, 3.67816053594],
        [2.59373976043, 3.28525820357, NAN],
    ],
    "layer_class-plain_gradient_norm": [
        [5.22759796383, 2.20230653068, 2.77785782045],
        [4.88235087779, 1.9681771151, 3.69803193372],
        [2.60109914838, 3.29571096892, 0],
    ],
    "layer_class-relative_norm": [
        [3.48219737649, 1.46103901954, 1.84285049805],
        [6.09724525345, 2.44340295143, 4.59770066992],
        [1.29686988021, 1.64262910179, NAN],
    ],
    "layer_class-share_of_update": [
        [0.683324967573, 0.172023179511, 0.144651852916],
        [0.648479799173, 0.155922623025, 0.195597577802],
        [0.568192683684, 0.431807316316, NAN],
    ],
    "layer_class-flow": [
        [0.687018906656, 0.497352562175, 0.600786353117],
        [0.641575390822, 0.443604933044, 0.799409630858],
        [0.341153982519, 0.745556900764, NAN],
    ],
    "layer_class-suppression": [
        [0.0990397170621, 0.156541070439, 1.69576666935],
        [0.163335401038, 0.329190848324, 2.10800130766],
        [0, 0, 0],
    ],
    "layer_class-progress": [
        [0.372955261041, 0.090818500663, -1.33482242726],
        [0.24828358107, -0.0681854220626, -1.3364173663],
        [0.166124719833, 0.96716221944, 0],
    ],
    "summary-mean_minority_cosine": -0.439595686833,
    "summary-least_minority_cosine": -0.881004099973,
    "summary-conflicting_pairs": 1,
    "summary-conflicting_pair_share": 0.333333333333,
    "summary-worst_progress_ratio": -2.67123979356,
    "summary-worst_suppression": 3.67123979356,
    "summary-unlearned_minorities": 1,
}


def analysed():
    """Two minorities against a majority; the last class has no gradient in the last layer."""
    rows = random_classes(COUNTS, 8, features=6, signal=2.0, seed=1964)
    rows.gradients[rows.labels == 2, 4:] = 0.0
    priors = np.array(COUNTS) / sum(COUNTS)
    return measured(
        COUNTS,
        rows.means_of_folds(),
        Setting(priors, np.array([False, True, True])),
        folds=8,
        cuts=[2, 4],
        parameter_norms=[1.5, 0.8, 2.0],
    )


def test_every_metric_is_pinned():
    assert set(PINNED) == set(NAMES)


@pytest.mark.parametrize("name", PINNED)
def test_a_metric_has_its_pinned_value(name):
    np.testing.assert_allclose(analysed()[name], PINNED[name], rtol=1e-9, atol=1e-12)
