"""Whether the service does its work."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboard_generator.pages import page, several, with_sections
from dashboard_generator.panels import (
    BAD_ABOVE_ZERO,
    Column,
    Levels,
    Panels,
    Text,
    graph,
    number,
    rows,
    stat,
)
from dashboard_generator.promql import quantile

CHOSEN = 'namespace=~"$namespace", instance=~"$instance"'
"""Of what a process counts; sums over processes are right."""
STORE = 'namespace=~"$namespace"'
"""Of what the store holds; all processes tell the same."""
_ERRORS = "Unknown|Internal|Unavailable|DataLoss|DeadlineExceeded"
_UNARY = f'{CHOSEN}, grpc_type="unary"'


def dashboard() -> Dashboard:
    """The dashboard."""
    made = page(
        "service",
        "Interference: the service",
        "Whether calls are answered, jobs go on, and what they stand on is well.",
        since="now-6h",
        runbook="InterferenceNotReady",
    ).with_variable(several("instance", "Instance", "interference_ready"))
    return with_sections(
        made,
        [
            ("Now", _now()),
            ("Calls", _calls()),
            ("Jobs", _jobs()),
            ("Workers", _workers()),
            ("Store and process", _process()),
        ],
    )


def _rate(name: str, by: str = "", selection: str = CHOSEN) -> str:
    total = f"rate({name}{{{selection}}}[$__rate_interval])"
    return f"sum by ({by}) ({total})" if by else f"sum({total})"


def _now() -> Panels:
    def of(
        title: str,
        description: str,
        expression: str,
        unit: str = "short",
        levels: Levels = (),
        below: str = "green",
    ) -> stat.Panel:
        text = Text(title, description, unit, width=4, height=4)
        return number(text, expression, levels, below)

    return [
        of(
            "Ready",
            "Processes that take work.",
            f"sum(interference_ready{{{CHOSEN}}})",
            levels=((1, "green"),),
            below="red",
        ),
        of(
            "Not answering",
            "What a process stands on (store, cluster) and does not get an answer from.",
            f"count(interference_dependency_up{{{CHOSEN}}} == 0) or vector(0)",
            levels=BAD_ABOVE_ZERO,
        ),
        of(
            "Oldest pending job",
            "How long it has waited.",
            f"max(interference_queue_oldest_job_age_seconds{{{STORE}}})",
            "s",
            levels=((600, "orange"), (3600, "red")),
        ),
        of(
            "Results unreadable",
            "Processes that cannot read the store or a result in it, so that series are missing.",
            f"sum(interference_results_collect_failed{{{STORE}}})",
            levels=BAD_ABOVE_ZERO,
        ),
        of(
            "Certificate holds for",
            "Of those that new connections get, the one that expires first; empty without TLS.",
            f"min(interference_certificate_expiry_timestamp_seconds{{{CHOSEN}}}) - time()",
            "s",
            levels=((172800, "orange"), (1209600, "green")),
            below="red",
        ),
        of(
            "Workers lost",
            "In the time shown; their work ran again elsewhere.",
            f"sum(increase(interference_workers_lost_total{{{CHOSEN}}}[$__range]))",
            levels=((1, "orange"),),
        ),
    ]


def _calls() -> Panels:
    errors = _rate("grpc_server_handled_total", "grpc_method", f'{CHOSEN}, grpc_code=~"{_ERRORS}"')
    return [
        graph(
            Text("Calls", "Finished calls a second, by method.", "reqps", 8),
            {"{{grpc_method}}": _rate("grpc_server_handled_total", "grpc_method")},
        ),
        graph(
            Text(
                "Calls that fail",
                "A second, for reasons that are not those of the callers.",
                "reqps",
                8,
            ),
            {"{{grpc_method}}": errors},
        ),
        graph(
            Text(
                "Calls refused",
                "A second, for who made them, or for a limit of their project.",
                "reqps",
                8,
            ),
            {
                "{{cause}}": _rate("interference_refused_calls_total", "cause"),
                "limits": f"{_rate('interference_quota_refusals_total')} or vector(0)",
            },
        ),
        graph(
            Text("Time of calls", "Of unary methods, that 99 of 100 calls stay below.", "s"),
            {
                "{{grpc_method}}": quantile(
                    0.99, "grpc_server_handling_seconds", _UNARY, "grpc_method"
                )
            },
        ),
        graph(
            Text("Streams", "Open now, and given up because nobody read them."),
            {
                "{{kind}}": f"sum by (kind) (interference_streams_open{{{CHOSEN}}})",
                "given up a second": _rate("interference_streams_stuck_total"),
            },
        ),
    ]


def _jobs() -> Panels:
    return [
        graph(
            Text("Unfinished jobs", "By state, of all projects.", width=8),
            {"{{state}}": f"max by (state) (interference_jobs{{{STORE}}})"},
        ),
        graph(
            Text("Unfinished jobs by project", "Of the projects that have the most.", width=8),
            {"{{project}}": f"max by (project) (interference_jobs_active{{{STORE}}}) or vector(0)"},
        ),
        graph(
            Text("Age of the oldest pending job", "0 where none waits.", "s", 8),
            {"age": f"max(interference_queue_oldest_job_age_seconds{{{STORE}}})"},
        ),
        graph(
            Text("Jobs that ended", "Per second, by state and reason.", "ops", 8),
            {"{{state}} {{reason}}": _rate("interference_jobs_finished_total", "state, reason")},
        ),
        graph(
            Text(
                "Submissions and attempts", "Per second; a retry follows a lost worker.", "ops", 8
            ),
            {
                "submitted": _rate("interference_jobs_submitted_total"),
                "{{kind}} attempts": _rate("interference_job_attempts_total", "kind"),
            },
        ),
        graph(
            Text("Time of jobs", "From creation to end, for half and for 95 of 100.", "s", 8),
            {
                "half": quantile(0.5, "interference_job_duration_seconds", CHOSEN),
                "95 %": quantile(0.95, "interference_job_duration_seconds", CHOSEN),
            },
        ),
        graph(
            Text("Time of stages", "That 95 of 100 stay below; QUEUED is the wait.", "s", 24),
            {"{{stage}}": quantile(0.95, "interference_stage_duration_seconds", CHOSEN, "stage")},
        ),
    ]


def _workers() -> Panels:
    return [
        graph(
            Text("Workers", "Processes that compute gradients, by what they do.", width=6),
            {"{{state}}": f"sum by (state) (interference_gradient_workers{{{CHOSEN}}})"},
        ),
        graph(
            Text("Rows", "Whose gradients were computed, a second.", "rowsps", 6),
            {"{{device}}": _rate("interference_gradient_rows_total", "device")},
        ),
        graph(
            Text("Losses of workers", "A second, by reason.", "ops", 6),
            {"{{reason}}": _rate("interference_workers_lost_total", "reason")},
        ),
        graph(
            Text("Memory of devices", "As the workers told that finished work last.", "bytes", 6),
            {
                "{{device}} {{kind}}": "max by (device, kind) "
                f"(interference_device_memory_bytes{{{CHOSEN}}})"
            },
        ),
    ]


def _process() -> Panels:
    store = "interference_store_operation_seconds"
    lag = "interference_event_loop_lag_seconds"
    versions = ("version", "revision", "python", "torch", "ray")
    return [
        graph(
            Text("Time of the store", "By operation, that 99 of 100 stay below.", "s", 8),
            {"{{operation}}": quantile(0.99, store, CHOSEN, "operation")},
        ),
        graph(
            Text("Failures of the store", "Per second, by operation.", "ops", 8),
            {"{{operation}}": _rate("interference_store_errors_total", "operation")},
        ),
        graph(
            Text("Lateness of the event loop", "While it is late, calls wait.", "s", 8),
            {
                "99 %": quantile(0.99, lag, CHOSEN),
                "now, {{instance}}": f"interference_event_loop_stalled_seconds{{{CHOSEN}}}",
            },
        ),
        graph(
            Text("Processor", "Cores that the process itself uses, without its workers.", width=8),
            {
                "{{instance}}": _rate(
                    "process_cpu_seconds_total", "instance", f'job="interference", {CHOSEN}'
                )
            },
        ),
        graph(
            Text("Memory", "Of the process itself, without its workers.", "bytes", 8),
            {"{{instance}}": f'process_resident_memory_bytes{{job="interference", {CHOSEN}}}'},
        ),
        graph(
            Text("Open files", "Of those that the process may open.", "percentunit", 8),
            {
                "{{instance}}": f'process_open_fds{{job="interference", {CHOSEN}}}'
                f' / process_max_fds{{job="interference", {CHOSEN}}}'
            },
        ),
        rows(
            Text("Versions", "Of what runs.", width=24, height=5),
            [
                Column(
                    "processes",
                    f"count by ({', '.join(versions)}) (interference_build_info{{{CHOSEN}}})",
                )
            ],
        ),
    ]
