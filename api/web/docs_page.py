"""The readable documents at `/docs`: Swagger UI, kept here whole, for networks without others."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent / "swagger"
FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript",
}
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gongji 共济</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="operations"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#operations", deepLinking: true, tryItOutEnabled: true,
});
"""


@router.get("/docs")
async def page() -> Response:
    """The page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/{name}")
async def part(name: str) -> Response:
    """A file of the page."""
    if name not in FILES:
        raise HTTPException(404)
    if name == "start.js":
        return Response(START, media_type=FILES[name])
    return FileResponse(FOLDER / name, media_type=FILES[name])
