"""Which models stay on the cluster."""

from hypothesis import given, strategies as st

from interference_service.compute.models import ModelCache

MODELS = st.tuples(st.sampled_from("abcd"), st.integers(0, 12))


def test_a_model_that_was_used_stays_and_the_oldest_goes():
    cache = ModelCache(20)
    cache.keep("a", "ref a", 8)
    cache.keep("b", "ref b", 8)
    assert cache.get("a") == "ref a"
    cache.keep("c", "ref c", 8)
    assert [cache.get(each) for each in "abc"] == ["ref a", None, "ref c"]


def test_a_newer_reference_takes_the_place_of_one_that_may_be_lost():
    cache = ModelCache(20)
    cache.keep("a", "lost", 8)
    cache.keep("a", "there", 8)
    assert cache.get("a") == "there"


def test_a_model_larger_than_the_cache_is_not_kept_and_costs_the_others_nothing():
    cache = ModelCache(20)
    cache.keep("a", "ref a", 8)
    cache.keep("b", "ref b", 21)
    assert [cache.get(each) for each in "ab"] == ["ref a", None]


@given(st.lists(MODELS, max_size=30))
def test_what_is_kept_is_within_the_limit_and_the_last_that_fits_is_among_it(used):
    cache, sizes = ModelCache(10), {}
    for digest, size in used:
        cache.keep(digest, digest, size)
        sizes[digest] = size
        assert (cache.get(digest) is not None) == (size <= 10)
    assert sum(size for digest, size in sizes.items() if cache.get(digest)) <= 10
