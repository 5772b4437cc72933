"""Pages as well-known libraries and proxies write them, in short."""

OTEL = """# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",http_route="/x",le="0.1"} 8
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",http_route="/x",le="1"} 10
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="200",http_route="/x",le="+Inf"} 10
http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/x"} 10
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="503",http_route="/x",le="0.1"} 1
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="503",http_route="/x",le="1"} 1
http_server_request_duration_seconds_bucket{http_request_method="GET",http_response_status_code="503",http_route="/x",le="+Inf"} 2
http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="503",http_route="/x"} 2
http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/healthz"} 999
"""  # noqa: E501

OTEL_EARLIER = """# TYPE http_server_duration_milliseconds histogram
http_server_duration_milliseconds_bucket{http_status_code="200",le="100"} 8
http_server_duration_milliseconds_bucket{http_status_code="200",le="1000"} 10
http_server_duration_milliseconds_bucket{http_status_code="200",le="+Inf"} 10
http_server_duration_milliseconds_count{http_status_code="200"} 10
http_server_duration_milliseconds_bucket{http_status_code="500",le="100"} 1
http_server_duration_milliseconds_bucket{http_status_code="500",le="1000"} 1
http_server_duration_milliseconds_bucket{http_status_code="500",le="+Inf"} 2
http_server_duration_milliseconds_count{http_status_code="500"} 2
"""

MICROMETER = """# TYPE http_server_requests_seconds summary
http_server_requests_seconds_count{method="GET",outcome="SUCCESS",status="200",uri="/orders"} 10.0
http_server_requests_seconds_sum{method="GET",outcome="SUCCESS",status="200",uri="/orders"} 1.2
http_server_requests_seconds_count{method="GET",outcome="SERVER_ERROR",status="500",uri="/orders"} 2.0
http_server_requests_seconds_count{method="GET",outcome="SUCCESS",status="200",uri="/actuator/prometheus"} 77.0
# TYPE jvm_memory_used_bytes gauge
jvm_memory_used_bytes{area="heap",id="G1 Eden"} 3.0E7
jvm_memory_used_bytes{area="heap",id="G1 Old"} 1.0E7
jvm_memory_used_bytes{area="nonheap",id="Metaspace"} 9.0E7
"""

PROMETHEUS_NET = """# TYPE http_requests_received_total counter
http_requests_received_total{code="200",method="GET",controller="Orders",action="Get",endpoint="/orders"} 10
http_requests_received_total{code="502",method="GET",controller="Orders",action="Get",endpoint="/orders"} 2
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{code="200",method="GET",le="0.1"} 8
http_request_duration_seconds_bucket{code="200",method="GET",le="+Inf"} 12
http_request_duration_seconds_count{code="200",method="GET"} 12
"""

GO = """# TYPE go_goroutines gauge
go_goroutines 12
# TYPE http_requests_total counter
http_requests_total{code="200",handler="/",method="get"} 10
http_requests_total{code="500",handler="/",method="get"} 2
http_requests_total{code="200",handler="/metrics",method="get"} 50
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 4.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 2.5e+07
# TYPE promhttp_metric_handler_requests_total counter
promhttp_metric_handler_requests_total{code="200"} 50
promhttp_metric_handler_requests_total{code="500"} 3
"""

BY_CLASS = """# TYPE http_requests_total counter
http_requests_total{handler="/x",method="GET",status="2xx"} 10.0
http_requests_total{handler="/x",method="GET",status="5xx"} 2.0
"""

ISTIO = """# TYPE istio_requests_total counter
istio_requests_total{reporter="destination",response_code="200",request_protocol="http"} 8
istio_requests_total{reporter="destination",response_code="200",request_protocol="grpc",grpc_response_status="0"} 2
istio_requests_total{reporter="destination",response_code="200",request_protocol="grpc",grpc_response_status="14"} 1
istio_requests_total{reporter="destination",response_code="503",request_protocol="http"} 1
istio_requests_total{reporter="source",response_code="503",request_protocol="http"} 400
# TYPE istio_request_duration_milliseconds histogram
istio_request_duration_milliseconds_bucket{reporter="destination",response_code="200",le="100"} 9
istio_request_duration_milliseconds_bucket{reporter="destination",response_code="200",le="+Inf"} 12
istio_request_duration_milliseconds_bucket{reporter="source",response_code="200",le="100"} 300
istio_request_duration_milliseconds_bucket{reporter="source",response_code="200",le="+Inf"} 400
"""

ENVOY = """# TYPE envoy_http_downstream_rq_xx counter
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="ingress"} 10
envoy_http_downstream_rq_xx{envoy_response_code_class="5",envoy_http_conn_manager_prefix="ingress"} 2
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="admin"} 70
# TYPE envoy_http_downstream_rq_time histogram
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="ingress",le="100"} 9
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="ingress",le="+Inf"} 12
"""

NGINX_VTS = """# TYPE nginx_vts_server_requests_total counter
nginx_vts_server_requests_total{host="shop",code="2xx"} 10
nginx_vts_server_requests_total{host="shop",code="5xx"} 2
nginx_vts_server_requests_total{host="shop",code="total"} 12
nginx_vts_server_requests_total{host="*",code="2xx"} 10
nginx_vts_server_requests_total{host="*",code="5xx"} 2
"""

NGINX = """# TYPE nginx_http_requests_total counter
nginx_http_requests_total 12
"""

GRPC = """# TYPE grpc_server_handled_total counter
grpc_server_handled_total{grpc_code="OK",grpc_method="Get",grpc_service="shop.Orders",grpc_type="unary"} 9
grpc_server_handled_total{grpc_code="NotFound",grpc_method="Get",grpc_service="shop.Orders",grpc_type="unary"} 1
grpc_server_handled_total{grpc_code="Unavailable",grpc_method="Get",grpc_service="shop.Orders",grpc_type="unary"} 2
grpc_server_handled_total{grpc_code="OK",grpc_method="Check",grpc_service="grpc.health.v1.Health",grpc_type="unary"} 60
"""

ALL = {
    "OpenTelemetry": OTEL,
    "OpenTelemetry, earlier": OTEL_EARLIER,
    "Micrometer": MICROMETER,
    "prometheus-net": PROMETHEUS_NET,
    "Go": GO,
    "status by class": BY_CLASS,
    "Istio": ISTIO,
    "Envoy": ENVOY,
    "nginx-vts": NGINX_VTS,
    "gRPC": GRPC,
}
"""Each tells of 12 requests of users, 2 of them errors."""
