"""Token buckets, against a bucket that counts its tokens as fractions."""

from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import given, strategies as st

from interference_service.domain.quotas import Quota
from interference_service.jobs.rates import SubmitRates

MINUTE = 60 * 10**9
RATES = st.sampled_from([0.5, 1.0, 6.0, 60.0, 600.0, 30_000.0])  # all with whole nanoseconds apart
QUOTAS = st.builds(Quota, submits_per_minute=RATES, submit_burst=st.integers(1, 20))
PAUSES = st.lists(st.one_of(st.just(0), st.integers(0, 2 * MINUTE)), min_size=1, max_size=60)


@dataclass
class Time:
    """A monotonic clock that the test moves."""

    now: int = 10**18

    def __call__(self) -> int:
        return self.now


@dataclass
class Bucket:
    """What a token bucket is, without any art."""

    quota: Quota
    time: Time
    tokens: Fraction = field(init=False)
    at: int = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.at = Fraction(self.quota.submit_burst), self.time()

    def take(self) -> Fraction:
        """Take a token; returns 0, or nanoseconds until there is one."""
        rate = Fraction(self.quota.submits_per_minute) / MINUTE
        self.tokens += (self.time() - self.at) * rate
        self.tokens, self.at = min(self.tokens, Fraction(self.quota.submit_burst)), self.time()
        if self.tokens >= 1:
            self.tokens -= 1
            return Fraction(0)
        return (1 - self.tokens) / rate


@given(QUOTAS, PAUSES)
def test_it_gives_what_a_bucket_of_tokens_gives(quota, pauses):
    time = Time()
    rates, bucket = SubmitRates(time), Bucket(quota, time)
    for pause in pauses:
        time.now += pause
        assert rates.take("solar", quota) == float(bucket.take()) / 1e9


@given(QUOTAS, PAUSES)
def test_no_stretch_of_time_brings_more_than_burst_and_rate_allow(quota, pauses):
    time = Time()
    rates, taken = SubmitRates(time), []
    for pause in pauses:
        time.now += pause
        if not rates.take("solar", quota):
            taken.append(time.now)
    for first, begin in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            refilled = Fraction(quota.submits_per_minute) * (end - begin) / MINUTE
            assert count <= quota.submit_burst + refilled


@given(QUOTAS, PAUSES)
def test_who_waits_as_long_as_told_gets_a_token_and_no_sooner(quota, pauses):
    time = Time()
    rates = SubmitRates(time)
    for pause in pauses:
        time.now += pause
        wait = round(rates.take("solar", quota) * 1e9)
        if wait:
            assert rates.wait("solar", quota) == wait / 1e9
            time.now += wait - 1
            assert rates.take("solar", quota) > 0
            time.now += 1
            assert rates.take("solar", quota) == 0


@given(QUOTAS, st.integers(1, 40))
def test_a_refusal_and_a_look_cost_nothing(quota, tries):
    rates = SubmitRates(Time())
    given_out = sum(not rates.take("solar", quota) for _ in range(tries))
    before = rates.wait("solar", quota)
    for _ in range(3):
        rates.wait("solar", quota)
        if before:
            assert rates.take("solar", quota) == before
    assert given_out == min(tries, quota.submit_burst)
    assert rates.wait("solar", quota) == before


def test_projects_do_not_share_a_bucket():
    rates, quota = SubmitRates(Time()), Quota(submits_per_minute=1, submit_burst=1)
    assert [rates.take(project, quota) > 0 for project in ("a", "a", "b")] == [False, True, False]


def test_a_rate_of_zero_is_no_limit():
    rates, quota = SubmitRates(Time()), Quota(submits_per_minute=0, submit_burst=1)
    assert not any(rates.take("solar", quota) for _ in range(100))


def test_projects_that_have_been_quiet_are_forgotten():
    time, quota = Time(), Quota(submits_per_minute=600, submit_burst=1)
    rates = SubmitRates(time)
    for index in range(10_000):
        rates.take(f"project-{index}", quota)
        time.now += MINUTE // 600
    assert len(rates._full_at) < 2_000


def test_projects_that_are_not_quiet_are_not_forgotten():
    time, quota = Time(), Quota(submits_per_minute=1, submit_burst=1)
    rates = SubmitRates(time)
    for index in range(3_000):
        rates.take(f"project-{index}", quota)
    assert all(rates.wait(f"project-{index}", quota) for index in range(3_000))
