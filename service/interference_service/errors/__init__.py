"""One tree of errors for the whole service, with transport-neutral codes.

::

    ServiceError
    ├── InvalidRequest            fields of a request that do not fit
    │   └── InvalidToken          a page or resume token of another call
    ├── Unauthenticated           nobody knows who calls
    ├── PermissionDenied          who calls may not do this
    ├── AuthenticationUnavailable nobody can tell now who calls
    ├── NotFound
    ├── JobExists                 the job id is taken
    ├── RequestIdReused           the request id was used with another request
    ├── WrongState                the job's state forbids it
    ├── NoResult                  the job did not succeed
    ├── EtagMismatch              somebody else changed the job
    ├── LeaseLost                 another worker holds the job
    ├── Draining                  the server is going down
    ├── StoreUnavailable          the database is away or busy
    ├── Overloaded                the server has too much of this to do now
    ├── QuotaExceeded             the project has used up a limit of its own
    ├── CallTimeout               the call took longer than the server allows
    ├── SlowReader                nobody reads what the server streams
    ├── ClientTooOld              the operator wants a newer client
    ├── InternalError             anything unexpected, told by an incident id
    └── AnalysisError             a cause in the job itself; ends up in the job's error
        ├── InputUnavailable      model or data missing, unreadable or with another digest
        ├── InputUnsupported      a model or data that is refused, with the rule that refuses it
        ├── InvalidData           rows that do not fit the specification
        ├── NonFinite             a loss or gradient that is NaN or infinite
        ├── OutOfMemory
        ├── WorkerLost            every attempt lost its worker
        ├── RunTimeout
        └── Cancelled

Errors cross process boundaries, so every one of them pickles.
"""

from interference_service.errors.analysis import (
    AnalysisError,
    Cancelled,
    InputUnavailable,
    InputUnsupported,
    InvalidData,
    NonFinite,
    OutOfMemory,
    RunTimeout,
    WorkerLost,
)
from interference_service.errors.base import ErrorCode, ServiceError, Violation
from interference_service.errors.requests import (
    AuthenticationUnavailable,
    CallTimeout,
    ClientTooOld,
    Draining,
    EtagMismatch,
    InternalError,
    InvalidRequest,
    InvalidToken,
    JobExists,
    LeaseLost,
    NoResult,
    NotFound,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RequestIdReused,
    SlowReader,
    StoreUnavailable,
    Unauthenticated,
    WrongState,
)

__all__ = [
    "AnalysisError",
    "AuthenticationUnavailable",
    "CallTimeout",
    "Cancelled",
    "ClientTooOld",
    "Draining",
    "ErrorCode",
    "EtagMismatch",
    "InputUnavailable",
    "InputUnsupported",
    "InternalError",
    "InvalidData",
    "InvalidRequest",
    "InvalidToken",
    "JobExists",
    "LeaseLost",
    "NoResult",
    "NonFinite",
    "NotFound",
    "OutOfMemory",
    "Overloaded",
    "PermissionDenied",
    "QuotaExceeded",
    "RequestIdReused",
    "RunTimeout",
    "ServiceError",
    "SlowReader",
    "StoreUnavailable",
    "Unauthenticated",
    "Violation",
    "WorkerLost",
    "WrongState",
]
