from typing import Any

from pyodide.ffi import JsProxy as JsProxy

def create_proxy(value: object) -> Any: ...
