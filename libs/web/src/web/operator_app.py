"""What the metrics port answers: /metrics, /health, /live, /ready. Never through the gateway."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telemetry import metrics

from web.health import Health


def operator_app(health: Health) -> Starlette:
    """Return the small application of the metrics port."""
    return Starlette(
        routes=[
            Route("/metrics", _metrics),
            Route("/health", health.health),
            Route("/live", health.live),
            Route("/ready", health.ready),
        ]
    )


async def _metrics(_: Request) -> Response:
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
