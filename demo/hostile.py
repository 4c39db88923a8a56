"""HTML as it should not be: three ways to trouble a reader, around content that a person can still read."""

from __future__ import annotations

from demo.body import Body

DEPTH = 3000  # elements inside each other, in the second way


def troubled(html: str, way: int) -> str:
    """`html` (a whole page) with trouble added; `way` 0: broken markup, 1: nesting, 2: sizes and characters."""
    if way == 1:
        start, end = html.index("<body>") + 6, html.index("</body>")
        return html[:start] + "<div>" * DEPTH + html[start:end] + "</div>" * DEPTH + html[end:]
    if way == 2:
        return html.replace("<body>", f'<body data-state="{"A" * 200_000}" onload="while(1){{}}">').replace(
            "</body>", "&#0;&#x110000;&nosuch;<a href='data:text/html,<script>alert(1)</script>'></a></body>"
        )
    html = html.replace("<title>", "<title><script>alert('title')</script>")
    html = html.replace("</p>", "").replace("</body>", "</div></span></body></body>")
    return html.replace('<nav class="menu">', '<nav class="menu"><a href="javascript:void(document.cookie)">')


def trap(body: Body, way: int) -> None:
    """Elements between the content that show a reader nothing, or not what they hold."""
    if way == 0:
        body.raw(
            '<a href="javascript:alert(1)"><img src="javascript:alert(2)" alt=""></a><img src="http://[bad/x.jpg">'
        )
        body.raw("<!-- <p>never closed -- > --><table><tr><td><b><i></b></i></table><p style='display:none'>\u202etxen")
    else:
        body.raw('<img src="   " alt="x"><img alt="no address"><script>document.write("<p>written</p>")</script>')
        body.raw('<svg width="10" height="10"><circle r="4"/></svg><iframe src="about:blank"></iframe>')
