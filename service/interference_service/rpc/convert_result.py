"""Result of the domain -> ``AnalysisResult`` of the contract."""

from interference.v1 import analysis_result_pb2
from interference_service.domain.result import AnalysisResult, MatrixInfo
from interference_service.rpc.resource_names import result_name


def result_to_wire(job: str, result: AnalysisResult) -> analysis_result_pb2.AnalysisResult:
    """The message of a result; NaN stays NaN.

    Args:
        job: Name of the job that it belongs to.
        result: The result.
    """
    return analysis_result_pb2.AnalysisResult(name=result_name(job), **result.model_dump())


def matrix_info_to_wire(info: MatrixInfo) -> analysis_result_pb2.MatrixInfo:
    """The message of a matrix's description."""
    return analysis_result_pb2.MatrixInfo(**info.model_dump())
