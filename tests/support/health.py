"""What a service says of itself over gRPC."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

READY = "interference.v1.AnalysisService"
ALIVE = ""


def serving(address: str, service: str) -> bool:
    """Whether a service, or with no name the process, is SERVING; on a connection of its own."""
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
        return answer.status == health_pb2.HealthCheckResponse.SERVING
