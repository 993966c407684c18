from pulumi.runtime.proto import engine_pb2 as engine_pb2
from pulumi.runtime.proto import engine_pb2_grpc as engine_pb2_grpc
from pulumi.runtime.proto import plugin_pb2 as plugin_pb2
from pulumi.runtime.proto import provider_pb2 as provider_pb2
from pulumi.runtime.proto import provider_pb2_grpc as provider_pb2_grpc
from pulumi.runtime.proto import status_pb2 as status_pb2
