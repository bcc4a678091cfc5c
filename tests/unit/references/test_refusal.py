"""What a store on the network said, told without its own words."""

import pytest

from interference_service.references.stores.refusal import unavailable
from interference_service.references.stores.store import Place

SECRETS = ("bucket-of-the-operator", "10.0.0.7", "key-id", "inside")
GCS = (
    "google::cloud::Status({}: Permanent error, with a last message of bucket-of-the-operator/"
    "inside at 10.0.0.7 for key-id error_info={{reason=, domain=, metadata={{}}}})"
)
S3 = (
    "When reading information for key 'inside' in bucket 'bucket-of-the-operator': AWS Error {} "
    "during HeadObject operation: key-id at 10.0.0.7"
)
CURL = "AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 28, Timeout was reached"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GCS.format("PERMISSION_DENIED"), "refuses the service's credentials"),
        (GCS.format("UNAUTHENTICATED"), "refuses the service's credentials"),
        (GCS.format("UNAVAILABLE"), "cannot be reached"),
        (GCS.format("DEADLINE_EXCEEDED"), "did not answer in time"),
        (GCS.format("SOMETHING_NEW"), r"the store failed; tell the operator \(SOMETHING_NEW\)"),
        ("for bucket-of-the-operator HTTP status code: 429", "too busy"),
        (S3.format("ACCESS_DENIED"), "refuses the service's credentials"),
        (S3.format("NO_SUCH_BUCKET"), "bucket does not exist"),
        (S3.format("SLOW_DOWN"), "too busy"),
        (S3.format("UNKNOWN (HTTP status 301)"), "correct its endpoint and region"),
        (CURL, "did not answer in time"),
        ("bucket-of-the-operator is gone", r"the store failed; tell the operator \(no code\)"),
    ],
)
def test_codes_are_told_in_words_and_nothing_else_is(text: str, words: str):
    error = unavailable(OSError(text), Place("data://file", "data.uris[0]"))
    with pytest.raises(type(error), match=words):
        raise error
    assert error.violations[0].field == "spec.data.uris[0]"
    assert not [each for each in SECRETS if each in error.message]
