"""The page of the API's description: Swagger UI, from files of the server's own and without scripts in the page."""

from __future__ import annotations

from html import escape

SCRIPT = "api.js"
STYLE = "api.css"
SWAGGER_SCRIPT = "swagger-ui-bundle.js"
SWAGGER_STYLE = "swagger-ui.css"
ICON = "favicon-32x32.png"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" type="image/png" href="api.assets/{icon}">
<link rel="stylesheet" href="api.assets/{swagger_style}">
<link rel="stylesheet" href="api.assets/{style}">
</head>
<body>
<main id="api"></main>
<noscript>This page needs JavaScript. The description that it shows is at <a href="api">api</a>.</noscript>
<script src="api.assets/{swagger_script}"></script>
<script src="api.assets/{script}"></script>
</body>
</html>
"""


def page(title: str) -> str:
    """HTML that shows the document at `api`, with files at `api.assets/`, both beside the page under any prefix."""
    return _PAGE.format(
        title=escape(title),
        icon=ICON,
        style=STYLE,
        script=SCRIPT,
        swagger_style=SWAGGER_STYLE,
        swagger_script=SWAGGER_SCRIPT,
    )
